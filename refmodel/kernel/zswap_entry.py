"""The end of a zswap entry: zswap_entry_free and zswap_invalidate (mm/zswap.c).

Whoever takes an entry out of the tree owns it alone and must free it.  The order matters: the LRU
first, because finding the list needs the owner; the owner's charge after the object, the counter last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import memcg, zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.shrink_decisions import without
from refmodel.kernel.state import ZswapEntry
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Place


def live_entry(v: KernelView, number: int) -> ZswapEntry:
    """Return an entry that must exist.

    Raises LookupError when it was freed: a use after free, which no correct run reaches.
    """
    entry = v[v.at.entry[number]]
    if entry is None:
        raise LookupError(f"zswap entry {number}: used after it was freed")
    return entry


def entry_memcg(v: KernelView, entry: ZswapEntry) -> int:
    """Return the cgroup whose LRU list an entry belongs on at this moment (0, the root, without objcg)."""
    return v[v.at.objcg[entry.objcg]]


def entry_to_nid(v: KernelView, entry: ZswapEntry) -> int:
    """Return the node on whose LRU list an entry is looked for.

    The entry's own memory says it, or the node id in it (zswap compression batching v13; Z3).
    """
    return entry.nid if v.cfg.options.lru_node == "entry" else entry.slab_nid


def change_pool_ref(v: KernelView, number: int, by: int) -> None:
    """Take (+1) or drop (-1) a reference to a pool, such as every entry holds."""
    v[v.at.pool_ref[number]] += by


def free_entry_memory(v: KernelView, number: int) -> None:
    """Give the metadata of an entry back to its slab cache (zswap_entry_cache_free)."""
    v[v.at.entry[number]] = None
    v[v.at.entries_used] &= ~(1 << number)


@attrs.define
class ZswapEntryFree(Operation):
    """Free an entry that the caller has taken out of the tree.

    entry: its number.  Nothing here can fail.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_entry_free(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "B11")

    entry: int

    def owns(self, v: KernelView, step: str) -> Iterator[Any]:
        """Yield the entry: out of the tree and off its LRU list, it is known to nobody else."""
        if step != self.first:
            yield v.at.entry[self.entry]

    @step
    def lru_del(self, v: KernelView) -> Next:
        """Take the entry off the LRU list of its node and its owner's present cgroup.

        Done first: the list is found through the owner, whose reference goes later.  While the owner goes
        offline the entry may still stand on the dead cgroup's list: it is taken off the list that it is on, though
        the parent's is looked up and locked (I-13).
        """
        entry = live_entry(v, self.entry)
        v.emit("entry_free", swp=entry.swpentry, len=entry.length)
        group = entry_memcg(v, entry)
        nid = entry_to_nid(v, entry)
        v.emit("lru_del", swp=entry.swpentry, nid=nid, memcg=group)
        place = self.list_of(v, group, nid)
        entries = v[place]
        if self.entry in entries:
            v[place] = without(entries, self.entry)
        return self.free_object

    def list_of(self, v: KernelView, group: int, nid: int) -> Place[tuple[int, ...]]:
        """Return the place of the list that the entry is on: its cgroup's, or that of a dead child of it.

        Where the addition was handed a node, it may be the list of another node, too: its lock is not held, and
        the count that goes down is that of the list that was looked up.
        """
        mine = v.at.lru[group][nid]
        if self.entry in v[mine]:
            return mine
        if v.cfg.options.lru_node == "caller":
            return next((place for row in v.at.lru for place in row if self.entry in v[place]), mine)
        if all(v[place].online for place in v.at.memcg):
            return mine
        return next((row[nid] for row in v.at.lru if self.entry in v[row[nid]]), mine)

    @step
    def free_object(self, v: KernelView) -> Next:
        """Give the compressed bytes back to the pool's allocator."""
        entry = live_entry(v, self.entry)
        zsmalloc.free(v, entry.handle)
        return self.put_pool

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Drop the entry's reference to its pool; the last one of a killed pool lets it be destroyed."""
        change_pool_ref(v, live_entry(v, self.entry).pool, -1)
        return self.uncharge

    @step
    def uncharge(self, v: KernelView) -> Next:
        """Take the charge back from the owner; without an owner nothing was charged."""
        entry = live_entry(v, self.entry)
        if entry.objcg:
            memcg.uncharge_zswap(v, entry.objcg, entry.length)
        return self.free_metadata

    @step
    def free_metadata(self, v: KernelView) -> Next:
        """Free the entry itself and count it out."""
        free_entry_memory(v, self.entry)
        v[v.at.zs.stored_pages] -= 1
        return Return()


