"""Reclaim that stores folios of mixed sizes in common batches: a proposal, not a posting.

The roadmap of zswap compression batching v9 names reclaim batching of hybrid folios: pages of several folios, single
pages included, fill the batches of the compressor together, as the interface of v4 for several folios had begun.
Reclaim then works in three rounds: each folio gets slots and is unmapped, all are stored, each is freed or kept.  A
folio that fails does not take another with it, though both have pages in one batch.

Sources: cover letter of zswap compression batching v9 (roadmap, item 2), April 2025; zswap_batch_store() and its
errors for each folio, zswap compression batching v4 10/10; mm/vmscan.c shrink_folio_list(), Linux 6.18.15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import batch_decisions, choices, memcg, zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.folio import live_folio
from refmodel.kernel.madvise import MadvisePageout618
from refmodel.kernel.page_io import SwapWritepage
from refmodel.kernel.state import Content
from refmodel.kernel.swap_slots import current_cpu, slots_of
from refmodel.kernel.vmscan import ShrinkFolio
from refmodel.kernel.zswap_compress import object_node
from refmodel.kernel.zswap_compress_pages import lock_context, unlock_context
from refmodel.kernel.zswap_entry import change_pool_ref, entry_to_nid, free_entry_memory, live_entry
from refmodel.kernel.zswap_limits import limit_hit
from refmodel.kernel.zswap_load import KernelBug
from refmodel.kernel.zswap_pool import live_pool
from refmodel.kernel.zswap_store import alloc_entry, alloc_lru, lru_add, queue_shrink_work
from refmodel.kernel.zswap_store_pages import NO_OBJECT, free_object
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_ROADMAP = "cover letter of zswap compression batching v9, roadmap item 2 (a proposal)"
_V4 = "zswap_batch_store(), zswap compression batching v4 10/10"

OFFERED = "offered"
"""The folio is locked and clean, and its bytes are for zswap to take."""


# --- reclaim ------------------------------------------------------------------------------------------------


@attrs.define
class MadvisePageoutBatch(MadvisePageout618):
    """MADV_PAGEOUT that hands all folios of its range to reclaim at once."""

    source: ClassVar[str] = f"mm/madvise.c madvise_cold_or_pageout_pte_range(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "B14")

    @step
    def reclaim(self, v: KernelView) -> Next:
        """Reclaim the folios."""
        return Call(v.ops.shrink_folio_list(folios=self.folios), self.unlock)

    @step
    def unlock(self, v: KernelView) -> Next:
        """Drop the mmap lock."""
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return()


@attrs.define
class ShrinkFolioList(Operation):
    """Reclaim several folios: prepare each, store all, finish each.

    folios: isolated by the caller, each with a reference; both are given up.
    The folios that wait to be stored stay locked.  Nobody is kept waiting by somebody who waits for one of them:
    reclaim leaves a folio alone that it cannot lock at once.
    """

    source: ClassVar[str] = f"mm/vmscan.c shrink_folio_list(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "B14")

    folios: tuple[int, ...]
    folio: int = 0
    offered: tuple[int, ...] = ()
    """Folios that are offered to zswap."""
    stored: tuple[bool, ...] = ()
    """For each of them whether it was taken."""

    @step
    def begin_next(self, v: KernelView) -> Next:
        """Begin with the next folio; after the last store what was offered."""
        if not self.folios:
            return self.store if self.offered else Return()
        self.folio, self.folios = self.folios[0], self.folios[1:]
        return Call(v.ops.shrink_folio_begin(folio=self.folio, isolated=True), self.begun)

    @step
    def begun(self, v: KernelView) -> Next:
        """Note a folio that is offered; the pages of one that was split on the way are next."""
        offered, rest = self.result
        if offered:
            self.offered += (self.folio,)
        self.folios = (*rest, *self.folios)
        return self.begin_next

    @step
    def store(self, v: KernelView) -> Next:
        """Store all pages that are offered."""
        return Call(v.ops.zswap_store_folios(folios=self.offered), self.after_store)

    @step
    def after_store(self, v: KernelView) -> Next:
        """Go on with each folio by itself."""
        self.stored = self.result
        return self.finish_next

    @step
    def finish_next(self, v: KernelView) -> Next:
        """Free the next folio if zswap took it; else write it to the device, or keep it."""
        if not self.offered:
            return Return()
        number, stored = self.offered[0], self.stored[0]
        self.offered, self.stored = self.offered[1:], self.stored[1:]
        return Call(v.ops.shrink_folio_finish(folio=number, isolated=True, stored=stored), self.finish_next)


@attrs.define
class ShrinkFolioBegin(ShrinkFolio):
    """Reclaim one folio up to where zswap is offered its bytes.

    Value: whether it is offered, and the folios that a split left behind.  One that is not is done with.
    """

    source: ClassVar[str] = f"mm/vmscan.c shrink_folio_list(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "S2", "B14")

    @step
    def pageout(self, v: KernelView) -> Next:
        """Clear the dirty flag and begin to write the folio out, unless somebody else has a reference to it."""
        if self.the_folio(v).refs > 1:
            return self.keep_locked
        self.change(v, dirty=False, reclaim=True)
        return Call(v.ops.swap_writepage_begin(folio=self.folio), self.after_begin)

    @step
    def after_begin(self, v: KernelView) -> Next:
        """Stop with a folio that is offered; one whose bytes are kept elsewhere is reclaimed to the end."""
        return Return((True, self.rest)) if self.result == OFFERED else self.after_pageout

    def end(self, v: KernelView) -> Return:
        """Answer that nothing is offered, and what is left to be tried."""
        return Return((False, ShrinkFolio.end(self, v).value))


@attrs.define
class ShrinkFolioFinish(ShrinkFolio):
    """Reclaim one folio from where zswap has answered.

    stored: whether zswap took it.
    """

    source: ClassVar[str] = f"mm/vmscan.c shrink_folio_list(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "B14")
    first: ClassVar[str] = "finish_write"

    stored: bool = False

    @step
    def finish_write(self, v: KernelView) -> Next:
        """End the write of the folio."""
        return Call(v.ops.swap_writepage_finish(folio=self.folio, stored=self.stored), self.after_pageout)


# --- writing ------------------------------------------------------------------------------------------------


@attrs.define
class SwapWritepageBegin(SwapWritepage):
    """Swap a folio out to nowhere or to the zero map, or offer it to zswap.

    Value: as ``SwapWritepage``, or ``OFFERED``: it stays locked.
    """

    source: ClassVar[str] = f"mm/page_io.c swap_writeout(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z4", "B14")

    @step
    def store(self, v: KernelView) -> Next:
        """Offer the folio to zswap, together with others."""
        return Return(OFFERED)


@attrs.define
class SwapWritepageFinish(SwapWritepage):
    """End the swap-out of a folio that zswap was offered.

    stored: whether zswap took it.
    """

    source: ClassVar[str] = f"mm/page_io.c swap_writeout(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z7", "B14")
    first: ClassVar[str] = "finish"

    stored: bool = False

    @step
    def finish(self, v: KernelView) -> Next:
        """Go on as after a store of this folio alone."""
        self.result = self.stored
        return self.after_store


# --- zswap: the folios ----------------------------------------------------------------------------------------


@attrs.define
class ZswapStoreFolios(Operation):
    """Store several folios; their pages fill batches together.

    folios: locked folios in the swap cache.
    Value: for each whether it is stored, whole; of the others nothing is, and their slots are empty.
    """

    source: ClassVar[str] = f"{_V4}; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "B1", "B9", "B14")

    folios: tuple[int, ...]
    asking: tuple[int, ...] = ()
    """Folios whose limits are not checked yet."""
    admitted: tuple[int, ...] = ()
    """Folios that may be stored."""
    refused: tuple[int, ...] = ()
    """Folios that are given up, whatever the reason."""
    pool: int = 0
    pages: tuple[tuple[int, int], ...] = ()
    """Pages that are not handed over yet, each by folio and index."""
    slots: tuple[int, ...] = ()
    """Slots of folios that are given up, until they are erased."""

    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Refuse everything while zswap is disabled, but erase what the slots still hold."""
        if v[v.at.zswap].enabled:
            self.asking = self.folios
            return self.check_memcg_limit
        self.refused = self.folios
        return self.unwind

    @step
    def check_memcg_limit(self, v: KernelView) -> Next:
        """Ask whether the owner of the next folio may use zswap; over its limit, shrink its lists once."""
        if not self.asking:
            return self.get_pool
        objcg = memcg.folio_objcg(v, live_folio(v, self.asking[0]))
        if objcg and not memcg.may_zswap(v, objcg):
            return Call(v.ops.shrink_memcg(memcg=v[v.at.objcg[objcg]]), self.after_memcg_shrink)
        return self.check_pool_limit

    @step
    def after_memcg_shrink(self, v: KernelView) -> Next:
        """Refuse the folio if nothing could be written back for it."""
        return self.refuse if self.result else self.check_pool_limit

    @step
    def check_pool_limit(self, v: KernelView) -> Next:
        """Refuse the folio while the pool is full; batches overshoot the limit as folios do (HB-10)."""
        return self.refuse if limit_hit(v) else self.admit

    @step
    def admit(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists: adding to them later must not fail."""
        number = self.asking[0]
        if not alloc_lru(v, v[v.at.objcg[memcg.folio_objcg(v, live_folio(v, number))]]):
            return self.refuse
        self.asking = self.asking[1:]
        self.admitted += (number,)
        return self.check_memcg_limit

    @step
    def refuse(self, v: KernelView) -> Next:
        """Refuse the folio; while the pool counts as full, every refusal queues the global shrinker."""
        self.give_up(v, self.asking[0])
        self.asking = self.asking[1:]
        return self.check_memcg_limit

    @step
    def get_pool(self, v: KernelView) -> Next:
        """Hold the current pool for the length of the store: all folios go to the same."""
        pools = v[v.at.pool_list]
        if not pools:
            for number in self.admitted:
                self.give_up(v, number)
            self.admitted = ()
        if not self.admitted:
            return self.unwind
        self.pool = pools[0]
        change_pool_ref(v, self.pool, +1)
        sizes = [(number, len(live_folio(v, number).contents)) for number in self.admitted]
        self.pages = tuple((number, index) for number, nr in sizes for index in range(nr))
        return self.store_span

    @step
    def store_span(self, v: KernelView) -> Next:
        """Store the next batch: pages of as many folios as it takes to fill it."""
        if not self.pages:
            return self.put_pool
        length = self.batch_length(v)
        span, self.pages = self.pages[:length], self.pages[length:]
        return Call(v.ops.zswap_store_span(pages=span, pool=self.pool), self.after_span)

    @step
    def after_span(self, v: KernelView) -> Next:
        """Leave the other pages of folios out that have failed."""
        failed = self.result
        for number in failed:
            self.give_up(v, number)
        self.pages = tuple(page for page in self.pages if page[0] not in failed)
        self.admitted = tuple(number for number in self.admitted if number not in failed)
        return self.store_span

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Drop the store's pool reference; entries keep theirs."""
        change_pool_ref(v, self.pool, -1)
        return self.count

    @step
    def count(self, v: KernelView) -> Next:
        """Count the pages of the next folio that is stored, once for the whole folio."""
        if not self.admitted:
            return self.unwind
        folio = live_folio(v, self.admitted[0])
        nr = len(folio.contents)
        v.emit("zswpout", nr=nr)
        objcg = memcg.folio_objcg(v, folio)
        if objcg:
            v[v.at.mc[v[v.at.objcg[objcg]]].zswpout] += nr
        v[v.at.vm.zswpout] += nr
        self.tell(v, self.admitted[0], ok=True)
        self.admitted = self.admitted[1:]
        return self.count

    @step
    def unwind(self, v: KernelView) -> Next:
        """Collect the slots of the folios that are given up."""
        folios = [live_folio(v, number) for number in self.refused]
        self.slots = tuple(slot for folio in folios for slot in slots_of(folio))
        return self.erase_slot

    @step
    def erase_slot(self, v: KernelView) -> Next:
        """Take whatever the next slot holds out of the tree: pages of this store and older ones alike."""
        if not self.slots:
            return self.answer
        place, self.slots = v.at.tree[self.slots[0]], self.slots[1:]
        old, v[place] = v[place], 0
        return Call(v.ops.zswap_entry_free(entry=old), self.erase_slot) if old else self.erase_slot

    @step
    def answer(self, v: KernelView) -> Next:
        """Answer for each folio."""
        for number in self.refused:
            self.tell(v, number, ok=False)
        return Return(tuple(number not in self.refused for number in self.folios))

    def give_up(self, v: KernelView, number: int) -> None:
        """Refuse a folio; while the pool counts as full, every refusal queues the global shrinker."""
        self.refused += (number,)
        if v[v.at.reached_full]:
            queue_shrink_work(v)

    def tell(self, v: KernelView, number: int, *, ok: bool) -> None:
        """Tell observers what became of a folio."""
        folio = live_folio(v, number)
        v.emit("store", swp=folio.swap, nr=len(folio.contents), nid=folio.nid, ret=int(ok), ok=ok)

    def batch_length(self, v: KernelView) -> int:
        """Return how many pages a batch has, at most."""
        return batch_decisions.batch_length(live_pool(v, self.pool).compr_batch_size, v.cfg.sizes.max_batch)


# --- zswap: one batch -----------------------------------------------------------------------------------------


@attrs.define
class ZswapStoreSpan(Operation):
    """Store a batch of pages that belong to several folios.

    pages: (folio, index) of each; the folios are locked.  pool: referenced by the caller.
    Value: the folios that have failed.  Nothing of their pages in this batch is left but what was published before
    the failure; pages of the others are stored.
    """

    source: ClassVar[str] = f"{_V4}; zswap_store_pages(), v14 25/26; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("B2", "B3", "B4", "B8", "B9", "B10", "B11", "B12", "B14", "Z3")

    pages: tuple[tuple[int, int], ...]
    pool: int
    entries: tuple[int, ...] = ()
    """For each page its entry, 0 without one."""
    failed: tuple[int, ...] = ()
    """Folios that are given up."""
    cpu: int = 0
    next: int = 0
    """Position in the batch from which on pages are not handed to the compressor."""
    sent: tuple[int, ...] = ()
    """Positions of the pages of the last call that are not in the pool yet, each in the buffer of its place."""
    lengths: tuple[int, ...] = ()
    """What the last call answered for each of them: a length in bytes, or a negative errno."""
    buffer: int = 0
    """The buffer of the first of them."""
    old: int = 0

    @step
    def alloc_entry(self, v: KernelView) -> Next:
        """Allocate the entry of the next page on the page's node and initialise it; nobody can see it yet (B8)."""
        if len(self.entries) == len(self.pages):
            return self.pick_ctx
        number, index = self.pages[len(self.entries)]
        if number in self.failed:
            self.entries += (0,)
            return self.alloc_entry
        folio = live_folio(v, number)
        entry = alloc_entry(v, folio.nid)
        if entry:
            v[v.at.entry[entry]] = evolve(
                live_entry(v, entry),
                handle=NO_OBJECT,
                pool=self.pool,
                swpentry=folio.swap + index,
                objcg=memcg.folio_objcg(v, folio),
                referenced=True,
                nid=folio.nid,
            )
        else:
            self.fail_folio(number)
        self.entries += (entry,)
        return self.alloc_entry

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on; it keeps this context when it is moved."""
        self.cpu = current_cpu(v)
        return self.lock_ctx

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context for the length of the batch; contexts live as long as their pool (B6)."""
        taken = lock_context(v, self.pool, self.cpu)
        if isinstance(taken, Wait):
            return taken
        if not taken:
            raise KernelBug(f"zswap_store_span: pool {self.pool} has no context for CPU {self.cpu}")
        return self.call

    @step
    def call(self, v: KernelView) -> Next:
        """Hand the next pages to the compressor, of whichever folio, without those of folios that have failed."""
        most = live_pool(v, self.pool).compr_batch_size
        folios = tuple(number for number, _ in self.pages)
        self.sent = batch_decisions.positions_of_call(folios, self.next, self.failed, most)
        if not self.sent:
            return self.unlock_ctx
        self.next, self.buffer = self.sent[-1] + 1, 0
        contents = tuple(self.content(v, position) for position in self.sent)
        v.emit("acomp_call", nr=len(contents), reqs=v[v.at.acomp_ctx[self.pool][self.cpu]].reqs)
        return Call(v.ops.acomp_compress(pool=self.pool, cpu=self.cpu, contents=contents), self.look)

    @step
    def look(self, v: KernelView) -> Next:
        """Look at every result: a page that saves nothing is kept raw, or gives its own folio up (A1)."""
        self.lengths = self.result
        for position, length in zip(self.sent, self.lengths, strict=True):
            number = self.pages[position][0]
            if batch_decisions.saves_memory(length):
                continue
            if not memcg.writeback_enabled(v, memcg.folio_memcg(v, live_folio(v, number))):
                poor = batch_decisions.is_poor(-length)
                v[v.at.zs.reject_compress_poor if poor else v.at.zs.reject_compress_fail] += 1
                self.fail_folio(number)
        return self.copy

    @step
    def copy(self, v: KernelView) -> Next:
        """Allocate an object for the next page of the call, on the page's node, and copy its bytes into it."""
        if not self.sent:
            return self.call
        position, length, buffer = self.sent[0], self.lengths[0], self.buffer
        self.sent, self.lengths, self.buffer = self.sent[1:], self.lengths[1:], buffer + 1
        number = self.pages[position][0]
        if number in self.failed:
            return self.copy
        data = v[v.at.acomp_ctx[self.pool][self.cpu]].buffers[buffer]
        if not batch_decisions.saves_memory(length):
            length, data = PAGE_SIZE, self.content(v, position)
        handle = zsmalloc.malloc(v, self.pool, length, data, object_node(v, self.cpu, number))
        if handle <= 0:
            poor = batch_decisions.is_poor(-handle)
            v[v.at.zs.reject_compress_poor if poor else v.at.zs.reject_alloc_fail] += 1
            self.fail_folio(number)
            return self.copy
        entry = self.entries[position]
        v[v.at.entry[entry]] = evolve(live_entry(v, entry), handle=handle, length=length)
        v.emit("copy", swp=live_entry(v, entry).swpentry, entry=entry, len=length, buffer=buffer)
        return self.copy

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Let the context go: its buffers may be used again."""
        unlock_context(v, self.pool, self.cpu)
        return self.settle

    @step
    def settle(self, v: KernelView) -> Next:
        """Publish the next page, and free the entry that it replaces; of a folio that has failed undo it (B9, B10)."""
        if not self.pages:
            return Return(self.failed)
        number, entry = self.pages[0][0], self.entries[0]
        if number in self.failed:
            return self.undo
        if v.fails(choices.XA_STORE):
            v[v.at.zs.reject_alloc_fail] += 1
            self.fail_folio(number)
            return self.undo
        place = v.at.tree[live_entry(v, entry).swpentry]
        self.old, v[place] = v[place], entry
        if self.old:
            return Call(v.ops.zswap_entry_free(entry=self.old), self.charge)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Take the entry's pool reference, charge its length, count it: all that freeing an entry undoes (B11)."""
        entry = live_entry(v, self.entries[0])
        change_pool_ref(v, self.pool, +1)
        if entry.objcg:
            memcg.charge_zswap(v, entry.objcg, entry.length)
        v[v.at.zs.stored_pages] += 1
        if entry.length == PAGE_SIZE:
            v[v.at.zs.stored_incompressible_pages] += 1
        return self.lru_add

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Put the entry on its LRU list, last of all: from here on writeback can see it (B12)."""
        number = self.entries[0]
        entry = live_entry(v, number)
        lru_add(v, number, entry, entry_to_nid(v, entry))
        self.pages, self.entries = self.pages[1:], self.entries[1:]
        return self.settle

    @step
    def undo(self, v: KernelView) -> Next:
        """Free object and entry of a page that is not published; what its folio has published is left to the caller."""
        if self.entries[0]:
            free_object(v, self.entries[0])
            free_entry_memory(v, self.entries[0])
        self.pages, self.entries = self.pages[1:], self.entries[1:]
        return self.settle

    def content(self, v: KernelView, position: int) -> Content:
        """Return the page at a position of the batch."""
        number, index = self.pages[position]
        return live_folio(v, number).contents[index]

    def fail_folio(self, number: int) -> None:
        """Give a folio up."""
        if number not in self.failed:
            self.failed += (number,)
