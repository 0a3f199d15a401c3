"""Storing one batch of a folio's pages: zswap_store_pages of the compression batching series (mm/zswap.c).

All entries of the batch are allocated first, then all pages are compressed and put in the pool, then one page
after the other is published: tree, old entry, charge, LRU.  A failure is cleaned up in two disjoint parts: what
the batch has not published is freed here, what it has published stays for the unwinding of the folio.

Operations of batches tell observers more than those of released kernels, none of which has them:
``batch`` (swp, nr: a batch begins), ``batch_end`` (swp, ok), ``entry_alloc`` and ``entry_put`` (entry: allocated,
freed without having been published), ``xa_store`` (swp, entry, ret), ``account`` (swp: what its entry holds of
others is taken), ``reject`` (why: the counter that moved), ``ctx_lock`` and ``ctx_unlock`` (pool, cpu),
``acomp_call`` (nr: pages, reqs: that the context has room for), ``copy`` (swp, entry, len: bytes, buffer: its
number), ``zswpout`` (nr: pages counted).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import batch_decisions, choices, memcg, zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.state import ZswapEntry
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.table import lowest_free
from refmodel.kernel.zswap_entry import change_pool_ref, entry_to_nid, free_entry_memory, live_entry
from refmodel.kernel.zswap_store import alloc_entry, lru_add
from refmodel.machine import Call, Next, Return, evolve, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refmodel.kernel.table import KernelView

NO_OBJECT = 0
"""The handle of an entry that has no object (an error value)."""

NOT_SET = -1
"""The handle of an entry that was allocated and not initialised: whatever its memory held before."""


def free_object(v: KernelView, number: int) -> None:
    """Free the object of an unpublished entry, if it has one.

    Raises LookupError for a handle that was never set: it leads to an object of somebody else, or nowhere (HB-3).
    """
    handle = live_entry(v, number).handle
    if handle == NOT_SET:
        raise LookupError(f"zswap entry {number}: its handle is freed before it was set")
    if handle != NO_OBJECT:
        zsmalloc.free(v, handle)


@attrs.define
class ZswapStorePages(FolioOperation):
    """Store a batch of pages; entries come one by one from the folio's node.

    folio: locked, in the swap cache.  index, end: the batch, as indices of pages in the folio, end exclusive.
    pool: referenced by the caller.  objcg: owner, 0 for none.  wb_enabled: whether the owner's pages may be
    written back.  cpu, held: the compression context of the caller, if it picked one, and whether it is locked.
    Value: whether all pages were stored.  If not, the first of them may be published.
    """

    source: ClassVar[str] = "zswap_store_pages(), zswap compression batching v9 18/19"
    requirements: ClassVar[tuple[str, ...]] = ("B4", "B9", "B10", "B11", "B12")

    folio: int
    index: int
    end: int
    pool: int
    objcg: int
    wb_enabled: bool
    cpu: int
    held: bool
    entries: tuple[int, ...] = ()
    done: int = 0
    """Pages of the batch that are published; also where the local clean-up begins (store_fail_idx)."""
    old: int = 0

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin the batch."""
        self.tell_begin(v)
        return self.alloc_entries

    @step
    def alloc_entries(self, v: KernelView) -> Next:
        """Allocate the next entry, on the folio's node; its handle is an error until it has an object."""
        number = self.alloc_one(v, NO_OBJECT)
        if not number:
            return self.store_pages_failed
        return self.compress if len(self.entries) == self.end - self.index else self.alloc_entries

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress all pages of the batch into the pool."""
        work = v.ops.zswap_compress_pages(
            folio=self.folio,
            index=self.index,
            entries=self.entries,
            pool=self.pool,
            wb_enabled=self.wb_enabled,
            cpu=self.cpu,
            held=self.held,
        )
        return Call(work, self.after_compress)

    @step
    def after_compress(self, v: KernelView) -> Next:
        """Give up the batch if a page was refused: nothing of it is published."""
        return self.publish if self.result else self.store_pages_failed

    @step
    def publish(self, v: KernelView) -> Next:
        """Put the next entry into the tree and free the entry that it replaces (B10)."""
        slot, number = self.slot(v), self.entries[self.done]
        if v.fails(choices.XA_STORE):
            v[v.at.zs.reject_alloc_fail] += 1
            v.emit("reject", why="reject_alloc_fail", swp=slot)
            return self.store_pages_failed
        place = v.at.tree[slot]
        self.old, v[place] = v[place], number
        v.emit("xa_store", swp=slot, entry=number, ret=0)
        if self.old:
            return Call(v.ops.zswap_entry_free(entry=self.old), self.charge)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Take the entry's pool reference, charge its length, count it: all that freeing an entry undoes (B11)."""
        self.account(v)
        return self.init_entry

    @step
    def init_entry(self, v: KernelView) -> Next:
        """Set what writeback reads: after the tree, before the LRU."""
        number = self.entries[self.done]
        v[v.at.entry[number]] = evolve(
            live_entry(v, number), pool=self.pool, swpentry=self.slot(v), objcg=self.objcg, referenced=True
        )
        return self.lru_add

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Put the entry on its LRU list, last of all: from here on writeback can see it (B12)."""
        number = self.entries[self.done]
        entry = live_entry(v, number)
        lru_add(v, number, entry, self.lru_node(v, entry))
        self.done += 1
        return self.publish if self.done < len(self.entries) else self.all_stored

    @step
    def all_stored(self, v: KernelView) -> Next:
        """The batch is stored."""
        v.emit("batch_end", swp=self.first_slot(v), ok=True)
        return Return(True)

    @step
    def store_pages_failed(self, v: KernelView) -> Next:
        """Undo what was not published: free object and entry of one page after another (B9)."""
        if self.done == len(self.entries):
            return self.failed(v)
        number = self.entries[self.done]
        free_object(v, number)
        self.put_entries(v, (number,))
        self.done += 1
        return self.store_pages_failed

    # --- small moves --------------------------------------------------------------------------------------

    def first_slot(self, v: KernelView) -> int:
        """Return the slot of the batch's first page."""
        return self.the_folio(v).swap + self.index

    def slot(self, v: KernelView) -> int:
        """Return the slot of the page that is to be published next."""
        return self.first_slot(v) + self.done

    def tell_begin(self, v: KernelView) -> None:
        """Tell observers that the batch begins."""
        v.emit("batch", swp=self.first_slot(v), nr=self.end - self.index)

    def failed(self, v: KernelView) -> Return:
        """End with failure."""
        v.emit("batch_end", swp=self.first_slot(v), ok=False)
        return Return(False)

    def alloc_one(self, v: KernelView, handle: int) -> int:
        """Allocate one entry on the folio's node; return its number, or 0 after counting the failure."""
        number = alloc_entry(v, self.the_folio(v).nid)
        if not number:
            v.emit("reject", why="reject_kmemcache_fail", swp=self.first_slot(v))
            return 0
        v[v.at.entry[number]] = evolve(live_entry(v, number), handle=handle)
        self.entries += (number,)
        v.emit("entry_alloc", entry=number)
        return number

    def put_entries(self, v: KernelView, numbers: Sequence[int]) -> None:
        """Free the memory of entries that nobody has seen."""
        for number in numbers:
            free_entry_memory(v, number)
            v.emit("entry_put", entry=number)

    def account(self, v: KernelView) -> None:
        """Take everything that an entry holds of others, for the entry that was published last."""
        v.emit("account", swp=self.slot(v))
        length = live_entry(v, self.entries[self.done]).length
        change_pool_ref(v, self.pool, +1)
        if self.objcg:
            memcg.charge_zswap(v, self.objcg, length)
        v[v.at.zs.stored_pages] += 1
        if v.cfg.options.raw_pages and length == PAGE_SIZE:
            v[v.at.zs.stored_incompressible_pages] += 1

    def lru_node(self, v: KernelView, entry: ZswapEntry) -> int:
        """Return the node on whose list an entry goes."""
        return self.the_folio(v).nid if v.cfg.options.lru_node == "caller" else entry_to_nid(v, entry)


