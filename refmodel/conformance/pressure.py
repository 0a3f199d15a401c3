"""Reclaim under pressure: the victims are taken from the recording, what happens to them must follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from refmodel.conformance.observed import Follower, Mismatch
from refmodel.conformance.trace_file import Op
from refmodel.engines.background import under_writeback
from refmodel.kernel.table import KernelView
from refmodel.machine import Operation

Run = Callable[[Operation], Any]


def run_reclaim(v: KernelView, follower: Follower, op: Op, run: Run) -> None:
    """Run what a write to memory.reclaim caused.

    Which lists were scanned and how far, and which folios were picked, is the kernel's free choice.
    """
    for event in op.events:
        record = event.record
        if record["ev"] == "shrinker_scan":
            memcg = follower.memcgs.model_name(record["memcg"])
            run(v.ops.shrinker_scan(memcg=memcg, nid=record["nid"], todo=record["scanned"]))
            end_writes(v, run)
    for event in op.events:
        record = event.record
        if record["ev"] == "swapcache_del":
            folio = v[v.at.swap_cache[follower.slots.model_name(record["swp"][1])]]
            if folio:
                run(v.ops.shrink_folio(folio=folio))


def end_writes(v: KernelView, run: Run) -> None:
    """Let the device finish everything that was submitted."""
    for number in under_writeback(v):
        run(v.ops.end_swap_write(folio=number))


def run_free_shrink(v: KernelView, follower: Follower, op: Op, run: Run) -> None:
    """Run the dynamic shrinker of an implementation whose order is free: it writes back what it says.

    Raises Mismatch for more entries than it was asked to visit, and for a slot that has none of that cgroup.
    """
    told = [event for event in op.events if event.record["ev"] == "writeback"]
    wanted = op.record["n"]
    if len(told) > wanted:
        raise Mismatch(op.line, f"{len(told)} entries written back", f"{wanted} at most", "event writeback")
    for event in told:
        slot = follower.slots.model_name(event.record["swp"][1])
        entry = v[v.at.tree[slot]]
        listed = v[v.at.lru[op.record["w"] + 1][op.record["nid"]]]
        if not entry or entry not in listed:
            text = f"writeback of slot {event.record['swp'][1]}"
            raise Mismatch(event.line, text, "slots with an entry on that list", "event writeback")
        run(v.ops.zswap_writeback_entry(entry=entry, slot=slot))
    end_writes(v, run)
