"""What memory.zswap.max and memory.swap.max of a cgroup and its ancestors admit, and what a charge comes to."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from types import SimpleNamespace
from typing import Any

from refmodel.engines.contract import breaks
from refmodel.kernel import limit_decisions as limits
from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView

PAGES = 2**40
"""Pages, at most."""


def one_limit_admits_up_to_itself(used: int, limit: int) -> bool:
    """A cgroup may store another page while less than its limit is in zswap; the last page may exceed it.

    Source: mm/memcontrol.c obj_cgroup_may_zswap(), Linux 6.12.117
    Requirement: Z1

    pre: 0 <= used <= PAGES * PAGE_SIZE
    pre: 0 <= limit <= PAGES
    post: _ == (used < limit * PAGE_SIZE)
    post: implies(limit == 0, not _)
    post: implies(_, used + PAGE_SIZE < (limit + 1) * PAGE_SIZE)
    """
    return limits.zswap_admits(((used, limit),))


@breaks(one_limit_admits_up_to_itself, limits.zswap_admits)
def admits_at_the_limit(levels: Iterable[tuple[int, int]]) -> bool:
    """A cgroup at its limit may store another page, even one whose limit is 0."""
    return all(used // PAGE_SIZE <= limit for used, limit in levels)


def every_ancestor_has_a_say(levels: tuple[tuple[int, int], ...]) -> bool:
    """A page is stored only if the cgroup and every ancestor with a limit is below it; nobody else is asked.

    Source: mm/memcontrol.c obj_cgroup_may_zswap(), Linux 6.12.117
    Requirement: Z1

    pre: len(levels) <= 2
    pre: all(0 <= used <= PAGES * PAGE_SIZE and 0 <= limit <= PAGES for used, limit in levels)
    post: implies(_, all(used < limit * PAGE_SIZE for used, limit in levels))
    post: implies(not _, any(used >= limit * PAGE_SIZE for used, limit in levels))
    """
    return limits.zswap_admits(levels)


@breaks(every_ancestor_has_a_say, limits.zswap_admits)
def asks_the_cgroup_only(levels: Iterable[tuple[int, int]]) -> bool:
    """The limits of ancestors have no effect."""
    return all(used // PAGE_SIZE < limit for used, limit in islice(levels, 1))


@breaks(every_ancestor_has_a_say, limits.zswap_admits)
def refuses_one_page_early(levels: Iterable[tuple[int, int]]) -> bool:
    """The page itself counts as if it did not shrink."""
    return all(used // PAGE_SIZE + 1 < limit for used, limit in levels)


def slots_never_exceed_a_limit(levels: tuple[tuple[int, int], ...], nr: int) -> bool:
    """Slots are handed out only if afterwards no cgroup on the way to the root has more than it may.

    Source: mm/memcontrol.c __mem_cgroup_try_charge_swap(), Linux 6.12.117
    Requirement: S3

    pre: len(levels) <= 2
    pre: all(0 <= used <= limit <= PAGES for used, limit in levels)
    pre: 1 <= nr <= 512
    post: implies(_, all(used + nr <= limit for used, limit in levels))
    post: implies(not _, any(used + nr > limit for used, limit in levels))
    """
    return limits.swap_admits(levels, nr)


@breaks(slots_never_exceed_a_limit, limits.swap_admits)
def charges_a_folio_as_one_slot(levels: Iterable[tuple[int, int]], nr: int) -> bool:
    """A large folio needs room for one slot only."""
    return all(used + 1 <= limit for used, limit in levels)


@breaks(slots_never_exceed_a_limit, limits.swap_admits)
def leaves_a_slot_unused(levels: Iterable[tuple[int, int]], nr: int) -> bool:
    """The last slot of a limit is never handed out."""
    return all(used + nr < limit for used, limit in levels)


def _counters(counted: bool, zswap: int, zswapped: int, zswap_incomp: int) -> KernelView:
    """Return a system of one cgroup, of which only the counters of zswap are there."""
    places = SimpleNamespace(zswap=1, zswapped=2, zswap_incomp=3)
    options = SimpleNamespace(memcg_counts_incompressible=counted)
    at: Any = SimpleNamespace(objcg=[0], mc=[places])
    cfg: Any = SimpleNamespace(options=options)
    nothing: Any = None
    return KernelView([0, zswap, zswapped, zswap_incomp], at, cfg, nothing, nothing)


def uncharging_undoes_a_charge(
    counted: bool, zswap: int, zswapped: int, zswap_incomp: int, length: int
) -> tuple[int, ...]:
    """A page that was charged and is uncharged leaves every counter as it was, in kernels with three and with two.

    Source: mm/memcontrol.c obj_cgroup_charge_zswap() and obj_cgroup_uncharge_zswap(), Linux 7.3.4
    Requirement: B11

    pre: 0 <= zswap <= PAGES * PAGE_SIZE
    pre: 0 <= zswapped <= PAGES
    pre: 0 <= zswap_incomp <= PAGES
    pre: 0 < length <= PAGE_SIZE
    post: _ == (zswap, zswapped, zswap_incomp)
    """
    v = _counters(counted, zswap, zswapped, zswap_incomp)
    memcg.charge_zswap(v, 0, length)
    memcg.uncharge_zswap(v, 0, length)
    return v[1], v[2], v[3]


@breaks(uncharging_undoes_a_charge, memcg.uncharge_zswap)
def leaves_the_incompressible(v: KernelView, objcg: int, length: int) -> None:
    """A page that took a whole page is never counted out."""
    v[1] -= length
    v[2] -= 1


def a_charge_counts_a_page_once(counted: bool, zswap: int, zswapped: int, length: int) -> tuple[int, ...]:
    """A charge adds the bytes of the page, one page, and one incompressible page where these are counted.

    Source: mm/memcontrol.c obj_cgroup_charge_zswap(), Linux 7.3.4
    Requirement: B11, Z5

    pre: 0 <= zswap <= PAGES * PAGE_SIZE
    pre: 0 <= zswapped <= PAGES
    pre: 0 < length <= PAGE_SIZE
    post: _[0] == zswap + length
    post: _[1] == zswapped + 1
    post: _[2] == (1 if counted and length == PAGE_SIZE else 0)
    """
    v = _counters(counted, zswap, zswapped, 0)
    memcg.charge_zswap(v, 0, length)
    return v[1], v[2], v[3]


@breaks(a_charge_counts_a_page_once, memcg.charge_zswap)
def charges_whole_pages(v: KernelView, objcg: int, length: int) -> None:
    """Whatever a page shrank to, a whole one is charged."""
    v[1] += PAGE_SIZE


@breaks(a_charge_counts_a_page_once, limits.counts_as_incompressible)
def counts_nearly_incompressible_pages(length: int, counted: bool) -> bool:
    """A page that shrank by one byte counts as incompressible, too."""
    return counted and length >= PAGE_SIZE - 1
