"""Which runs of slots can be handed out, and what dropping a reference makes of a slot."""

from __future__ import annotations

from collections.abc import Iterable

from refmodel.engines.contract import breaks
from refmodel.kernel import slot_decisions as slots_of_device
from refmodel.kernel import table
from refmodel.kernel.slot_decisions import Dropped

SLOTS = 2**40
"""Offsets of a device, at most."""

ROOM = 4
"""Slots that the return cache of a CPU holds, at most; it is 64 in the kernel."""


def a_run_is_aligned_and_on_the_device(slots: int, nr: int, start: int) -> bool:
    """A run can start wherever it is naturally aligned, lies on the device and leaves offset 0 alone; nowhere else.

    Source: mm/swap_slots.c folio_alloc_swap(), Linux 6.12.117
    Requirement: S8

    pre: 1 <= slots <= SLOTS
    pre: nr in (1, 2, 4, 8, 16, 512)
    pre: -1 <= start <= SLOTS
    post: implies(_, start % nr == 0 and start > 0 and start + nr <= slots)
    post: implies(start % nr == 0 and start > 0 and start + nr <= slots, _)
    """
    return start in slots_of_device.aligned_starts(slots, nr)


@breaks(a_run_is_aligned_and_on_the_device, slots_of_device.aligned_starts)
def hands_out_the_header(slots: int, nr: int) -> range:
    """Offset 0, where the header of the swap area is, can be handed out."""
    return range(0, slots - nr + 1, nr)


@breaks(a_run_is_aligned_and_on_the_device, slots_of_device.aligned_starts)
def leaves_the_last_run(slots: int, nr: int) -> range:
    """The run at the end of the device is never handed out."""
    return range(nr if nr > 1 else 1, slots - nr, nr)


def the_last_run_is_not_left(nr: int, runs: int, rest: int) -> bool:
    """The last whole run of a device can be handed out, whatever is left behind it.

    Source: mm/swap_slots.c folio_alloc_swap(), Linux 6.12.117
    Requirement: S8

    pre: nr in (1, 2, 4, 8, 16, 512)
    pre: 2 <= runs <= 2**31
    pre: 0 <= rest < nr
    post: _
    """
    return (runs - 1) * nr in slots_of_device.aligned_starts(runs * nr + rest, nr)


@breaks(the_last_run_is_not_left, slots_of_device.aligned_starts)
def leaves_the_end(slots: int, nr: int) -> range:
    """A run that ends with the device is never handed out."""
    return range(nr, slots - nr, nr)


def a_number_lies_in_its_run(number: int, nr: int) -> int:
    """Every page or slot lies in exactly one naturally aligned run of a length.

    Source: mm/memory.c do_anonymous_page(), Linux 6.12.117
    Requirement: S8, B15

    pre: 0 <= number <= SLOTS
    pre: 1 <= nr <= 512
    post: _ <= number < _ + nr
    post: _ % nr == 0
    """
    return slots_of_device.aligned_start(number, nr)


@breaks(a_number_lies_in_its_run, slots_of_device.aligned_start)
def starts_behind(number: int, nr: int) -> int:
    """The run begins behind the number."""
    return number - number % nr + nr


@breaks(a_number_lies_in_its_run, slots_of_device.aligned_start)
def starts_where_it_is(number: int, nr: int) -> int:
    """The run begins with the number itself."""
    return number


def a_window_has_neighbours_only(slot: int, length: int, slots: int) -> tuple[int, ...]:
    """Read ahead are the other slots of the aligned run of a slot, ascending, but neither offset 0 nor past the end.

    Source: mm/swap_state.c swap_cluster_readahead(), Linux 6.18.15
    Requirement: B15

    pre: 1 <= slot < slots <= 6
    pre: 1 <= length <= 3
    post: slot not in _
    post: all(0 < each < slots and each // length == slot // length for each in _)
    post: all(_[k] < _[k + 1] for k in range(len(_) - 1))
    post: len(_) == len([s for s in range(1, slots) if s // length == slot // length]) - 1
    """
    return slots_of_device.window(slot, length, slots)


@breaks(a_window_has_neighbours_only, slots_of_device.window)
def reads_the_header_ahead(slot: int, length: int, slots: int) -> tuple[int, ...]:
    """Offset 0 and the slot itself are in the window."""
    start = slot - slot % length
    return tuple(range(start, min(start + length, slots)))


