"""Handing out virtual entries: clusters per order, one cached per CPU (mm/vswap.c, Virtual Swap Space v6).

A virtual entry costs memory and nothing else: no device, no free slot and no charge take part, so a page
can be swapped out to zswap without any swap device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.cpuhp import CpuOffline618
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.page_io import folio_order
from refmodel.kernel.state import SwapSlot
from refmodel.kernel.swap_slots import current_cpu, insert_into_swap_cache
from refmodel.kernel.vswap_decisions import entry_of, fits_one_more, free_runs, run_bits
from refmodel.kernel.vswap_state import VswapCluster, cluster_of
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def live_cluster(v: KernelView, number: int) -> VswapCluster:
    """Return a cluster that must be in the map.

    Raises LookupError when it was freed: a use after free, which no correct run reaches.
    """
    cluster = v[v.at.vswap.cluster[number]]
    if cluster is None:
        raise LookupError(f"vswap cluster {number}: used after it was freed")
    return cluster


def has_room(v: KernelView, cluster: VswapCluster) -> bool:
    """Whether the count leaves room for one more run; the positions may still be scattered."""
    return fits_one_more(cluster.count, cluster.order, v.cfg.sizes.vswap_cluster_size)


def put_cluster(v: KernelView, number: int, refs: int = 1, **changes: Any) -> None:
    """Change a cluster and drop references to it; without any it leaves the map and its list.

    Its memory is freed after an RCU grace period: a late look-up finds an empty bitmap.
    """
    cluster = live_cluster(v, number)
    left = evolve(cluster, refs=cluster.refs - refs, **changes)
    v[v.at.vswap.cluster[number]] = left if left.refs else None
    if not left.refs:
        lists = v.at.vswap.partial[cluster.order]
        v[lists] = tuple(c for c in v[lists] if c != number)


def tryget_swap_entry(v: KernelView, entry: int) -> bool:
    """Pin the cluster of an entry: it stays in the map, but what backs the entry may still change (LK3).

    Return whether the entry has a descriptor that can be pinned.
    """
    number, index = cluster_of(v, entry)
    cluster = v[v.at.vswap.cluster[number]]
    if cluster is None or not cluster.bitmap >> index & 1:
        return False
    v[v.at.vswap.cluster[number]] = evolve(cluster, refs=cluster.refs + 1)
    return True


def put_swap_entry(v: KernelView, entry: int) -> None:
    """Drop the pin of the cluster of an entry (LK4)."""
    number, _ = cluster_of(v, entry)
    put_cluster(v, number)


@attrs.define
class FolioAllocSwap(FolioOperation):
    """Give a folio virtual entries and put it into the swap cache.

    folio: locked, uptodate, not in the swap cache.  Value: whether it worked; if not, nothing is left behind.
    Either way no physical slot is involved.
    """

    source: ClassVar[str] = "mm/vswap.c folio_alloc_swap(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S1", "S2", "S3")

    folio: int
    entry: int = 0
    cluster: int = 0

    @step
    def take_ids(self, v: KernelView) -> Next:
        """Take a reference to the id of the folio's cgroup for each page; nothing is charged (AL1)."""
        folio = self.the_folio(v)
        v[v.at.vswap.id_refs[folio.memcg]] += len(folio.contents)
        return self.alloc_cached

    @step
    def alloc_cached(self, v: KernelView) -> Next:
        """Allocate from the cluster that is reserved to this CPU for this order (AL2).

        A cluster without a run, or whose last run this was, is given up and marked full.
        """
        order = folio_order(self.the_folio(v))
        place = v.at.vswap.cpu_cluster[current_cpu(v)][order]
        number = v[place]
        if number is None:
            return self.alloc_partial
        taken = self.take_run(v, number)
        if not taken or not has_room(v, live_cluster(v, number)):
            v[place] = None
            put_cluster(v, number, cached=False, full=True)
        return self.publish if taken else self.alloc_partial

    @step
    def alloc_partial(self, v: KernelView) -> Next:
        """Allocate from the first cluster of the partial list that has a run (AL3).

        Each cluster that is tried leaves the list; those without a run are marked full and stay off it.
        """
        lists = v.at.vswap.partial[folio_order(self.the_folio(v))]
        while v[lists]:
            self.cluster, *rest = v[lists]
            v[lists] = tuple(rest)
            taken = self.take_run(v, self.cluster)
            cluster = live_cluster(v, self.cluster)
            exhausted = not taken or not has_room(v, cluster)
            v[v.at.vswap.cluster[self.cluster]] = evolve(cluster, full=exhausted)
            if taken:
                return self.publish if exhausted else self.keep_cluster
        return self.alloc_cluster

    @step
    def alloc_cluster(self, v: KernelView) -> Next:
        """Allocate a new cluster: header, zeroed descriptors and a number in the map, or nothing of it (AL4).

        Cluster 0 serves no folio that would fill it, because entry 0 means "none".
        """
        order = folio_order(self.the_folio(v))
        fills = 1 << order == v.cfg.sizes.vswap_cluster_size
        places = list(enumerate(v.at.vswap.cluster))[fills:]
        number = next((n for n, place in places if v[place] is None), None)
        if number is None or v.fails(choices.ALLOC_CLUSTER):
            return self.fail
        self.cluster = number
        v[v.at.vswap.cluster[number]] = VswapCluster(order)
        self.take_run(v, number)
        return self.keep_cluster if has_room(v, live_cluster(v, number)) else self.publish

    @step
    def keep_cluster(self, v: KernelView) -> Next:
        """Reserve the cluster to the CPU if that has none; else put it at the head of the partial list (AL5).

        The allocation of a cluster may sleep, so this may be another CPU than before.
        """
        cluster = live_cluster(v, self.cluster)
        place = v.at.vswap.cpu_cluster[current_cpu(v)][cluster.order]
        if v[place] is None:
            v[place] = self.cluster
            v[v.at.vswap.cluster[self.cluster]] = evolve(cluster, cached=True, refs=cluster.refs + 1)
        else:
            lists = v.at.vswap.partial[cluster.order]
            v[lists] = (self.cluster, *v[lists])
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Make the folio the swap cache's copy, and the only place of the bytes (AL6)."""
        nr = len(self.the_folio(v).contents)
        v[v.at.vswap.used] += nr
        v.emit("vswap_alloc", swp=self.entry, nr=nr, ret=0)
        insert_into_swap_cache(v, self.folio, self.entry)
        return Return(True)

    @step
    def fail(self, v: KernelView) -> Next:
        """Give the references to the cgroup's id back and count the pages as rejected (AL7)."""
        folio = self.the_folio(v)
        nr = len(folio.contents)
        v[v.at.vswap.id_refs[folio.memcg]] -= nr
        v[v.at.vswap.alloc_reject] += nr
        v.emit("vswap_alloc", swp=0, nr=nr, ret=-12)
        return Return(False)

    def take_run(self, v: KernelView, number: int) -> bool:
        """Take the lowest aligned run of a cluster for the folio; return whether there is one.

        The entries are of type FOLIO, pinned by the swap cache and named by no page table.  Cluster 0
        never hands out the run that begins with entry 0.
        """
        folio, cluster = self.the_folio(v), live_cluster(v, number)
        nr, size = len(folio.contents), v.cfg.sizes.vswap_cluster_size
        start = next(free_runs(cluster.bitmap, size, nr, 0 if number else nr), None)
        if start is None:
            return False
        bitmap = cluster.bitmap | run_bits(start, nr)
        count, refs = cluster.count + nr, cluster.refs + nr
        v[v.at.vswap.cluster[number]] = evolve(cluster, bitmap=bitmap, count=count, refs=refs)
        self.entry = entry_of(number, start, size)
        for entry in range(self.entry, self.entry + nr):
            v[v.at.slot[entry]] = SwapSlot(cache=True, memcg=folio.memcg)
        return True


