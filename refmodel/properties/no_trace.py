"""What a store that failed leaves of itself: nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.kernel.config import PAGE_SIZE

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

ID = "TRACE"
"""What a store that left a trace of itself breaks."""

SENTENCE = "A store that fails leaves everything as it was, but for the older entries of its slots."
"""What it says."""

Components = Sequence[Any]


def no_trace(v: KernelView, before: Components, folio: int, counted: Mapping[str, int]) -> str | None:
    """Return what a store that has failed left of itself, or None.

    Every component of the system has to be as the store found it: trees, entries, objects and the pages of pools,
    charges of every cgroup, references to pools, LRU lists of every node, compression contexts.  Only older entries
    of the folio's slots are gone, with everything that they held; the counters of rejections have moved by exactly
    what the failure is counted with; and lists that a cgroup was given stay.  Where in its zspage an object lies is
    up to the allocator.  What IAA devices were asked is counted all the same.

    v: the system as the store left it.  before: its components as the store found them.  folio: number of the
    folio, which has its slots.  counted: how far counters of ``ZswapCounters`` have to have moved.
    Sources: mm/zswap.c zswap_store(), Linux 6.18.15; zswap compression batching v4 to v14 (ZS-20, BT-15, BT-17).
    """
    expected = without_older_entries(v, before, folio)
    for name, by in counted.items():
        expected[getattr(v.at.zs, name)] += by
    free = _up_to_others(v, counted)
    for place, (wanted, found) in enumerate(zip(expected, v, strict=True)):
        if found != wanted and place not in free:
            return f"{v.layout.name(place)} is {found!r} after the store; expected {wanted!r}"
    return None


def without_older_entries(v: KernelView, before: Components, folio: int) -> list[Any]:
    """Return the components of a system from which the entries at the slots of a folio are taken and freed.

    v: says where everything is; its own components do not matter.
    """
    left, record = list(before), before[v.at.folio[folio]]
    for slot in range(record.swap, record.swap + len(record.contents)):
        number, left[v.at.tree[slot]] = left[v.at.tree[slot]], 0
        if number:
            _free_entry(v, left, number)
    return left


def _free_entry(v: KernelView, left: list[Any], number: int) -> None:
    """Take an entry out of everything but the tree."""
    at, entry = v.at, left[v.at.entry[number]]
    for row in at.lru:
        for place in row:
            left[place] = tuple(listed for listed in left[place] if listed != number)
    left[at.pool_ref[entry.pool]] -= 1
    _free_object(v, left, entry.handle)
    counters = at.mc[left[at.objcg[entry.objcg]]]
    raw = entry.length == PAGE_SIZE
    if entry.objcg:
        left[counters.zswap] -= entry.length
        left[counters.zswapped] -= 1
        left[counters.zswap_incomp] -= raw and v.cfg.options.memcg_counts_incompressible
    left[at.zs.stored_pages] -= 1
    left[at.zs.stored_incompressible_pages] -= raw and v.cfg.options.raw_pages
    left[at.entry[number]] = None
    left[at.entries_used] &= ~(1 << number)


def _free_object(v: KernelView, left: list[Any], handle: int) -> None:
    """Take an object out of its pool."""
    at, stored = v.at, left[v.at.zs_object[handle]]
    allocator = v.cfg.allocators[left[at.pool[stored.pool]].zpool]
    place = at.zs_class[stored.pool][stored.size_class]
    left[place], pages = allocator.remove(left[place], stored.size_class, stored.zspage)
    left[at.pool_pages[stored.pool]] -= pages
    left[at.vm.nr_zspages] -= pages * allocator.observed
    left[at.zs_object[handle]] = None
    left[at.objects_used] &= ~(1 << handle)


def _up_to_others(v: KernelView, counted: Mapping[str, int]) -> frozenset[int]:
    """Return places at which a failed store may have changed something that is not its own."""
    places: set[int] = {*v.at.lru_ready, *(place for row in v.at.zs_class for place in row)}
    places |= _asked_of_devices(v)
    if "pool_limit_hit" in counted:
        places |= {v.at.reached_full, v.at.shrink_work}
    return frozenset(places)


def _asked_of_devices(v: KernelView) -> set[int]:
    """Return places that say how much IAA devices were asked: cursors, and counters of the driver."""
    iaa = v.at.iaa
    of_queues = (place for each in iaa.wq_stats for place in attrs.astuple(each))
    return {*iaa.tables, *attrs.astuple(iaa.stats), *of_queues}