@breaks(a_window_has_neighbours_only, slots_of_device.window)
def reads_backwards(slot: int, length: int, slots: int) -> tuple[int, ...]:
    """The window is read from its end."""
    start = slot - slot % length
    return tuple([s for s in range(max(start, 1), min(start + length, slots)) if s != slot][::-1])


def a_lock_covers_512_slots(slot: int, other: int) -> bool:
    """Slots of one cluster are less than 512 apart, and a cluster begins at a multiple of 512.

    Source: SWAPFILE_CLUSTER, mm/swapfile.c, Linux 6.12.117
    Requirement: S1

    pre: 0 <= slot <= SLOTS
    pre: 0 <= other <= SLOTS
    post: implies(_, -512 < slot - other < 512)
    post: implies(slot % 512 == 0 and 0 <= other - slot < 512, _)
    """
    return slots_of_device.same_cluster(slot, other)


@breaks(a_lock_covers_512_slots, slots_of_device.same_cluster)
def has_larger_clusters(slot: int, other: int) -> bool:
    """A cluster has 1024 slots."""
    return slot // 1024 == other // 1024


@breaks(a_lock_covers_512_slots, slots_of_device.same_cluster)
def has_smaller_clusters(slot: int, other: int) -> bool:
    """A cluster has 256 slots."""
    return slot // 256 == other // 256


def neighbours_share_a_cluster(cluster: int, index: int, other: int) -> bool:
    """All slots between two multiples of 512 are in one cluster.

    Source: SWAPFILE_CLUSTER, mm/swapfile.c, Linux 6.12.117
    Requirement: S1

    pre: 0 <= cluster <= 2**31
    pre: 0 <= index < 512
    pre: 0 <= other < 512
    post: _
    """
    return slots_of_device.same_cluster(cluster * 512 + index, cluster * 512 + other)


@breaks(neighbours_share_a_cluster, slots_of_device.same_cluster)
def divides_clusters(slot: int, other: int) -> bool:
    """A slot is alone in its cluster."""
    return slot == other


def a_slot_is_freed_with_its_last_reference(count: int, cache: bool) -> Dropped:
    """Dropping a reference takes one off the count; the last one frees the slot unless the swap cache holds it.

    Source: mm/swapfile.c __swap_entries_free(), Linux 6.12.117; swap_put_entries_cluster(), Linux 7.3.4
    Requirement: S1

    pre: 1 <= count <= 2**31
    post: _.references == count - 1
    post: _.frees == (count == 1 and not cache)
    post: _.only_cache == (count == 1 and cache)
    """
    return slots_of_device.drop_reference(count, cache)


@breaks(a_slot_is_freed_with_its_last_reference, slots_of_device.drop_reference)
def frees_under_the_cache(count: int, cache: bool) -> Dropped:
    """The slot is freed although the swap cache holds it."""
    return Dropped(count - 1, cache, count == 1, False)


@breaks(a_slot_is_freed_with_its_last_reference, slots_of_device.drop_reference)
def keeps_the_last_reference(count: int, cache: bool) -> Dropped:
    """The last reference is never dropped."""
    return Dropped(max(count - 1, 1), cache, False, count == 1 and cache)


def nobody_gets_a_slot_before_it_is_free(count: int, cache: bool) -> Dropped:
    """A slot always has a reference or the mark of the cache until it is freed, and the mark is never lost.

    Source: mm/swapfile.c __swap_entries_free(), Linux 6.12.117
    Requirement: S1

    pre: 1 <= count <= 2**31
    post: _.references > 0 or _.cached
    post: implies(cache, _.cached)
    post: implies(_.references > 0, _.cached == cache)
    """
    return slots_of_device.drop_reference(count, cache)


@breaks(nobody_gets_a_slot_before_it_is_free, slots_of_device.drop_reference)
def clears_the_word_first(count: int, cache: bool) -> Dropped:
    """The word of the slot is cleared before it is freed: somebody may be given it meanwhile."""
    return Dropped(count - 1, False, count == 1 and not cache, count == 1 and cache)


