"""Storing a folio in batches: zswap_store of the compression batching series (mm/zswap.c).

The folio level is that of 7.3: limits once, a pool reference for the length of the store, and one unwinding of
the whole folio when anything fails.  Between them stands a loop over batches, each of them one
``zswap_store_pages``.  What is published when a batch fails, that batch's own first pages included, is left for
the unwinding, which cannot tell it from older entries and need not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import batch_decisions, memcg
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zswap_compress_pages import lock_context, unlock_context
from refmodel.kernel.zswap_entry import change_pool_ref
from refmodel.kernel.zswap_pool import live_pool
from refmodel.kernel.zswap_store import ZswapStore73, alloc_lru
from refmodel.machine import Call, Next, Wait, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ZswapStoreV9(ZswapStore73):
    """Store a folio batch by batch; batches are as long as the compressor's, or the longest for one without.

    Eight pages at a time also pay with a compressor that takes one: its entries and its context are handled once
    a batch (B1).
    """

    source: ClassVar[str] = "zswap_store(), zswap compression batching v9 18/19"
    requirements: ClassVar[tuple[str, ...]] = ("B1", "B4", "B5", "B9", "B12")

    wb_enabled: bool = True
    """Whether the owner's pages may be written back, as seen when the store began."""
    cpu: int = -1
    """The CPU whose context serves the whole folio, -1 while each batch picks its own."""
    held: bool = False
    """Whether that context is locked by this store."""

    @step
    def alloc_lru(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists: adding to them later must not fail."""
        return self.store_pages if alloc_lru(v, v[v.at.objcg[self.objcg]]) else self.put_pool

    @step
    def store_pages(self, v: KernelView) -> Next:
        """Store the next batch."""
        start, nr = self.index, len(self.the_folio(v).contents)
        self.index = batch_decisions.batch_end(start, self.batch_length(v), nr)
        work = v.ops.zswap_store_pages(
            folio=self.folio,
            index=start,
            end=self.index,
            pool=self.pool,
            objcg=self.objcg,
            wb_enabled=self.wb_enabled,
            cpu=self.cpu,
            held=self.held,
        )
        return Call(work, self.after_pages)

    @step
    def after_pages(self, v: KernelView) -> Next:
        """Go on with the next batch; give up the folio when a batch has failed."""
        if not self.result:
            return self.put_pool
        return self.store_pages if self.index < len(self.the_folio(v).contents) else self.count

    @step
    def count(self, v: KernelView) -> Next:
        """Count the pages, once for the whole folio, and drop the store's pool reference."""
        nr = len(self.the_folio(v).contents)
        v.emit("zswpout", nr=nr)
        return ZswapStore73.count(self, v)

    def batch_length(self, v: KernelView) -> int:
        """Return how many pages a batch has, at most."""
        return batch_decisions.batch_length(live_pool(v, self.pool).compr_batch_size, v.cfg.sizes.max_batch)


@attrs.define
class ZswapStoreV12(ZswapStoreV9):
    """Store a folio in batches; whether its owner allows writeback is asked once, before anything else."""

    source: ClassVar[str] = "zswap_store(), zswap compression batching v12 22/23"
    first: ClassVar[str] = "sample_writeback"

    @step
    def sample_writeback(self, v: KernelView) -> Next:
        """Note whether pages that do not shrink may be kept raw: only if they can leave again (HB-9)."""
        self.wb_enabled = memcg.writeback_enabled(v, memcg.folio_memcg(v, self.the_folio(v)))
        return self.check_enabled


@attrs.define
class ZswapStoreV14(ZswapStoreV12):
    """Store a folio in batches; one compression context serves all of them (BI-3)."""

    source: ClassVar[str] = "zswap_store(), zswap compression batching v14 25/26"

    @step
    def alloc_lru(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists: adding to them later must not fail."""
        return self.pick_ctx if alloc_lru(v, v[v.at.objcg[self.objcg]]) else self.put_pool

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on, for the whole folio."""
        self.cpu = current_cpu(v)
        return self.store_pages


@attrs.define
class ZswapStoreV8(ZswapStoreV9):
    """Store a folio in batches; a batching compressor's context stays locked for the whole folio (HB-8)."""

    source: ClassVar[str] = "zswap_store(), zswap compression batching v8"

    @step
    def alloc_lru(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists; then decide whether there are batches at all."""
        if not alloc_lru(v, v[v.at.objcg[self.objcg]]):
            return self.put_pool
        return self.pick_ctx if self.keeps_ctx(v) else self.store_pages

    def keeps_ctx(self, v: KernelView) -> bool:
        """Whether the context is locked for the folio: with a batching compressor and more than one page."""
        return live_pool(v, self.pool).compr_batch_size > 1 and len(self.the_folio(v).contents) > 1

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on."""
        self.cpu = current_cpu(v)
        return self.lock_ctx

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock it before any entry is allocated; one that its CPU has left is given up for another."""
        taken = lock_context(v, self.pool, self.cpu)
        if isinstance(taken, Wait):
            return taken
        if not taken:
            return self.pick_ctx
        self.held = True
        return self.store_pages

    @step
    def after_pages(self, v: KernelView) -> Next:
        """Go on with the next batch; at the end, good or bad, let the context go."""
        if self.result and self.index < len(self.the_folio(v).contents):
            return self.store_pages
        if self.held:
            return self.unlock_ctx
        return self.count if self.result else self.put_pool

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context."""
        unlock_context(v, self.pool, self.cpu)
        return self.count if self.result else self.put_pool


@attrs.define
class ZswapStoreV6(ZswapStoreV8):
    """Store a folio whole where the compressor has batches, else page by page; the context stays locked.

    The only version in which no page is published before every page of the folio is compressed.
    """

    source: ClassVar[str] = "zswap_store(), zswap compression batching v6 15/16 and 16/16"

    def keeps_ctx(self, v: KernelView) -> bool:
        """Whether the context is locked for the folio: always."""
        return True

    def batch_length(self, v: KernelView) -> int:
        """Return how many pages are published together."""
        whole = v[v.at.acomp_ctx[self.pool][self.cpu]].reqs > 1
        return len(self.the_folio(v).contents) if whole else 1


@attrs.define
class ZswapStoreV4(ZswapStoreV9):
    """Store a large folio in batches where the pool has them, everything else page by page.

    The functions of v4 take several folios at a time; swap-out hands them one.
    """

    source: ClassVar[str] = "zswap_batch_store(), zswap compression batching v4 10/10"

    @step
    def alloc_lru(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists; then decide whether there are batches."""
        if not alloc_lru(v, v[v.at.objcg[self.objcg]]):
            return self.put_pool
        batches = live_pool(v, self.pool).compr_batch_size > 1 and len(self.the_folio(v).contents) > 1
        return self.store_pages if batches else self.alloc_entry

    @step
    def after_pages(self, v: KernelView) -> Next:
        """Go on with the next batch; each has counted its own pages (HB-2)."""
        if not self.result:
            return self.put_pool
        return self.store_pages if self.index < len(self.the_folio(v).contents) else self.all_counted

    @step
    def all_counted(self, v: KernelView) -> Next:
        """Drop the store's pool reference."""
        change_pool_ref(v, self.pool, -1)
        return self.finish(v, True, 1)