@attrs.define
class ZswapStorePagesV10(ZswapStorePages):
    """Store a batch whose entries are allocated in bulk and initialised before anything is compressed."""

    source: ClassVar[str] = "zswap_store_pages(), zswap compression batching v10 24/25"
    requirements: ClassVar[tuple[str, ...]] = ("B4", "B7", "B8", "B9", "B10", "B11", "B12", "Z3")

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin the batch."""
        self.tell_begin(v)
        return self.alloc_bulk

    @step
    def alloc_bulk(self, v: KernelView) -> Next:
        """Allocate all entries in one call, which gives all or none and cannot be told a node (B7).

        They come from whatever the CPU's slab has at hand: usually, but not always, from its own node.
        """
        nr, used = self.end - self.index, v[v.at.entries_used]
        fits = batch_decisions.bulk_fits(len(v.at.entry), used.bit_count(), nr)
        if not fits or v.fails(choices.ALLOC_BULK):
            return self.alloc_entries
        for _ in range(nr):
            number = lowest_free(used)
            used |= 1 << number
            v[v.at.entry[number]] = ZswapEntry(slab_nid=self.bulk_node(v), handle=NOT_SET)
            v.emit("entry_alloc", entry=number)
            self.entries += (number,)
        v[v.at.entries_used] = used
        return self.init_entries

    @step
    def alloc_entries(self, v: KernelView) -> Next:
        """Without memory for all at once, allocate the next entry by itself, on the folio's node (B7).

        The clean-up looks at the handle of every entry, and none is set yet (HB-3).
        """
        if not self.alloc_one(v, NOT_SET):
            return self.store_pages_failed
        return self.init_entries if len(self.entries) == self.end - self.index else self.alloc_entries

    @step
    def init_entries(self, v: KernelView) -> Next:
        """Initialise all entries, so that every failure from here on finds them complete (B8)."""
        first = self.first_slot(v)
        for position, number in enumerate(self.entries):
            v[v.at.entry[number]] = self.initialised(v, live_entry(v, number), first + position)
        return self.compress

    @step
    def charge(self, v: KernelView) -> Next:
        """Take the entry's pool reference, charge its length, count it: all that freeing an entry undoes (B11)."""
        self.account(v)
        return self.lru_add

    @step
    def store_pages_failed(self, v: KernelView) -> Next:
        """Undo what was not published: free the objects, one page after another (B9)."""
        for number in batch_decisions.unpublished(self.entries, self.done):
            free_object(v, number)
        return self.free_bulk

    @step
    def free_bulk(self, v: KernelView) -> Next:
        """Give all unpublished entries back in one call, however they were allocated (B7)."""
        self.put_entries(v, batch_decisions.unpublished(self.entries, self.done))
        return self.failed(v)

    def bulk_node(self, v: KernelView) -> int:
        """Return the node that an entry comes from which is allocated in bulk."""
        if v.cfg.options.bulk_node == "cpu":
            return v.cfg.sizes.node_of_cpu(current_cpu(v))
        nodes = range(v.cfg.sizes.nodes)
        return int(v.choose(choices.ENTRY_NODE, nodes)) if len(nodes) > 1 else 0

    def initialised(self, v: KernelView, entry: ZswapEntry, slot: int) -> ZswapEntry:
        """Return an entry with everything set that does not depend on the compressed page."""
        return evolve(
            entry, handle=NO_OBJECT, pool=self.pool, swpentry=slot, objcg=self.objcg, referenced=True
        )


