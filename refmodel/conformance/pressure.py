"""Reclaim under pressure: the victims are taken from the recording, what happens to them must follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from refmodel.conformance.observed import Follower, Mismatch
from refmodel.conformance.trace_file import Event, Op, Record
from refmodel.engines.background import under_writeback
from refmodel.kernel.folio import live_folio
from refmodel.kernel.table import KernelView
from refmodel.machine import Operation

if TYPE_CHECKING:
    from refmodel.kernel.state import Pte
    from refmodel.machine import Place

Run = Callable[[Operation], Any]


VISITS = ("slot_alloc", "store", "disk_write", "swapcache_del")
"""Events of reclaim that name the slot of the folio that it visits."""

_BESIDE = ("shrinker_scan", "worker_start")
"""Events of what is done between two visits."""


def run_told_reclaim(v: KernelView, follower: Follower, op: Op, run: Run) -> None:
    """Run what a write to memory.reclaim caused, where the states of all pages afterwards are told.

    Which folios were visited, in which order and how often, and how far which lists were scanned, is the
    kernel's free choice: each visit begins with an event that the visits before do not explain.  The order of
    events is not held against it; what every page is afterwards, contents and counters are.
    """
    strict, follower.strict = follower.strict, False
    worker = int(op.record["cg"][1:])
    mms = [mm for mm in (worker, worker + v.cfg.sizes.processes) if mm < len(op.record["memory"])]
    told = [(v.at.pte[mm][page], state) for mm in mms for page, state in enumerate(op.record["memory"][mm])]
    places = {state["swp"][1]: place for place, state in told if "swp" in state}
    try:
        _visit(v, follower, run, places)
        _visit_silently(v, run, told)
    finally:
        follower.strict = strict
        follower.events.clear()


def _visit(v: KernelView, follower: Follower, run: Run, places: Mapping[int, Place[Pte]]) -> None:
    """Visit the folios that events name, until there are no more or one explains nothing."""
    visited: Event | None = None
    walked: list[Event] = []
    while (event := follower.next(*VISITS, *_BESIDE)) is not None:
        if event is visited:
            # Perhaps a walk of the shrinker caused it, which tells of itself at its end.
            event = follower.next(*_BESIDE)
            if event is None or event in walked:
                return
            walked.append(event)
        visited = event
        record = event.record
        end_writes(v, run)
        if record["ev"] == "worker_start":
            # Reclaim slept, and the worker that a full pool had queued ran meanwhile.
            if v[v.at.shrink_work].pending:
                run(v.ops.shrink_worker())
            continue
        if record["ev"] == "shrinker_scan":
            memcg = follower.memcgs.model_name(record["memcg"])
            run(v.ops.shrinker_scan(memcg=memcg, nid=record["nid"], todo=record["scanned"]))
            continue
        folio = _visited(v, follower, record, places)
        if folio:
            if not live_folio(v, folio).swapbacked:
                # An earlier visit found that the page was written since it was given up with MADV_FREE.
                run(v.ops.shrink_folio(folio=folio))
            run(v.ops.shrink_folio(folio=folio))
        elif not record["swp"][1]:
            # Some folio got no slot and stays what it was.
            follower.events.remove(event)


def _visit_silently(v: KernelView, run: Run, told: list[tuple[Place[Pte], Record]]) -> None:
    """Visit folios that were given up with MADV_FREE: they are gone, or dirty because they were written since."""
    for place, state in told:
        folio = v[place].folio
        if folio and not live_folio(v, folio).swapbacked and (state["st"] == "none" or "dirty" in state):
            run(v.ops.shrink_folio(folio=folio))


def _visited(v: KernelView, follower: Follower, record: Record, pages: Mapping[int, Place[Pte]]) -> int:
    """Return the folio that an event is about: the one in the swap cache, or that of the page that has its slot."""
    slot = record["swp"][1]
    if record["ev"] != "slot_alloc":
        return int(v[v.at.swap_cache[follower.slots.model_name(slot)]])
    return int(v[pages[slot]].folio) if slot in pages else 0


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
