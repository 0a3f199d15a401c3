"""A memory cgroup goes offline: what it stored passes to its parent (mm/memcontrol.c, mm/list_lru.c).

Its processes have moved to the parent before; what they had stored stays.  Entries keep the objcg that they
were charged to, and that leads to the parent from here on.  Statistics stay where they were counted: the
dead cgroup keeps its own, and what is uncharged later is taken from the parent's, which may fall below
zero; sums over a subtree stay right.  The swap charge stays with the dead cgroup's id.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.zswap_shrink import next_memcg
from refmodel.machine import Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class MemcgOffline612(Operation):
    """Take a cgroup offline: first objcgs, then lists.

    memcg: its number.  Value: 0, or -EBUSY for the root and while a child is online.
    In between an entry stands on the cgroup's list while its objcg leads to the parent (I-13).
    """

    source: ClassVar[str] = "mm/memcontrol.c mem_cgroup_css_offline(), memcg_offline_kmem(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "B11")

    memcg: int
    nid: int = 0

    @step
    def kill_css(self, v: KernelView) -> Next:
        """Let nobody take the cgroup for an online one any more: the shrink worker passes it by."""
        record = v[v.at.memcg[self.memcg]]
        if not record.online:
            return Return(0)
        others = (v[place] for place in v.at.memcg)
        if self.memcg == 0 or any(other.online and other.parent == self.memcg for other in others):
            return Return(-errno.EBUSY)
        v[v.at.memcg[self.memcg]] = evolve(record, online=False)
        return self.clean_cursor

    @step
    def clean_cursor(self, v: KernelView) -> Next:
        """Move the shrink worker's cursor on if it rests here, so that it does not keep the cgroup (Z20)."""
        self.move_cursor(v)
        return self.reparent_objcgs

    @step
    def reparent_objcgs(self, v: KernelView) -> Next:
        """Let the cgroup's objcgs lead to the parent: charges and uncharges reach it from here on."""
        self.reparent(v)
        return self.splice_lists

    @step
    def splice_lists(self, v: KernelView) -> Next:
        """Move the entries of the next node to the parent's list, under the node's lock."""
        if self.nid < v.cfg.sizes.nodes:
            self.splice(v)
            return self.splice_lists
        v[v.at.lru_ready[self.memcg]] = False
        return Return(0)

    def parent(self, v: KernelView) -> int:
        """Return the cgroup that everything passes to."""
        return v[v.at.memcg[self.memcg]].parent

    def move_cursor(self, v: KernelView) -> None:
        """Take the cursor off the cgroup."""
        if v[v.at.next_shrink] == self.memcg:
            v[v.at.next_shrink] = next_memcg(v, self.memcg)

    def reparent(self, v: KernelView) -> None:
        """Let every objcg that leads to the cgroup lead to its parent."""
        for place in v.at.objcg:
            if v[place] == self.memcg:
                v[place] = self.parent(v)

    def splice(self, v: KernelView) -> None:
        """Put the list of the next node in front of the parent's: its entries count as the coldest there."""
        mine, parents = v.at.lru[self.memcg][self.nid], v.at.lru[self.parent(v)][self.nid]
        v[parents] = v[mine] + v[parents]
        v[mine] = ()
        self.nid += 1


@attrs.define
class MemcgOffline618(MemcgOffline612):
    """Take a cgroup offline: first lists, then objcgs, and with these the folios of 7.3.

    A list that was moved is marked dead, so that whoever still looks for it goes on to the parent's.
    """

    source: ClassVar[str] = (
        "mm/memcontrol.c memcg_offline_kmem(), memcg_reparent_objcgs(), mm/list_lru.c, Linux 6.18.15, 7.3.4"
    )

    @step
    def clean_cursor(self, v: KernelView) -> Next:
        """Move the shrink worker's cursor on if it rests here."""
        self.move_cursor(v)
        return self.splice_lists

    @step
    def splice_lists(self, v: KernelView) -> Next:
        """Move the entries of the next node to the parent's list, under the locks of both lists."""
        if self.nid < v.cfg.sizes.nodes:
            v[v.at.lru_dead[self.memcg][self.nid]] = True
            self.splice(v)
            return self.splice_lists
        v[v.at.lru_ready[self.memcg]] = False
        return self.reparent_objcgs

    @step
    def reparent_objcgs(self, v: KernelView) -> Next:
        """Let the cgroup's objcgs lead to the parent."""
        self.reparent(v)
        return Return(0)


@attrs.define
class MemcgOffline61(MemcgOffline612):
    """Take a cgroup offline in 6.1: zswap keeps no lists and no cursor of cgroups."""

    source: ClassVar[str] = "mm/memcontrol.c mem_cgroup_css_offline(), Linux 6.1.192"

    @step
    def clean_cursor(self, v: KernelView) -> Next:
        """There is no cursor."""
        return self.reparent_objcgs

    @step
    def reparent_objcgs(self, v: KernelView) -> Next:
        """Let the cgroup's objcgs lead to the parent."""
        self.reparent(v)
        return Return(0)
