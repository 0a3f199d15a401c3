"""Clusters of virtual entries, the bitmaps that hand out runs of them, and what becomes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator

from refmodel.engines.contract import breaks
from refmodel.kernel import vswap_decisions as vswap

ENTRIES = 2**40
"""Virtual entries, at most."""


def an_entry_has_one_place(entry: int, size: int) -> tuple[int, int]:
    """Every virtual entry has one place: the cluster and the number in it lead back to the entry.

    Source: VSWAP_CLUSTER_SIZE, mm/vswap.c, Virtual Swap Space v6
    Requirement: S1

    pre: 0 <= entry <= ENTRIES
    pre: size in (8, 16, 512)
    post: 0 <= _[1] < size
    post: vswap.entry_of(_[0], _[1], size) == entry
    """
    return vswap.cluster_and_index(entry, size)


@breaks(an_entry_has_one_place, vswap.cluster_and_index)
def counts_from_one(entry: int, size: int) -> tuple[int, int]:
    """Entries of a cluster are numbered from 1."""
    return entry // size, entry % size + 1


def no_two_places_share_an_entry(number: int, index: int, size: int) -> int:
    """The entry at a place is that of no other place.

    Source: VSWAP_CLUSTER_SIZE, mm/vswap.c, Virtual Swap Space v6
    Requirement: S1

    pre: 0 <= number <= ENTRIES
    pre: size in (8, 16, 512)
    pre: 0 <= index < size
    post: vswap.cluster_and_index(_, size) == (number, index)
    """
    return vswap.entry_of(number, index, size)


@breaks(no_two_places_share_an_entry, vswap.entry_of)
def overlaps_clusters(number: int, index: int, size: int) -> int:
    """The last entry of a cluster is the first of the next."""
    return number * (size - 1) + index


def room_is_for_a_whole_run(count: int, order: int, size: int) -> bool:
    """A cluster has room as long as one more folio of its order does not make it larger than it is.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S2

    pre: size in (8, 16, 512)
    pre: 0 <= order <= 3
    pre: 0 <= count <= size
    post: implies(_, count + 2**order <= size)
    post: implies(not _, count + 2**order > size)
    """
    return vswap.fits_one_more(count, order, size)


@breaks(room_is_for_a_whole_run, vswap.fits_one_more)
def has_room_for_one(count: int, order: int, size: int) -> bool:
    """One free entry is room enough."""
    return count < size


@breaks(room_is_for_a_whole_run, vswap.fits_one_more)
def is_full_early(count: int, order: int, size: int) -> bool:
    """The last run is never handed out."""
    return count + (1 << order) < size


def a_free_run_is_free_and_aligned(used: int, nr: int) -> tuple[int, ...]:
    """The runs that a bitmap of 4 offers are aligned and free; every other aligned run has a bit that is set.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S2

    pre: 0 <= used < 2**4
    pre: nr in (1, 2, 4)
    post: all(start % nr == 0 and start + nr <= 4 for start in _)
    post: all(used // 2**start % 2**nr == 0 for start in _)
    post: all(start in _ or used // 2**start % 2**nr for start in range(0, 4, nr))
    """
    return tuple(vswap.free_runs(used, 4, nr))


@breaks(a_free_run_is_free_and_aligned, vswap.free_runs)
def offers_any_place(used: int, size: int, nr: int, start: int = 0) -> Iterator[int]:
    """Runs need not be aligned, and the first entry of a run is all that has to be free."""
    return (s for s in range(start, size) if not used >> s & 1)


@breaks(a_free_run_is_free_and_aligned, vswap.free_runs)
def offers_the_last_only(used: int, size: int, nr: int, start: int = 0) -> Iterator[int]:
    """Only the last run is ever offered."""
    return (s for s in range(size - nr, size - nr + 1) if not used >> s & ((1 << nr) - 1))


def a_run_has_its_bits(start: int, nr: int) -> int:
    """The bits of a run are as many as its entries, and the lowest is the first entry's.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S2

    pre: 0 <= start < 4
    pre: 1 <= nr <= 4
    post: _ == 2**start * (2**nr - 1)
    """
    return vswap.run_bits(start, nr)


@breaks(a_run_has_its_bits, vswap.run_bits)
def has_a_bit_too_many(start: int, nr: int) -> int:
    """The bit behind the run is set, too."""
    return ((2 << nr) - 1) << start


def freeing_a_run_undoes_its_allocation(used: int, start: int, nr: int) -> tuple[int, int]:
    """From any bitmap with a free run: taking it adds as many entries as it has, and freeing it gives the bitmap back.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S2

    pre: 0 <= used < 2**3
    pre: nr in (1, 2)
    pre: 0 <= start < 3
    pre: start in list(vswap.free_runs(used, 3, nr))
    post: bin(_[0]).count("1") == bin(used).count("1") + nr
    post: _[1] == used
    """
    taken = used | vswap.run_bits(start, nr)
    return taken, taken & ~vswap.run_bits(start, nr)


@breaks(freeing_a_run_undoes_its_allocation, vswap.run_bits)
def takes_one_more(start: int, nr: int) -> int:
    """The entry behind the run is taken along, whoever has it."""
    return ((2 << nr) - 1) << start


@breaks(freeing_a_run_undoes_its_allocation, vswap.free_runs)
def offers_runs_in_use(used: int, size: int, nr: int, start: int = 0) -> Iterator[int]:
    """A run can be taken as soon as its first entry is free."""
    return (s for s in range(start, size - nr + 1, nr) if not used >> s & 1)


def a_cluster_is_listed_when_somebody_needs_the_list(full: bool, room: bool, cached: bool) -> bool:
    """A cluster goes back to the list if it is on none, has room again, and no CPU has it.

    Source: mm/vswap.c vswap_free_nr(), Virtual Swap Space v6
    Requirement: S2

    post: implies(_, full and room)
    post: implies(cached, not _)
    post: implies(full and room and not cached, _)
    """
    return vswap.relists(full, room, cached)


@breaks(a_cluster_is_listed_when_somebody_needs_the_list, vswap.relists)
def lists_it_twice(full: bool, room: bool, cached: bool) -> bool:
    """A cluster with room is put on the list although it is there, or reserved."""
    return room


@breaks(a_cluster_is_listed_when_somebody_needs_the_list, vswap.relists)
def strands_it(full: bool, room: bool, cached: bool) -> bool:
    """A cluster that was full never comes back."""
    return False


def a_slot_can_be_taken_if_only_the_cache_has_it(count: int, cached: bool) -> bool:
    """The mark of a physical slot says: the swap cache holds its entry, and no page table names it.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S1

    pre: 0 <= count <= 2**31
    post: implies(_, cached)
    post: implies(count > 0, not _)
    post: implies(cached and count == 0, _)
    """
    return vswap.is_cache_only(count, cached)


@breaks(a_slot_can_be_taken_if_only_the_cache_has_it, vswap.is_cache_only)
def takes_named_slots(count: int, cached: bool) -> bool:
    """Slots that page tables name can be taken."""
    return cached


@breaks(a_slot_can_be_taken_if_only_the_cache_has_it, vswap.is_cache_only)
def takes_free_slots(count: int, cached: bool) -> bool:
    """A slot without any holder carries the mark."""
    return count == 0


@breaks(a_slot_can_be_taken_if_only_the_cache_has_it, vswap.is_cache_only)
def takes_nothing(count: int, cached: bool) -> bool:
    """No slot can ever be taken."""
    return False


def one_write_reaches_slots_in_a_row(slots: list[int]) -> bool:
    """Physical slots can be written in one go exactly if each is the one behind the slot before it.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S4

    pre: 1 <= len(slots) <= 4
    pre: all(1 <= each <= ENTRIES for each in slots)
    post: implies(_, all(slots[k + 1] == slots[k] + 1 for k in range(len(slots) - 1)))
    post: implies(all(slots[k + 1] == slots[k] + 1 for k in range(len(slots) - 1)), _)
    """
    return vswap.in_a_row(slots)


@breaks(one_write_reaches_slots_in_a_row, vswap.in_a_row)
def looks_at_the_ends(slots: list[int]) -> bool:
    """Only the first and the last slot are compared."""
    return slots[-1] - slots[0] == len(slots) - 1


@breaks(one_write_reaches_slots_in_a_row, vswap.in_a_row)
def never_writes_in_one_go(slots: list[int]) -> bool:
    """Slots are never in a row."""
    return False