@attrs.define
class ZswapStorePagesV13(ZswapStorePagesV10):
    """Store a batch; each entry keeps the node of its page, so it goes on that node's list (Z3)."""

    source: ClassVar[str] = "zswap_store_pages(), zswap compression batching v13 21/22"

    def initialised(self, v: KernelView, entry: ZswapEntry, slot: int) -> ZswapEntry:
        """Return an entry with the page's node in it."""
        made = ZswapStorePagesV10.initialised(self, v, entry, slot)
        return evolve(made, nid=self.the_folio(v).nid)


@attrs.define
class ZswapStorePagesV14(ZswapStorePagesV13):
    """Store a batch; a fall-back that fails frees its entries itself, before anybody looks at them."""

    source: ClassVar[str] = "zswap_store_pages(), zswap compression batching v14 25/26"

    @step
    def alloc_entries(self, v: KernelView) -> Next:
        """Without memory for all at once, allocate the next entry by itself; give up all of them on failure."""
        if not self.alloc_one(v, NOT_SET):
            return self.free_bulk
        return self.init_entries if len(self.entries) == self.end - self.index else self.alloc_entries


@attrs.define
class ZswapStorePagesV4(ZswapStorePages):
    """Store a batch of v4: charges and counters follow for all pages at once, when all are on their lists.

    The clean-up frees all pages of the batch, whether they are published or not (B02), and the one charge of a
    batch counts as one page (HB-2).
    """

    source: ClassVar[str] = "zswap_batch_store(), zswap compression batching v4 10/10"

    @step
    def charge(self, v: KernelView) -> Next:
        """Take the entry's pool reference."""
        change_pool_ref(v, self.pool, +1)
        return self.init_entry

    @step
    def all_stored(self, v: KernelView) -> Next:
        """Charge the bytes of the batch to the owner in one call and count its pages, also as swapped out."""
        lengths = [live_entry(v, number).length for number in self.entries]
        nr, first = len(lengths), self.first_slot(v)
        for slot in range(first, first + nr):
            v.emit("account", swp=slot)
        if self.objcg:
            memcg.charge_zswap(v, self.objcg, sum(lengths))
            v[v.at.mc[v[v.at.objcg[self.objcg]]].zswpout] += nr
        v[v.at.zs.stored_pages] += nr
        v[v.at.vm.zswpout] += nr
        v.emit("zswpout", nr=nr)
        return ZswapStorePages.all_stored(self, v)

    @step
    def store_pages_failed(self, v: KernelView) -> Next:
        """Free objects and entries of the whole batch."""
        for number in self.entries:
            free_object(v, number)
        self.put_entries(v, self.entries)
        return self.failed(v)
