"""Swap-in of a readahead window whose pages are decompressed in batches: a proposal, not a posting.

The roadmap of zswap compression batching v9 names decompression in parallel through swapin_readahead(); the objection
in the thread is that the pages of a window have different backends, and that readahead knows nothing of them.  Here
a window is claimed first, page by page, and sorted after that: what a page's backend is cannot change any more while
its locked folio is in the swap cache, for writeback, a new store and the freeing of the slot all need that place.
Only compressed pages of one pool are a batch.  A page of zeroes is a flag, a raw page a copy, a page on the device
is I/O, and a page in memory is there already: they are read by themselves, or passed by.

Sources: cover letter of zswap compression batching v9 (roadmap, item 3) and the reply to it by Nhat Pham, April 2025;
mm/swap_state.c swap_cluster_readahead(), Linux 6.18.15.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import slot_decisions
from refmodel.kernel.acomp_ctx import lock_ctx, unlock_used_ctx
from refmodel.kernel.folio import live_folio, put_folio, unlock_folio
from refmodel.kernel.mm import memcg_of, nodes_of
from refmodel.kernel.state import Content, ZswapEntry
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.swap_state import ReadSwapCacheAsync
from refmodel.kernel.zswap_decompress import is_raw
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import KernelBug
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_ROADMAP = "cover letter of zswap compression batching v9, roadmap item 3 (a proposal)"


@attrs.define
class DoSwapPageReadahead(DoSwapPage):
    """A fault on a swap entry that reads the slots around it ahead."""

    source: ClassVar[str] = f"mm/memory.c do_swap_page(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1", "B15")

    @step
    def read_in(self, v: KernelView) -> Next:
        """Have the page and its neighbours read into the swap cache."""
        nodes, memcg = nodes_of(v, self.mm), memcg_of(v, self.mm)
        read = v.ops.swapin_readahead(slot=self.orig.slot, nodes=nodes, memcg=memcg)
        return Call(read, self.after_read)


@attrs.define
class SwapinReadahead(ReadSwapCacheAsync):
    """Have a slot filled in the swap cache, and with it the slots of its window.

    slot, nodes, memcg: as for ``ReadSwapCacheAsync``; neighbours are charged as their slots are recorded.
    Value: the folio of the slot, as there.
    The window is as long as a batch and aligned (vm.page-cluster); the kernel adapts it to its success.
    """

    source: ClassVar[str] = f"mm/swap_state.c swap_cluster_readahead(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1", "B15")

    ahead: tuple[int, ...] = ()
    """Slots of the window that are not claimed yet."""
    folios: tuple[int, ...] = ()
    """What is claimed: first the folio of the slot itself."""

    @step
    def read(self, v: KernelView) -> Next:
        """Look around with a fresh folio of the slot; what somebody else has claimed is found by looking again."""
        if self.result == -errno.EEXIST:
            return self.lookup
        self.folio = self.result
        if self.folio < 0:
            return self.end
        self.folios, self.ahead = (self.folio,), self.window(v)
        return self.look_ahead

    @step
    def look_ahead(self, v: KernelView) -> Next:
        """Claim the next slot of the window; who holds locked folios waits for nobody's claim."""
        if not self.ahead:
            return Call(v.ops.swap_read_batch(folios=self.folios), self.put_ahead)
        slot, self.ahead = self.ahead[0], self.ahead[1:]
        claim = v.ops.swap_cache_alloc_folio(slot=slot, nodes=self.nodes, skip_if_exists=True)
        return Call(claim, self.claimed)

    @step
    def claimed(self, v: KernelView) -> Next:
        """Pass by what could not be claimed: a page in memory, a slot that nobody names, no memory for a folio."""
        if self.result > 0:
            self.folios += (self.result,)
        return self.look_ahead

    @step
    def put_ahead(self, v: KernelView) -> Next:
        """Let go of the folios that were read ahead, one after the other: they wait in the swap cache."""
        if len(self.folios) == 1:
            return self.end
        put_folio(v, self.folios[-1])
        self.folios = self.folios[:-1]
        return self.put_ahead

    def window(self, v: KernelView) -> tuple[int, ...]:
        """Return the other slots of the window, ascending; slot 0 is none."""
        return slot_decisions.window(self.slot, v.cfg.sizes.max_batch, len(v.at.slot))


@attrs.define
class SwapReadBatch(Operation):
    """Fill locked folios from wherever the bytes of their slots are, and unlock them.

    folios: single pages in the swap cache.
    """

    source: ClassVar[str] = f"mm/page_io.c swap_read_folio(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z4", "Z7", "B15")

    folios: tuple[int, ...]
    compressed: tuple[int, ...] = ()
    """Folios whose pages are compressed in zswap, until they are loaded."""
    batch: tuple[int, ...] = ()
    """Those of them that were loaded last."""

    @step
    def sort_out(self, v: KernelView) -> Next:
        """Read the next page by itself, unless it is compressed: then it waits for others of its pool."""
        if not self.folios:
            return self.load_batch
        number, self.folios = self.folios[0], self.folios[1:]
        if pool_of(v, number):
            self.compressed += (number,)
            return self.sort_out
        return Call(v.ops.swap_read(folio=number), self.sort_out)

    @step
    def load_batch(self, v: KernelView) -> Next:
        """Have pages of one pool loaded together, as many as its compressor takes in one call.

        The compressor may have been switched between two stores: each pool has its own.
        """
        if not self.compressed:
            return Return()
        pool = pool_of(v, self.compressed[0])
        same = tuple(number for number in self.compressed if pool_of(v, number) == pool)
        self.batch = same[: live_pool(v, pool).compr_batch_size]
        self.compressed = tuple(number for number in self.compressed if number not in self.batch)
        if len(self.batch) == 1:
            return Call(v.ops.swap_read(folio=self.batch[0]), self.load_batch)
        return Call(v.ops.zswap_load_batch(pool=pool, folios=self.batch), self.unlock)

    @step
    def unlock(self, v: KernelView) -> Next:
        """Unlock the folios of the batch, one after the other, filled or not."""
        if not self.batch:
            return self.load_batch
        unlock_folio(v, self.batch[0])
        self.batch = self.batch[1:]
        return self.unlock