@breaks(nobody_gets_a_slot_before_it_is_free, slots_of_device.drop_reference)
def marks_every_slot(count: int, cache: bool) -> Dropped:
    """A slot that others still refer to is marked as cached."""
    return Dropped(count - 1, True, count == 1 and not cache, count == 1 and cache)


def a_run_goes_at_once_if_all_are_alike(
    same_cluster: bool, cache: bool, slots: tuple[tuple[int, bool], ...]
) -> bool:
    """Several slots are dropped in one go only if one lock covers them and each is alike: one reference, same mark.

    Source: mm/swapfile.c __swap_entries_free(), Linux 6.12.117
    Requirement: S1

    pre: 1 <= len(slots) <= 3
    pre: all(1 <= count <= 2 for count, _cached in slots)
    post: implies(_, same_cluster and len(slots) > 1)
    post: implies(_, all(count == 1 and cached == cache for count, cached in slots))
    post: implies(same_cluster and len(slots) > 1 and all(slot == (1, cache) for slot in slots), _)
    """
    return slots_of_device.drops_at_once(len(slots), same_cluster, cache, slots)


@breaks(a_run_goes_at_once_if_all_are_alike, slots_of_device.drops_at_once)
def looks_at_counts_only(nr: int, same_cluster: bool, cache: bool, slots: Iterable[tuple[int, bool]]) -> bool:
    """Slots that the swap cache holds go together with others."""
    return nr > 1 and same_cluster and all(count == 1 for count, _ in slots)


@breaks(a_run_goes_at_once_if_all_are_alike, slots_of_device.drops_at_once)
def ignores_the_lock(nr: int, same_cluster: bool, cache: bool, slots: Iterable[tuple[int, bool]]) -> bool:
    """A run across two clusters goes at once."""
    return nr > 1 and all(slot == (1, cache) for slot in slots)


@breaks(a_run_goes_at_once_if_all_are_alike, slots_of_device.drops_at_once)
def never_drops_at_once(nr: int, same_cluster: bool, cache: bool, slots: Iterable[tuple[int, bool]]) -> bool:
    """Slots always go one by one."""
    return False


def a_returned_slot_is_not_lost(
    cached: tuple[int, ...], slot: int, room: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """From any legal cache: it never holds more than it may, and each slot waits or is freed, in the order of return.

    Source: mm/swap_slots.c free_swap_slot(), Linux 6.12.117
    Requirement: S8
    Random: ROOM = 64

    pre: 1 <= room <= ROOM
    pre: len(cached) <= room
    post: len(_[0]) <= room
    post: _[1] + _[0] == (*cached, slot)
    post: implies(len(_[1]) > 0, len(cached) == room)
    """
    return slots_of_device.return_slot(cached, slot, room)


@breaks(a_returned_slot_is_not_lost, slots_of_device.return_slot)
def overfills_the_cache(
    cached: tuple[int, ...], slot: int, room: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The cache takes one slot more than it has room for."""
    return ((*cached, slot), ()) if len(cached) <= room else ((slot,), cached)


@breaks(a_returned_slot_is_not_lost, slots_of_device.return_slot)
def forgets_the_slot(
    cached: tuple[int, ...], slot: int, room: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The slot that finds the cache full is lost."""
    return ((*cached, slot), ()) if len(cached) < room else ((), cached)


@breaks(a_returned_slot_is_not_lost, slots_of_device.return_slot)
def flushes_early(cached: tuple[int, ...], slot: int, room: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The cache is emptied before it is full."""
    return ((*cached, slot), ()) if len(cached) < room - 1 else ((slot,), cached)


def the_lowest_free_number_is_given(used: int) -> int:
    """The number that is given is free, and every lower one is in use.

    Source: the numbers of entries, folios and objects of this model, which no kernel has
    Requirement: S1

    pre: 0 <= used < 2**6
    post: used // 2**_ % 2 == 0
    post: used % 2**_ == 2**_ - 1
    """
    return table.lowest_free(used)


@breaks(the_lowest_free_number_is_given, table.lowest_free)
def gives_the_number_behind_all(used: int) -> int:
    """A number behind all that were ever given is taken."""
    return used.bit_length()


@breaks(the_lowest_free_number_is_given, table.lowest_free)
def gives_the_highest(used: int) -> int:
    """The highest number in use is given again."""
    return max(used.bit_length() - 1, 0)