@attrs.define
class VswapCpuDead(Operation):
    """A CPU goes offline: the clusters that are reserved to it are given up.

    cpu: which one.  They go on no list and are not full, so a partly used one is handed out no more until
    it is empty: stranded room, harmless otherwise.
    """

    source: ClassVar[str] = "mm/vswap.c vswap_cpu_dead(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S2",)

    cpu: int

    @step
    def give_up(self, v: KernelView) -> Next:
        """Drop the reference to the cluster of each order; an empty one is freed (CP)."""
        for place in v.at.vswap.cpu_cluster[self.cpu]:
            number = v[place]
            if number is not None:
                v[place] = None
                put_cluster(v, number, cached=False)
        return Return()


@attrs.define
class VswapCpuOffline(CpuOffline618):
    """A CPU goes: its compression contexts are freed, its clusters are given up."""

    source: ClassVar[str] = (
        "mm/zswap.c zswap_cpu_comp_dead(), mm/vswap.c vswap_cpu_dead(), Virtual Swap Space v6"
    )

    @step
    def end(self, v: KernelView) -> Next:
        """Give up the clusters that are reserved to the CPU."""
        return Call(v.ops.vswap_cpu_dead(cpu=self.cpu), self.gone)

    @step
    def gone(self, v: KernelView) -> Next:
        """The CPU is gone."""
        return super().end(v)