def pool_of(v: KernelView, number: int) -> int:
    """Return the pool of the compressed page that a locked folio is to be filled with, or 0 if there is none.

    The zero map is asked first, as every reader does: an entry may stand under a flag (H-1).
    """
    slot = live_folio(v, number).swap
    stored = v[v.at.tree[slot]]
    if v[v.at.zeromap[slot]] or not stored:
        return 0
    entry = live_entry(v, stored)
    return 0 if is_raw(v, entry) else entry.pool


@attrs.define
class ZswapLoadBatch(Operation):
    """Load pages of one pool into locked folios of the swap cache, with one call of its compressor.

    pool: where all of them are.  folios: one to as many as the compressor takes.
    A page that cannot be decompressed does not keep the others: its entry stays, its folio is not uptodate.
    """

    source: ClassVar[str] = f"mm/zswap.c zswap_load(), Linux 6.18.15; {_ROADMAP}"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "A1", "B15")

    pool: int
    folios: tuple[int, ...]
    cpu: int = 0
    filled: tuple[bool, ...] = ()
    """For each folio whether its page was decompressed."""

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on; it keeps this context when it is moved."""
        self.cpu = current_cpu(v)
        return self.lock_ctx

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context for the length of the call; contexts live as long as their pool (B6)."""
        locked = lock_ctx(v, self.pool, self.cpu)
        if isinstance(locked, Wait):
            return locked
        if not locked:
            raise KernelBug(f"zswap_load_batch: pool {self.pool} has no context for CPU {self.cpu}")
        return self.call

    @step
    def call(self, v: KernelView) -> Next:
        """Hand what is stored of all pages to the compressor."""
        stored = tuple(self.stored(v, number) for number in self.folios)
        work = v.ops.acomp_decompress(pool=self.pool, cpu=self.cpu, contents=stored)
        return Call(work, self.fill)

    @step
    def fill(self, v: KernelView) -> Next:
        """Fill the pages that were decompressed, count the others, let the context go.

        That is one step, for nobody else looks at the pages of locked folios.
        """
        buffers = v[v.at.acomp_ctx[self.pool][self.cpu]].buffers
        self.filled = tuple(length > 0 for length in self.result)
        for number, page, good in zip(self.folios, buffers, self.filled, strict=True):
            if good:
                v[v.at.folio[number]] = evolve(live_folio(v, number), contents=(page,))
            else:
                v[v.at.zs.decompress_fail] += 1
        unlock_used_ctx(v, self.pool, self.cpu)
        return self.finish_page

    @step
    def finish_page(self, v: KernelView) -> Next:
        """Finish the load of the next page: a filled folio is the only copy from here on, dirty and counted.

        Who could not be filled is told -EIO, not that the page is elsewhere (Z19).
        """
        if not self.folios:
            return Return()
        if not self.filled[0]:
            return self.end_page(v, -errno.EIO)
        number = self.folios[0]
        folio = live_folio(v, number)
        v[v.at.folio[number]] = evolve(folio, uptodate=True, dirty=True)
        self.count(v, live_entry(v, v[v.at.tree[folio.swap]]))
        return self.erase

    @step
    def erase(self, v: KernelView) -> Next:
        """Take the entry out of the tree and free it."""
        place = v.at.tree[live_folio(v, self.folios[0]).swap]
        entry, v[place] = v[place], 0
        return Call(v.ops.zswap_entry_free(entry=entry), self.done)

    @step
    def done(self, v: KernelView) -> Next:
        """Tell that the page was here; go on with the next."""
        return self.end_page(v, 0)

    def stored(self, v: KernelView, number: int) -> Content:
        """Return what is stored of the page of a folio, and tell observers that it is decompressed."""
        entry = live_entry(v, v[v.at.tree[live_folio(v, number).swap]])
        v.emit("decompress", swp=entry.swpentry, len=entry.length)
        found = v[v.at.zs_object[entry.handle]]
        assert found is not None
        data: Content = found.data
        return data

    def count(self, v: KernelView, entry: ZswapEntry) -> None:
        """Count the load, also for the entry's owner."""
        v[v.at.vm.zswpin] += 1
        if entry.objcg:
            v[v.at.mc[v[v.at.objcg[entry.objcg]]].zswpin] += 1

    def end_page(self, v: KernelView, error: int) -> Next:
        """End the load of one page and tell observers."""
        v.emit("load", swp=live_folio(v, self.folios[0]).swap, ret=error, ok=error == 0)
        self.folios, self.filled = self.folios[1:], self.filled[1:]
        return self.finish_page
