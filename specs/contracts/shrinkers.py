"""Whose turn it is on an LRU list, what the shrinkers answer, and when the global one gives up."""

from __future__ import annotations

import errno

from refmodel.engines.contract import breaks
from refmodel.kernel import shrink_decisions as shrink
from refmodel.kernel.config import MAX_RECLAIM_RETRIES

ENTRIES = 2**30
"""Entries of a list, at most: 4 TiB of pages."""


def a_visited_entry_is_the_last_to_be_visited_again(entries: tuple[int, ...]) -> tuple[int, ...]:
    """The head of a list goes to its tail, and the others keep their order.

    Source: mm/list_lru.c __list_lru_walk_one(), Linux 6.12.117
    Requirement: Z2

    pre: 1 <= len(entries) <= 4
    post: _[-1] == entries[0]
    post: _[:-1] == entries[1:]
    """
    return shrink.rotated(entries)


@breaks(a_visited_entry_is_the_last_to_be_visited_again, shrink.rotated)
def puts_the_entry_before_the_last(entries: tuple[int, ...]) -> tuple[int, ...]:
    """In a longer list the entry ends up before the last one."""
    return (*entries[1:-1], entries[0], *entries[-1:]) if len(entries) > 1 else entries


def a_round_visits_every_entry_once(entries: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """As many visits as a list has entries meet each of them once, in order, and leave the list as it was.

    Source: mm/list_lru.c __list_lru_walk_one(), Linux 6.12.117
    Requirement: Z2

    pre: len(entries) <= 4
    post: _[0] == entries
    post: _[1] == entries
    """
    left, visited = entries, []
    for _ in entries:
        visited.append(left[0])
        left = shrink.rotated(left)
    return left, tuple(visited)


@breaks(a_round_visits_every_entry_once, shrink.rotated)
def visits_two_by_turns(entries: tuple[int, ...]) -> tuple[int, ...]:
    """The first two entries change places, so that the others are never visited."""
    return (*entries[1:2], entries[0], *entries[2:])


def an_entry_that_leaves_takes_none_along(entries: tuple[int, ...], at: int) -> tuple[int, ...]:
    """An entry that is taken off a list is not on it afterwards; the others are, in their order.

    Source: mm/list_lru.c list_lru_del(), Linux 6.12.117
    Requirement: Z2

    pre: 1 <= len(entries) <= 4
    pre: all(entries[i] != entries[j] for i in range(len(entries)) for j in range(i))
    pre: 0 <= at < len(entries)
    post: entries[at] not in _
    post: all(each in _ for each in entries if each != entries[at])
    post: len(_) == len(entries) - 1
    """
    return shrink.without(entries, entries[at])


@breaks(an_entry_that_leaves_takes_none_along, shrink.without)
def takes_the_head_off(entries: tuple[int, ...], entry: int) -> tuple[int, ...]:
    """Whichever entry is meant, the head goes."""
    return entries[1:]


@breaks(an_entry_that_leaves_takes_none_along, shrink.without)
def cuts_the_list(entries: tuple[int, ...], entry: int) -> tuple[int, ...]:
    """What is behind the entry goes with it."""
    return entries[: entries.index(entry)]


def each_read_from_the_device_spares_one_entry(disk_swapins: int, freeable: int) -> int:
    """As many entries are spared as pages were read from the device, but never more than the list has.

    Source: mm/zswap.c zswap_shrinker_count(), Linux 6.12.117
    Requirement: Z2

    pre: 0 <= disk_swapins <= ENTRIES
    pre: 0 <= freeable <= ENTRIES
    post: 0 <= _ <= freeable
    post: _ <= disk_swapins
    post: _ == disk_swapins or _ == freeable
    """
    return shrink.spared_entries(disk_swapins, freeable)


@breaks(each_read_from_the_device_spares_one_entry, shrink.spared_entries)
def spares_more_than_there_are(disk_swapins: int, freeable: int) -> int:
    """More entries can be spared than the list has."""
    return disk_swapins


@breaks(each_read_from_the_device_spares_one_entry, shrink.spared_entries)
def spares_them_all(disk_swapins: int, freeable: int) -> int:
    """One read from the device spares the whole list."""
    return freeable


@breaks(each_read_from_the_device_spares_one_entry, shrink.spared_entries)
def spares_half(disk_swapins: int, freeable: int) -> int:
    """Two reads spare one entry."""
    return min(disk_swapins, freeable) // 2


def a_read_spares_once(disk_swapins: int, first: int, second: int) -> tuple[int, int]:
    """What was spared is used up: two lists together are spared no more than there were reads.

    Source: mm/zswap.c zswap_shrinker_count(), Linux 6.12.117
    Requirement: Z2

    pre: 0 <= disk_swapins <= ENTRIES
    pre: 0 <= first <= ENTRIES
    pre: 0 <= second <= ENTRIES
    post: sum(_) <= disk_swapins
    post: implies(disk_swapins <= first + second, sum(_) == disk_swapins)
    """
    spared = shrink.spared_entries(disk_swapins, first)
    return spared, shrink.spared_entries(disk_swapins - spared, second)


@breaks(a_read_spares_once, shrink.spared_entries)
def spares_one_more(disk_swapins: int, freeable: int) -> int:
    """One entry more is spared than there were reads."""
    return min(disk_swapins + 1, freeable)


def the_shrinker_is_told_of_no_more_than_there_are(left: int, backing: int, stored: int) -> int:
    """The count is scaled down by what compression saves: it never exceeds what is on the list.

    Source: mm/zswap.c zswap_shrinker_count(), Linux 6.12.117
    Requirement: Z2

    pre: 0 <= left <= 1024
    pre: 1 <= stored <= 1024
    pre: 0 <= backing <= stored
    post: 0 <= _ <= left
    post: implies(backing == stored, _ == left)
    post: implies(backing == 0, _ == 0)
    post: _ * stored <= left * backing < (_ + 1) * stored
    """
    return shrink.worth_a_try(left, backing, stored)


@breaks(the_shrinker_is_told_of_no_more_than_there_are, shrink.worth_a_try)
def scales_the_other_way(left: int, backing: int, stored: int) -> int:
    """The better pages compress, the more entries are offered."""
    return left * stored // (backing + 1)


@breaks(the_shrinker_is_told_of_no_more_than_there_are, shrink.worth_a_try)
def is_one_too_low(left: int, backing: int, stored: int) -> int:
    """One entry is always held back."""
    return left * backing // stored - 1


def the_answer_says_what_a_shrink_did(removed: int, visits: int) -> int:
    """0 for something written back, -ENOENT for nothing to look at, -EAGAIN for marks taken away only.

    Source: mm/zswap.c shrink_memcg(), Linux 6.12.117
    Requirement: Z2, S5

    pre: 0 <= removed <= visits <= ENTRIES
    post: (_ == 0) == (removed > 0)
    post: (_ == -errno.ENOENT) == (visits == 0)
    post: _ in (0, -errno.ENOENT, -errno.EAGAIN)
    """
    return shrink.memcg_answer(removed, visits)


@breaks(the_answer_says_what_a_shrink_did, shrink.memcg_answer)
def succeeds_for_marks(removed: int, visits: int) -> int:
    """Taking a mark away counts as a success."""
    return 0 if visits else -errno.ENOENT


@breaks(the_answer_says_what_a_shrink_did, shrink.memcg_answer)
def tells_no_empty_list(removed: int, visits: int) -> int:
    """An empty list is to be tried again, as if it had entries; the errors come back positive."""
    return 0 if removed else errno.EAGAIN


def the_scan_answers_what_it_freed(removed: int, hot: bool) -> int:
    """A scan answers the entries that it wrote back; after a hot entry, or without any, it asks to be left alone.

    Source: mm/zswap.c zswap_shrinker_scan(), Linux 6.12.117
    Requirement: Z2, Z3

    pre: 0 <= removed <= ENTRIES
    post: implies(hot or removed == 0, _ == shrink.SHRINK_STOP)
    post: implies(not hot and removed > 0, _ == removed)
    """
    return shrink.scan_answer(removed, hot)


@breaks(the_scan_answers_what_it_freed, shrink.scan_answer)
def says_zero(removed: int, hot: bool) -> int:
    """A scan that wrote nothing back says 0, so it is called again at once."""
    return shrink.SHRINK_STOP if hot else removed


@breaks(the_scan_answers_what_it_freed, shrink.scan_answer)
def stops_after_one(removed: int, hot: bool) -> int:
    """A scan that wrote back a single entry asks to be left alone."""
    return shrink.SHRINK_STOP if hot or removed <= 1 else removed


def an_attempt_counts_by_its_answer(attempts: int, failures: int, answer: int) -> tuple[int, int]:
    """A cgroup with nothing to write back counts as nothing; each other is an attempt, and a failure unless it wrote.

    Source: mm/zswap.c shrink_worker(), Linux 6.12.117
    Requirement: Z2

    pre: 0 <= attempts <= ENTRIES
    pre: 0 <= failures < MAX_RECLAIM_RETRIES
    pre: answer in (0, -errno.ENOENT, -errno.EAGAIN)
    post: _[0] - attempts == (0 if answer == -errno.ENOENT else 1)
    post: _[1] - failures == (1 if answer == -errno.EAGAIN else 0)
    """
    return shrink.after_shrink(attempts, failures, answer)


@breaks(an_attempt_counts_by_its_answer, shrink.after_shrink)
def counts_empty_cgroups(attempts: int, failures: int, answer: int) -> tuple[int, int]:
    """Empty cgroups are attempts and failures, too: sixteen of them end a run that had not begun."""
    return attempts + 1, failures + (answer != 0)


def a_pass_without_a_candidate_is_a_failure(attempts: int, failures: int) -> int:
    """A pass over the tree that tried nobody is one failure more; every other pass costs nothing by itself.

    Source: mm/zswap.c shrink_worker(), Linux 6.12.117
    Requirement: Z2

    pre: 0 <= attempts <= ENTRIES
    pre: 0 <= failures < MAX_RECLAIM_RETRIES
    post: implies(attempts == 0, _ == failures + 1)
    post: implies(attempts > 0, _ == failures)
    """
    return shrink.failures_after_pass(attempts, failures)


@breaks(a_pass_without_a_candidate_is_a_failure, shrink.failures_after_pass)
def passes_for_ever(attempts: int, failures: int) -> int:
    """A pass without candidates costs nothing, so the worker never ends."""
    return failures


@breaks(a_pass_without_a_candidate_is_a_failure, shrink.failures_after_pass)
def charges_every_pass(attempts: int, failures: int) -> int:
    """Every pass is a failure."""
    return failures + 1


def the_worker_never_passes_its_budget(attempts: int, failures: int, answer: int) -> tuple[int, bool]:
    """From any point of a run, one more cgroup either leaves failures to spare or ends the run: none is passed over.

    Source: mm/zswap.c shrink_worker(), Linux 6.12.117
    Requirement: Z2

    pre: 0 <= attempts <= ENTRIES
    pre: 0 <= failures < MAX_RECLAIM_RETRIES
    pre: answer in (0, -errno.ENOENT, -errno.EAGAIN)
    post: _[0] <= MAX_RECLAIM_RETRIES
    post: _[1] == (_[0] >= MAX_RECLAIM_RETRIES)
    """
    _, after = shrink.after_shrink(attempts, failures, answer)
    return after, shrink.gives_up(after)


@breaks(the_worker_never_passes_its_budget, shrink.after_shrink)
def doubles_failures(attempts: int, failures: int, answer: int) -> tuple[int, int]:
    """A failure counts twice, so the budget can be jumped over."""
    return attempts + 1, failures + 2 * (answer != 0)


@breaks(the_worker_never_passes_its_budget, shrink.gives_up)
def gives_up_late(failures: int) -> bool:
    """The worker goes on after its last failure."""
    return failures == MAX_RECLAIM_RETRIES + 1


def a_pass_meets_every_cgroup_once(order: tuple[int, ...], at: int) -> tuple[int, ...]:
    """After the cursor come exactly the cgroups behind it in the order of the walk; before the first, all of them.

    Source: mm/zswap.c shrink_worker(), Linux 6.12.117
    Requirement: Z2

    pre: 1 <= len(order) <= 4
    pre: all(each >= 0 for each in order)
    pre: all(order[i] != order[j] for i in range(len(order)) for j in range(i))
    pre: -1 <= at < len(order)
    post: len(_) == len(order) - at - 1
    post: all(each in order[at + 1:] for each in _)
    post: implies(len(_) > 0, _[0] == order[at + 1])
    """
    return shrink.following(order, order[at] if at >= 0 else -1)


@breaks(a_pass_meets_every_cgroup_once, shrink.following)
def tries_the_same_again(order: tuple[int, ...], cursor: int) -> tuple[int, ...]:
    """The cgroup at the cursor comes once more."""
    return order[order.index(cursor) :] if cursor >= 0 else order


@breaks(a_pass_meets_every_cgroup_once, shrink.following)
def goes_backwards(order: tuple[int, ...], cursor: int) -> tuple[int, ...]:
    """The walk goes from the last cgroup to the first."""
    return order[order.index(cursor) + 1 :][::-1] if cursor >= 0 else order[::-1]