@attrs.define
class ZswapEntryFree73(ZswapEntryFree):
    """Free an entry where pages that did not compress are counted (6.18 and later)."""

    source: ClassVar[str] = "mm/zswap.c zswap_entry_free(), Linux 7.3.4"

    @step
    def uncharge(self, v: KernelView) -> Next:
        """Take the charge back and count an incompressible page out."""
        entry = live_entry(v, self.entry)
        if entry.objcg:
            memcg.uncharge_zswap(v, entry.objcg, entry.length)
        if entry.length == PAGE_SIZE:
            v[v.at.zs.stored_incompressible_pages] -= 1
        return self.free_metadata


@attrs.define
class ZswapEntryFree61(ZswapEntryFree):
    """Drop a reference to an entry of 6.1 and free it with the last one.

    There is no LRU list; a same-filled page has neither object nor pool.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_entry_put() and zswap_free_entry(), Linux 6.1.192"
    first: ClassVar[str] = "put"

    @step
    def put(self, v: KernelView) -> Next:
        """Drop one reference."""
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, refcount=entry.refcount - 1)
        return self.uncharge if entry.refcount == 1 else Return()

    @step
    def uncharge(self, v: KernelView) -> Next:
        """Take the charge back: before the object goes, unlike later kernels."""
        entry = live_entry(v, self.entry)
        if entry.objcg:
            memcg.uncharge_zswap(v, entry.objcg, entry.length)
        if entry.length:
            return self.free_object
        v[v.at.zs.same_filled_pages] -= 1
        return self.free_metadata

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Drop the entry's reference to its pool."""
        change_pool_ref(v, live_entry(v, self.entry).pool, -1)
        return self.free_metadata

    @step
    def free_metadata(self, v: KernelView) -> Next:
        """Free the entry itself, count it out, and look how large the pools are now."""
        free_entry_memory(v, self.entry)
        v[v.at.zs.stored_pages] -= 1
        zsmalloc.update_total_size(v)
        return Return()


@attrs.define
class ZswapInvalidate(Operation):
    """Drop what zswap holds for a slot that is being freed.

    slot: the swap slot.  Runs before the slot can be handed out again, so it needs no folio lock.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_invalidate(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    slot: int

    @step
    def erase(self, v: KernelView) -> Next:
        """Take the entry out of the tree in one step; there may be none."""
        v.emit("invalidate", swp=self.slot)
        entry = v[v.at.tree[self.slot]]
        if not entry:
            return Return()
        v[v.at.tree[self.slot]] = 0
        return Call(v.ops.zswap_entry_free(entry=entry))


@attrs.define
class FrontswapInvalidate(ZswapInvalidate):
    """Drop what zswap holds for a slot, if its frontswap bit says that it holds something."""

    source: ClassVar[str] = "mm/frontswap.c __frontswap_invalidate_page(), mm/zswap.c, Linux 6.1.192"

    @step
    def erase(self, v: KernelView) -> Next:
        """Clear the frontswap bit and take the entry out of the tree."""
        if not v[v.at.frontswap[self.slot]]:
            return Return()
        v[v.at.frontswap[self.slot]] = False
        v.emit("invalidate", swp=self.slot)
        entry = v[v.at.tree[self.slot]]
        if not entry:
            return Return()
        v[v.at.tree[self.slot]] = 0
        return Call(v.ops.zswap_entry_free(entry=entry))
