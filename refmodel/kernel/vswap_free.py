"""Dropping references to virtual entries and freeing them, at once (mm/vswap.c, Virtual Swap Space v6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.slot_decisions import drop_reference
from refmodel.kernel.state import FREE_SLOT, SwapSlot
from refmodel.kernel.vswap_alloc import has_room, live_cluster, put_cluster
from refmodel.kernel.vswap_decisions import is_cache_only, relists, run_bits
from refmodel.kernel.vswap_state import cluster_of
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def mark_cache_only(v: KernelView, entry: int) -> None:
    """Keep the mark of an entry's physical slot true: only the swap cache holds it, or somebody names it.

    The mark lets the device's allocator find slots that can be taken without a look-up (SF3, DU).
    """
    physical, slot = v[v.at.vswap.physical[entry]], v[v.at.slot[entry]]
    if physical:
        place = v.at.vswap.rmap[physical]
        v[place] = evolve(v[place], cache_only=is_cache_only(slot.count, slot.cache))


@attrs.define
class VswapFree(Operation):
    """Free a run of virtual entries that nothing refers to.

    slot, nr: the run, in one cluster and of one cgroup.  There is no cache of freed entries.
    """

    source: ClassVar[str] = "mm/vswap.c vswap_free_nr(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S1", "S2")

    slot: int
    nr: int

    @step
    def release(self, v: KernelView) -> Next:
        """Release what backs the entries, and uncharge those that had a physical slot (FR1, FR2)."""
        return Call(v.ops.vswap_release_backing(slot=self.slot, nr=self.nr), self.clear)

    @step
    def clear(self, v: KernelView) -> Next:
        """Drop the references to the cgroup's id and clear the descriptors and their bits (FR3, FR4).

        A cluster without references is freed; a full one that has room again goes to the tail of the
        partial list, unless it is cached.
        """
        v.emit("vswap_free", swp=self.slot, nr=self.nr)
        v[v.at.vswap.id_refs[v[v.at.slot[self.slot]].memcg]] -= self.nr
        for entry in range(self.slot, self.slot + self.nr):
            v[v.at.slot[entry]] = FREE_SLOT
        v[v.at.vswap.used] -= self.nr
        self.clear_bits(v)
        return Return()

    def clear_bits(self, v: KernelView) -> None:
        """Take the run out of its cluster."""
        number, index = cluster_of(v, self.slot)
        cluster = live_cluster(v, number)
        bitmap = cluster.bitmap & ~run_bits(index, self.nr)
        freed = evolve(cluster, bitmap=bitmap, count=cluster.count - self.nr)
        room = has_room(v, freed)
        put_cluster(v, number, self.nr, bitmap=bitmap, count=freed.count, full=cluster.full and not room)
        if relists(cluster.full, room, cluster.cached) and v[v.at.vswap.cluster[number]] is not None:
            lists = v.at.vswap.partial[cluster.order]
            v[lists] = (*v[lists], number)


@attrs.define
class SwapPutEntries(Operation):
    """Drop one page-table entry's reference from each virtual entry of a run.

    slot, nr: consecutive entries named by consecutive page-table entries.
    Value: whether an entry is left that only the swap cache pins: its copy can be reclaimed.
    """

    source: ClassVar[str] = "mm/vswap.c swap_free_nr() and free_swap_and_cache_nr(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    slot: int
    nr: int
    next: int = 0
    run: int = 0
    """Entries before ``next`` that nothing refers to any more and that are freed together."""
    only_cache: bool = False

    @step
    def drop(self, v: KernelView) -> Next:
        """Drop references up to the end of a run that can be freed (SF1, SF3).

        The entries of the run stay pinned until they are free; in the kernel the cluster's lock keeps them.
        """
        while self.next < self.nr:
            entry = self.slot + self.next
            slot = v[v.at.slot[entry]]
            left = drop_reference(slot.count, slot.cache)
            if self.run and not (left.frees and self.joins_run(v, entry, slot)):
                return self.free_run
            v[v.at.slot[entry]] = evolve(slot, count=left.references, cache=left.cached)
            if not left.frees:
                mark_cache_only(v, entry)
            self.only_cache = self.only_cache or left.only_cache
            self.run += left.frees
            self.next += 1
        return self.free_run if self.run else self.end

    @step
    def free_run(self, v: KernelView) -> Next:
        """Free the run (SF2)."""
        nr, self.run = self.run, 0
        return Call(v.ops.swap_range_free(slot=self.slot + self.next - nr, nr=nr), self.drop)

    @step
    def end(self, v: KernelView) -> Next:
        """Answer whether an entry is left to the swap cache alone."""
        return Return(self.only_cache)

    def joins_run(self, v: KernelView, entry: int, slot: SwapSlot) -> bool:
        """Whether an entry has the cluster and the recorded cgroup of the entry before it."""
        alike = slot.memcg == v[v.at.slot[entry - 1]].memcg
        return alike and cluster_of(v, entry)[0] == cluster_of(v, entry - 1)[0]
