"""The decisions about swap slots: which runs can be handed out, what dropping a reference makes of a slot.

Every function here decides one thing from plain values, so that it can be proved as well as tested.  The steps that
call them read the values and do what is decided.

Source: mm/swapfile.c and mm/swap_slots.c, Linux 6.12.117 (S1, S8).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

SWAPFILE_CLUSTER = 512
"""Slots of a cluster with transparent huge page swap (mm/swapfile.c)."""


def same_cluster(slot: int, other: int) -> bool:
    """Whether two slots lie in one cluster, so that one lock covers both (S1).

    Source: SWAPFILE_CLUSTER, mm/swapfile.c, Linux 6.12.117.
    """
    return slot // SWAPFILE_CLUSTER == other // SWAPFILE_CLUSTER


def aligned_start(number: int, nr: int) -> int:
    """Return the start of the naturally aligned run of ``nr`` pages or slots that a number lies in.

    nr: a power of two for folios, any length for a readahead window.
    Source: do_anonymous_page(), mm/memory.c, Linux 6.12.117.
    """
    return number - number % nr


def aligned_starts(slots: int, nr: int) -> range:
    """Return where runs of ``nr`` slots can start: naturally aligned, on the device, never at offset 0.

    slots: offsets of the device, offset 0 included, which is the header of the swap area.
    Source: folio_alloc_swap(), mm/swap_slots.c, Linux 6.12.117 (S8).
    """
    return range(nr, slots - nr + 1, nr)


def window(slot: int, length: int, slots: int) -> tuple[int, ...]:
    """Return the other slots of the readahead window of a slot, ascending; slot 0 is none (B15).

    length: of the window, in slots.  slots: offsets of the device, offset 0 included.
    Source: swap_cluster_readahead(), mm/swap_state.c, Linux 6.18.15.
    """
    start = aligned_start(slot, length)
    ahead = range(max(start, 1), min(start + length, slots))
    return tuple([each for each in ahead if each != slot])


class Dropped(NamedTuple):
    """What a slot is after one page-table entry has given up its reference.

    references: that are left.  cached: whether the slot stays marked as cached; a slot on its way to be free is,
    so that nobody can get it.  frees: whether it has to be freed.  only_cache: whether only the swap cache holds it.
    """

    references: int
    cached: bool
    frees: bool
    only_cache: bool


def drop_reference(count: int, cache: bool) -> Dropped:
    """Decide what becomes of a slot when one page-table entry gives up its reference (S1).

    count: references of page tables, at least 1.  cache: whether the swap cache holds the slot, too.
    Source: mm/swapfile.c __swap_entries_free(), Linux 6.12.117, and swap_put_entries_cluster(), Linux 7.3.4.
    """
    last = count == 1
    frees = last and not cache
    return Dropped(count - 1, cache or frees, frees, last and cache)


def drops_at_once(nr: int, same_cluster: bool, cache: bool, slots: Iterable[tuple[int, bool]]) -> bool:
    """Whether a run of slots can give up a reference in one go: all alike, each with its last one (S1).

    nr: slots of the run.  same_cluster: whether one lock covers it.  cache: whether the swap cache holds the first.
    slots: count and cache mark of each; nobody looks behind one that differs.
    Source: __swap_entries_free(), mm/swapfile.c, Linux 6.12.117.
    """
    alike = all(slot == (1, cache) for slot in slots)
    return nr > 1 and same_cluster and alike


def return_slot(cached: tuple[int, ...], slot: int, room: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Put a freed slot into the return cache of a CPU: return the cache afterwards, and the slots to be freed (S8).

    A full cache is emptied first; what was in it is freed, the slot itself is not.
    cached: slots that wait, oldest first.  room: slots that the cache holds, at least 1.
    Source: free_swap_slot(), mm/swap_slots.c, Linux 6.12.117.
    """
    if len(cached) < room:
        return (*cached, slot), ()
    return (slot,), cached
