"""The marks from which on swap slots are scarce, so that a swap-in gives its slot back."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from refmodel.engines.contract import breaks
from refmodel.kernel import limit_decisions as limits

SLOTS = 2**40
"""Slots of a device or a limit, at most."""


def a_device_is_scarce_when_more_than_half_is_used(free: int, size: int) -> bool:
    """Slots of a device are scarce exactly if more are in use than are free; with half of them in use they are not.

    Source: include/linux/swap.h vm_swap_full(), Linux 6.12.117
    Requirement: S3

    pre: 0 <= free <= size <= SLOTS
    post: _ == (size - free > free)
    post: implies(free == size, not _)
    """
    return limits.device_is_half_full(free, size)


@breaks(a_device_is_scarce_when_more_than_half_is_used, limits.device_is_half_full)
def is_scarce_at_the_half(free: int, size: int) -> bool:
    """A device of which exactly half is in use has scarce slots, and so has one without any."""
    return free * 2 <= size


@breaks(a_device_is_scarce_when_more_than_half_is_used, limits.device_is_half_full)
def is_always_scarce(free: int, size: int) -> bool:
    """Every swap-in gives its slot back."""
    return True


def one_slot_decides_at_the_half(half: int, more: int) -> bool:
    """A device of an even number of slots turns scarce with the one slot after half of them.

    Source: include/linux/swap.h vm_swap_full(), Linux 6.12.117
    Requirement: S3

    pre: 1 <= half <= SLOTS
    pre: more in (0, 1)
    post: _ == (more == 1)
    """
    return limits.device_is_half_full(half - more, 2 * half)


@breaks(one_slot_decides_at_the_half, limits.device_is_half_full)
def decides_two_slots_later(free: int, size: int) -> bool:
    """The slot after the half is not scarce."""
    return free * 2 + 2 < size


def a_cgroup_is_scarce_from_the_half_on(used: int, limit: int) -> bool:
    """Slots of a cgroup are scarce from half of its limit on, and always where it may have none.

    Source: mm/memcontrol.c mem_cgroup_swap_full(), Linux 6.12.117
    Requirement: S3

    pre: 0 <= used <= SLOTS
    pre: 0 <= limit <= SLOTS
    post: _ == (used >= limit - used)
    post: implies(limit == 0, _)
    """
    return limits.swap_is_full(((used, limit),))


@breaks(a_cgroup_is_scarce_from_the_half_on, limits.swap_is_full)
def needs_more_than_half(levels: Iterable[tuple[int, int]]) -> bool:
    """Exactly half is not enough, as for a device; a cgroup that may have none has no scarce slots."""
    return any(used * 2 > limit for used, limit in levels)


@breaks(a_cgroup_is_scarce_from_the_half_on, limits.swap_is_full)
def needs_all_of_it(levels: Iterable[tuple[int, int]]) -> bool:
    """Slots are scarce when the limit is reached."""
    return any(used >= limit for used, limit in levels)


def one_slot_decides_for_a_cgroup(half: int, less: int) -> bool:
    """A limit of an even number of slots has scarce ones with half of them in use, and not one slot before.

    Source: mm/memcontrol.c mem_cgroup_swap_full(), Linux 6.12.117
    Requirement: S3

    pre: 1 <= half <= SLOTS
    pre: less in (0, 1)
    post: _ == (less == 0)
    """
    return limits.swap_is_full(((half - less, 2 * half),))


@breaks(one_slot_decides_for_a_cgroup, limits.swap_is_full)
def decides_one_slot_later(levels: Iterable[tuple[int, int]]) -> bool:
    """Slots get scarce when more than half of them are in use."""
    return any(used * 2 > limit for used, limit in levels)


def one_ancestor_is_enough(levels: tuple[tuple[int, int], ...]) -> bool:
    """Slots are scarce exactly if they are for the cgroup or for one of its ancestors with a limit.

    Source: mm/memcontrol.c mem_cgroup_swap_full(), Linux 6.12.117
    Requirement: S3

    pre: len(levels) <= 2
    pre: all(0 <= used <= SLOTS and 0 <= limit <= SLOTS for used, limit in levels)
    post: implies(_, any(2 * used >= limit for used, limit in levels))
    post: implies(not _, all(2 * used < limit for used, limit in levels))
    """
    return limits.swap_is_full(levels)


@breaks(one_ancestor_is_enough, limits.swap_is_full)
def asks_nobody_else(levels: Iterable[tuple[int, int]]) -> bool:
    """The limits of ancestors have no effect."""
    return any(used * 2 >= limit for used, limit in islice(levels, 1))


@breaks(one_ancestor_is_enough, limits.swap_is_full)
def needs_everybody(levels: Iterable[tuple[int, int]]) -> bool:
    """Every ancestor with a limit has to agree."""
    return all(used * 2 >= limit for used, limit in levels)
