"""The arithmetic of limits: how much zswap may hold, when a full pool accepts again, what a cgroup may use.

Every function here decides one thing from whole numbers, so that it can be proved as well as tested.  The steps that
call them read the numbers and do what is decided.

Source: mm/zswap.c, mm/memcontrol.c and include/linux/swap.h, Linux 6.12.117; mm/zswap.c, Linux 6.1.192 (Z1).
"""

from __future__ import annotations

from collections.abc import Iterable

from refmodel.kernel.config import PAGE_SIZE


def limit_pages(totalram: int, max_pool_percent: int) -> int:
    """Return the pages that all pools together may hold: a share of the memory, rounded down (Z1).

    totalram: pages of memory.  max_pool_percent: 0 to 100.
    Source: zswap_max_pages(), Linux 6.12.117.
    """
    return totalram * max_pool_percent // 100


def threshold_pages(limit: int, accept_threshold_percent: int) -> int:
    """Return the pages to which full pools have to shrink before they accept again (Z1).

    limit: pages that they may hold.  accept_threshold_percent: 0 to 100.
    Source: zswap_accept_thr_pages(), Linux 6.12.117.
    """
    return limit * accept_threshold_percent // 100


def threshold_pages_61(totalram: int, max_pool_percent: int, accept_threshold_percent: int) -> int:
    """Return the pages below which full pools have to shrink in 6.1, which takes the two shares in the other order.

    totalram: pages of memory.  Both shares: 0 to 100.
    Source: zswap_can_accept(), Linux 6.1.192.
    """
    return totalram * accept_threshold_percent // 100 * max_pool_percent // 100


def stays_full(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Whether the pools count as full at a store, which then is refused (Z1).

    Between threshold and limit the answer is that of the store before: pools that were full have to shrink to the
    threshold first, so that stores do not come through one by one.
    cur: pages that they hold.  full: the answer at the store before.
    Source: zswap_check_limits(), Linux 6.12.117.
    """
    return cur >= limit or (full and cur > threshold)


def stays_full_61(cur: int, limit: int, threshold: int, full: bool) -> bool:
    """Whether the pools count as full at a store of 6.1: one page later than in later kernels, and one page longer.

    cur, limit, threshold: in pages.  full: the answer at the store before.
    Source: zswap_frontswap_store(), zswap_is_full() and zswap_can_accept(), Linux 6.1.192.
    """
    return cur > limit or (full and cur >= threshold)


def zswap_admits(levels: Iterable[tuple[int, int]]) -> bool:
    """Whether a cgroup and its ancestors are all below memory.zswap.max, so that one more page may be stored (Z1).

    levels: bytes in zswap and the limit in pages, of each that has a limit, the cgroup first; the walk ends at the
    first that refuses.
    Nothing is reserved.  Bytes are compared as whole pages, so the last page may exceed the limit.
    Source: obj_cgroup_may_zswap(), mm/memcontrol.c, Linux 6.12.117.
    """
    return all(used // PAGE_SIZE < limit for used, limit in levels)


def swap_admits(levels: Iterable[tuple[int, int]], nr: int) -> bool:
    """Whether memory.swap.max of a cgroup and its ancestors has room for ``nr`` more slots.

    levels: slots in use and the limit, of each that has a limit; the walk ends at the first that refuses.
    Source: __mem_cgroup_try_charge_swap(), mm/memcontrol.c, Linux 6.12.117.
    """
    return all(used + nr <= limit for used, limit in levels)


def device_is_half_full(free: int, size: int) -> bool:
    """Whether less than half of a swap device is free, so that its slots are scarce: a swap-in gives its slot back.

    free, size: in slots.
    Source: vm_swap_full(), include/linux/swap.h, Linux 6.12.117.
    """
    return free * 2 < size


def swap_is_full(levels: Iterable[tuple[int, int]]) -> bool:
    """Whether a cgroup or one of its ancestors uses half or more of memory.swap.max, so that slots are scarce.

    levels: slots in use and the limit, of each that has a limit.  A limit of 0 always counts as full.
    Source: mem_cgroup_swap_full(), mm/memcontrol.c, Linux 6.12.117.
    """
    return any(used * 2 >= limit for used, limit in levels)


def counts_as_incompressible(length: int, counted: bool) -> bool:
    """Whether a stored page moves the counter of incompressible pages: it takes a whole page (Z5, B11).

    length: of what is stored, in bytes.  counted: whether this kernel has the counter.
    Charge and uncharge ask the same question of the same length, so that one undoes the other.
    Source: obj_cgroup_charge_zswap() and obj_cgroup_uncharge_zswap(), Linux 7.3.4.
    """
    return counted and length == PAGE_SIZE
