"""Memory cgroups as far as compressed swap charges and asks them.

Stands for obj_cgroup_may_zswap, obj_cgroup_charge_zswap, obj_cgroup_uncharge_zswap,
mem_cgroup_zswap_writeback_enabled and the swap charge of mm/memcontrol.c.  Statistics are kept per
cgroup and summed over the subtree when they are read; per-CPU batching and late flushing are left
out (the admission check flushes first, so it sees what this model keeps).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from refmodel.kernel import limit_decisions

if TYPE_CHECKING:
    from refmodel.kernel.state import Folio
    from refmodel.kernel.table import KernelView


def ancestors(v: KernelView, memcg: int) -> Iterator[int]:
    """Yield a cgroup and its ancestors, the root last."""
    while memcg >= 0:
        yield memcg
        memcg = v[v.at.memcg[memcg]].parent


def online_ancestor(v: KernelView, memcg: int) -> int:
    """Return the nearest of a cgroup and its ancestors that is online; the root always is."""
    while not (record := v[v.at.memcg[memcg]]).online:
        memcg = record.parent
    return memcg


def folio_memcg(v: KernelView, folio: Folio) -> int:
    """Return the cgroup that a folio counts for at this moment.

    Where folios are charged to an objcg (7.3), they pass to the parent together with it when their cgroup goes
    offline; before, they stay with a cgroup that is gone (folio_memcg, include/linux/memcontrol.h).
    """
    return v[v.at.objcg[folio.memcg]] if v.cfg.options.folio_objcg else folio.memcg


def folio_objcg(v: KernelView, folio: Folio) -> int:
    """Return the objcg that a store charges for a folio, 0 for nobody.

    Before 7.3 it is looked up from the folio's cgroup upwards, past cgroups that handed theirs on, and not in the root:
    so nobody is charged for a page of a cgroup that has gone from under the root.  In 7.3 the folio still has the objcg
    that it was charged to, which is not the root's own: so the root is (get_obj_cgroup_from_folio, mm/memcontrol.c,
    6.12.117, 7.3.4; B11).
    """
    if v.cfg.options.folio_objcg:
        return folio.memcg
    return next((m for m in ancestors(v, folio.memcg) if v[v.at.objcg[m]] == m), 0)


def subtree(v: KernelView, memcg: int) -> list[int]:
    """Return a cgroup and its descendants, dead ones included, in the order of their numbers."""
    return [m for m in range(len(v.at.memcg)) if memcg in ancestors(v, m)]


def stat(v: KernelView, memcg: int, item: str) -> int:
    """Return a hierarchical statistic of memory.stat, by its field in ``MemcgCounters``."""
    return sum(v[getattr(v.at.mc[m], item)] for m in subtree(v, memcg))


def may_zswap(v: KernelView, objcg: int) -> bool:
    """Whether a cgroup and all its ancestors but the root may store one more page in zswap.

    Check, then act: nothing is reserved, so concurrent stores overshoot and a store that follows a
    shrink does not ask again (obj_cgroup_may_zswap, mm/memcontrol.c, 6.12.117; Z1).
    """
    return limit_decisions.zswap_admits(_zswap_levels(v, v[v.at.objcg[objcg]]))


def _zswap_levels(v: KernelView, memcg: int) -> Iterator[tuple[int, int]]:
    """Yield bytes in zswap and memory.zswap.max of each that has a limit; who may use nothing is not asked."""
    for m in ancestors(v, memcg):
        limit = v[v.at.memcg[m]].zswap_max
        if m and limit is not None:
            yield stat(v, m, "zswap") if limit else 0, limit


def swap_room(v: KernelView, memcg: int, nr: int) -> bool:
    """Whether memory.swap.max of a cgroup and its ancestors admits ``nr`` more slots."""
    return limit_decisions.swap_admits(_swap_levels(v, memcg), nr)


def swap_full(v: KernelView, memcg: int) -> bool:
    """Whether slots are scarce on the device or for a cgroup: copies in the swap cache are given up then.

    Source: mem_cgroup_swap_full(), mm/memcontrol.c, Linux 6.12.117.
    """
    si = v[v.at.si]
    return limit_decisions.device_is_half_full(si.free, si.size) or limit_decisions.swap_is_full(
        _swap_levels(v, memcg)
    )


def _swap_levels(v: KernelView, memcg: int) -> Iterator[tuple[int, int]]:
    """Yield slots in use and memory.swap.max of each that has a limit."""
    for m in ancestors(v, memcg):
        limit = v[v.at.memcg[m]].swap_max
        if m and limit is not None:
            yield stat(v, m, "swap"), limit


def writeback_enabled(v: KernelView, memcg: int) -> bool:
    """Whether a cgroup's pages may go from zswap to the device (memory.zswap.writeback, hierarchical).

    Always true while zswap is disabled: otherwise a page that zswap does not take could go nowhere
    (mem_cgroup_zswap_writeback_enabled, mm/memcontrol.c, 6.12.117; S4).
    """
    if not v[v.at.zswap].enabled:
        return True
    return all(v[v.at.memcg[m]].zswap_writeback for m in ancestors(v, memcg))


def charge_zswap(v: KernelView, objcg: int, length: int) -> None:
    """Charge a stored page of ``length`` bytes to the cgroup that an objcg stands for now (B11)."""
    v.emit("charge", size=length)
    counters = v.at.mc[v[v.at.objcg[objcg]]]
    v[counters.zswap] += length
    v[counters.zswapped] += 1
    if limit_decisions.counts_as_incompressible(length, v.cfg.options.memcg_counts_incompressible):
        v[counters.zswap_incomp] += 1


def uncharge_zswap(v: KernelView, objcg: int, length: int) -> None:
    """Take a charge back from the cgroup that an objcg stands for now, perhaps another than charged."""
    v.emit("uncharge", size=length)
    counters = v.at.mc[v[v.at.objcg[objcg]]]
    v[counters.zswap] -= length
    v[counters.zswapped] -= 1
    if limit_decisions.counts_as_incompressible(length, v.cfg.options.memcg_counts_incompressible):
        v[counters.zswap_incomp] -= 1
