"""How much zswap may hold, and when a full pool accepts again."""

from __future__ import annotations

from refmodel.engines.contract import breaks
from refmodel.kernel import limit_decisions as limits

PAGES = 2**40
"""Pages of a machine, at most: 4 PiB."""


def the_limit_is_a_share_of_the_memory(totalram: int, percent: int) -> int:
    """The limit of the pools is the largest number of whole pages within the share of the memory.

    Source: mm/zswap.c zswap_max_pages(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= totalram <= PAGES
    pre: 0 <= percent <= 100
    post: 0 <= _ <= totalram
    post: _ * 100 <= totalram * percent < (_ + 1) * 100
    """
    return limits.limit_pages(totalram, percent)


@breaks(the_limit_is_a_share_of_the_memory, limits.limit_pages)
def rounds_the_limit_up(totalram: int, max_pool_percent: int) -> int:
    """The limit is rounded up, so pools may hold a page more than their share."""
    return totalram * max_pool_percent // 100 + 1


def the_threshold_is_within_the_limit(limit: int, percent: int) -> int:
    """Pools that shrink to the threshold are within their limit; at 100 percent both are the same.

    Source: mm/zswap.c zswap_accept_thr_pages(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= limit <= PAGES
    pre: 0 <= percent <= 100
    post: 0 <= _ <= limit
    post: implies(percent == 100, _ == limit)
    post: implies(percent == 0, _ == 0)
    """
    return limits.threshold_pages(limit, percent)


@breaks(the_threshold_is_within_the_limit, limits.threshold_pages)
def rounds_the_threshold_up(limit: int, accept_threshold_percent: int) -> int:
    """The threshold is rounded up past the limit."""
    return limit * accept_threshold_percent // 100 + 1


def the_order_of_shares_matters_by_a_page(totalram: int, percent: int, accept: int) -> int:
    """The threshold of 6.1, which takes the two shares in the other order, is within a page of the later one.

    Source: mm/zswap.c zswap_can_accept(), Linux 6.1.192; zswap_accept_thr_pages(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= totalram <= PAGES
    pre: 0 <= percent <= 100
    pre: 0 <= accept <= 100
    post: -1 <= _ - limits.threshold_pages(limits.limit_pages(totalram, percent), accept) <= 1
    post: isinstance(_, int)
    """
    return limits.threshold_pages_61(totalram, percent, accept)


@breaks(the_order_of_shares_matters_by_a_page, limits.threshold_pages_61)
def takes_the_share_of_a_percent(totalram: int, max_pool_percent: int, accept_threshold_percent: int) -> int:
    """The share is rounded to whole percents before it is taken."""
    return totalram * (accept_threshold_percent * max_pool_percent // 100) // 100


@breaks(the_order_of_shares_matters_by_a_page, limits.threshold_pages_61)
def has_parts_of_pages(totalram: int, max_pool_percent: int, accept_threshold_percent: int) -> int:
    """The threshold is no whole number of pages."""
    return totalram * accept_threshold_percent * max_pool_percent / 10000  # type: ignore[return-value]  # that is wrong


def a_full_pool_refuses(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Pools at their limit refuse every store; pools at the threshold accept it.

    Source: mm/zswap.c zswap_check_limits(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= cur <= PAGES
    pre: 0 <= threshold <= limit <= PAGES
    post: implies(cur >= limit, _)
    post: implies(cur <= threshold and cur < limit, not _)
    """
    return limits.stays_full(cur, limit, threshold, full)


@breaks(a_full_pool_refuses, limits.stays_full)
def refuses_above_the_limit_only(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """A store that finds the pools exactly at their limit comes through."""
    return cur > limit or (full and cur > threshold)


@breaks(a_full_pool_refuses, limits.stays_full)
def accepts_below_the_threshold_only(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Full pools that have shrunk to the threshold still refuse."""
    return cur >= limit or (full and cur >= threshold)


def between_the_marks_nothing_changes(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Between threshold and limit a store meets the same answer as the one before: it does not flap.

    Source: mm/zswap.c zswap_check_limits(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= threshold < cur < limit <= PAGES
    post: _ == full
    """
    return limits.stays_full(cur, limit, threshold, full)


@breaks(between_the_marks_nothing_changes, limits.stays_full)
def has_no_hysteresis(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Pools accept as soon as they are below their limit."""
    return cur >= limit


def asking_again_changes_nothing(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """A store right after another, with the pools as they were, gets the same answer.

    Source: mm/zswap.c zswap_check_limits(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= cur <= PAGES
    pre: 0 <= threshold <= limit <= PAGES
    post: _ == limits.stays_full(cur, limit, threshold, full)
    """
    return limits.stays_full(cur, limit, threshold, limits.stays_full(cur, limit, threshold, full))


@breaks(asking_again_changes_nothing, limits.stays_full)
def takes_turns(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Between the marks every other store comes through."""
    return cur >= limit or (not full and cur > threshold)


def a_full_pool_of_6_1_refuses(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """In 6.1 pools above their limit refuse every store, and pools below the threshold accept it.

    Source: mm/zswap.c zswap_frontswap_store(), Linux 6.1.192
    Requirement: Z1

    pre: 0 <= cur <= PAGES
    pre: 0 <= threshold <= limit <= PAGES
    post: implies(cur > limit, _)
    post: implies(cur < threshold, not _)
    post: implies(threshold <= cur <= limit, _ == full)
    """
    return limits.stays_full_61(cur, limit, threshold, full)


@breaks(a_full_pool_of_6_1_refuses, limits.stays_full_61)
def forgets_the_limit(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Pools that were not full never get full."""
    return full and cur >= threshold


@breaks(a_full_pool_of_6_1_refuses, limits.stays_full_61)
def never_accepts_again(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Pools that were full once refuse for ever."""
    return cur > limit or full


@breaks(a_full_pool_of_6_1_refuses, limits.stays_full_61)
def is_full_at_the_limit(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """The pools count as full at the limit already, as in later kernels."""
    return cur >= limit or (full and cur >= threshold)


def versions_differ_at_the_marks_only(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """6.1 and later kernels answer alike, except for pools that are exactly at the limit or at the threshold.

    Source: mm/zswap.c zswap_frontswap_store(), Linux 6.1.192; zswap_check_limits(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= cur <= PAGES
    pre: 0 <= threshold <= limit <= PAGES
    post: _ or cur in (limit, threshold)
    """
    return limits.stays_full_61(cur, limit, threshold, full) == limits.stays_full(cur, limit, threshold, full)


@breaks(versions_differ_at_the_marks_only, limits.stays_full_61)
def is_full_two_pages_later(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """The pools may exceed their limit by a page."""
    return cur > limit + 1 or (full and cur >= threshold)
