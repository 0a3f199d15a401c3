"""What a recorded operation means to the model: which operations it runs.

One line of a trace is one or more operations of the model: a fill writes page after page, a fork copies
the page tables, a written control stores a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from refmodel.conformance.patterns import page as pattern
from refmodel.conformance.trace_file import Record
from refmodel.kernel.folio import live_folio
from refmodel.kernel.state import Truth
from refmodel.kernel.table import KernelView
from refmodel.machine import Operation

PAGE = 4096


def operations(v: KernelView, op: Record) -> Iterator[Operation]:
    """Yield the operations of the model that a recorded page operation stands for, in order.

    Raises KeyError for an operation that is not one of pages (``set``, ``settle`` and the like are the
    validator's business).
    """
    ops, mm, first, nr = v.ops, op.get("w", 0), op.get("page", 0), op.get("n", 1)
    pages = range(first, first + nr)
    match op["op"]:
        case "write":
            content = pattern(op["kind"], op["seed"], op.get("len", PAGE))
            yield ops.write_page(mm=mm, page=first, content=content)
        case "fill":
            for p, (kind, seed, length) in zip(pages, op["contents"], strict=True):
                yield ops.write_page(mm=mm, page=p, content=pattern(kind, seed, length))
        case "fillrange":
            for p in pages:
                content = pattern(op["kind"], op["seed"] + p, op.get("len", PAGE))
                yield ops.write_page(mm=mm, page=p, content=content)
        case "dirty":
            yield ops.store_byte(mm=mm, page=first, offset=op["off"], value=op["val"])
        case "out" | "outrange":
            yield ops.madvise_pageout(mm=mm, page=first, nr=nr)
        case "read" | "touch" | "crcrange":
            for p in pages:
                yield ops.read_page(mm=mm, page=p)
        case "free":
            yield ops.zap_pages(mm=mm, page=first, nr=nr)
        case "lazyfree":
            yield ops.madvise_free(mm=mm, page=first, nr=nr)
        case "willneed":
            yield from (ops.madvise_willneed(mm=mm, page=p) for p in pages)
        case "shrink":
            yield ops.shrinker_scan(memcg=mm + 1, nid=op["nid"], todo=nr)
        case "count":
            yield ops.shrinker_count(memcg=mm + 1, nid=op["nid"])
        case "offline":
            yield ops.memcg_offline(memcg=mm + 1)
        case "swapoff":
            yield ops.swapoff()
        case "swapon":
            yield ops.swapon()
        case "cpu":
            yield ops.cpu_online(op["cpu"]) if op["on"] else ops.cpu_offline(op["cpu"])
        case "fork":
            yield ops.fork(process=mm)
        case "reap":
            yield ops.exit_child(process=mm)
        case "peek":
            return
        case _:
            raise KeyError(op["op"])


def page_state(v: KernelView, mm: int, page: int) -> dict[str, Any]:
    """Return the state of a page as a trace writes it, its slot under the model's number."""
    pte = v[v.at.pte[mm][page]]
    if pte.slot:
        state: dict[str, Any] = {"st": "swap", "swp": [0, pte.slot]}
        return state | ({"swcache": 1} if v[v.at.swap_cache[pte.slot]] else {})
    if pte.zeropage:
        return {"st": "mem", "nid": -14, "zeropage": 1}
    if not pte.folio:
        return {"st": "none"}
    folio = live_folio(v, pte.folio)
    large = len(folio.contents) > 1
    flags = {
        "dirty": folio.dirty,
        "wb": folio.writeback,
        "swcache": folio.swapcache,
        "head": large and pte.index == 0,
        "tail": large and pte.index > 0,
    }
    return {"st": "mem", "nid": folio.nid, **{name: 1 for name, is_set in flags.items() if is_set}}


def forget_truth(v: KernelView, mm: int, page: int) -> None:
    """After a page was given up with MADV_FREE its content is the kernel's choice: take what it shows."""
    pte = v[v.at.pte[mm][page]]
    if pte == type(pte)():
        v[v.at.truth[mm][page]] = Truth()
