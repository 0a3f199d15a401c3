"""Compressing a batch of pages into a pool: zswap_compress of the compression batching series (mm/zswap.c).

One routine serves both kinds of compressor (B2).  With a batching one, a single call compresses all pages of the
batch, and objects are allocated only when every page succeeded.  With one that takes a page at a time, each page
is compressed and put in the pool before the next (B3).
"""

from __future__ import annotations

from errno import EINVAL
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import batch_decisions, zsmalloc
from refmodel.kernel.acomp_ctx import lock_ctx, unlock_used_ctx
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zswap_compress import object_node
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import KernelBug
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import Call, Next, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def lock_context(v: KernelView, pool: int, cpu: int) -> bool | Wait:
    """Lock a compression context and tell observers; False if it is not usable, for its CPU has gone."""
    taken = lock_ctx(v, pool, cpu)
    if taken is True:
        v.emit("ctx_lock", pool=pool, cpu=cpu)
    return taken


def unlock_context(v: KernelView, pool: int, cpu: int) -> None:
    """Unlock a compression context and tell observers."""
    unlock_used_ctx(v, pool, cpu)
    v.emit("ctx_unlock", pool=pool, cpu=cpu)


@attrs.define
class ZswapCompressPages(FolioOperation):
    """Compress a batch of pages of a folio and put the results into the pool of their entries.

    folio, index: the batch, from an index in the folio on.  entries: of its pages; they get handle and length.
    pool: where the bytes go.  wb_enabled: whether the owner's pages may be written back.
    cpu, held: the context that the caller picked, -1 for none, and whether the caller has locked it.
    Value: whether all pages are in the pool.  If not, some may be: their entries have handles.
    """

    source: ClassVar[str] = "zswap_compress(), zswap compression batching v9 19/19"
    requirements: ClassVar[tuple[str, ...]] = ("B2", "B3", "A1", "Z5", "Z6")

    folio: int
    index: int
    entries: tuple[int, ...]
    pool: int
    wb_enabled: bool
    cpu: int
    held: bool
    calls: int = 0
    """Pages of the batch for which a call was made."""
    lengths: tuple[int, ...] = ()
    """What the last call answered for each of its pages: a length in bytes, or a negative errno."""
    stored: int = 0
    """Pages of the batch that are in the pool."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Use the context that the caller has locked, or lock one."""
        if self.held:
            return self.call
        return self.pick_ctx if self.cpu < 0 else self.lock_ctx

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
            raise KernelBug(f"zswap_compress: pool {self.pool} has no context for CPU {self.cpu}")
        return self.call

    @step
    def call(self, v: KernelView) -> Next:
        """Hand the next pages to the compressor: as many as it takes in one call."""
        nr = batch_decisions.pages_of_call(live_pool(v, self.pool).compr_batch_size, len(self.entries))
        first = self.index + self.calls
        pages = self.the_folio(v).contents[first : first + nr]
        self.calls += len(pages)
        v.emit("acomp_call", nr=len(pages), reqs=v[v.at.acomp_ctx[self.pool][self.cpu]].reqs)
        return Call(v.ops.acomp_compress(pool=self.pool, cpu=self.cpu, contents=pages), self.look)

    @step
    def look(self, v: KernelView) -> Next:
        """Look at every result: one page that failed fails the batch, and each is counted."""
        self.lengths = self.result
        failed = [-length for length in self.lengths if length < 0]
        for error in failed:
            self.count_reject(v, error)
        return self.fail if failed else self.copy

    @step
    def copy(self, v: KernelView) -> Next:
        """Allocate an object for the next page, on the page's node, and copy the bytes out of its buffer."""
        number = self.entries[self.stored]
        buffer = batch_decisions.buffer_of_page(self.stored, self.calls, len(self.lengths))
        length, data = self.object_of(v, buffer)
        handle = zsmalloc.malloc(v, self.pool, length, data, self.node(v))
        if handle <= 0:
            poor = batch_decisions.is_poor(-handle)
            place = v.at.zs.reject_compress_poor if poor else v.at.zs.reject_alloc_fail
            v[place] += 1
            v.emit("reject", why="reject_compress_poor" if poor else "reject_alloc_fail", swp=self.slot(v))
            return self.fail
        v[v.at.entry[number]] = evolve(live_entry(v, number), handle=handle, length=length)
        v.emit("copy", swp=self.slot(v), entry=number, len=length, buffer=buffer)
        self.stored += 1
        if self.stored < self.calls:
            return self.copy
        return self.call if self.calls < len(self.entries) else self.unlock_ctx

    def node(self, v: KernelView) -> int:
        """Return the node on which memory for the next object is asked for."""
        return object_node(v, self.cpu, self.folio)

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Let the context go: its buffers may be used again."""
        self.release(v)
        return Return(True)

    @step
    def fail(self, v: KernelView) -> Next:
        """Let the context go and refuse the batch."""
        self.release(v)
        return Return(False)

    def object_of(self, v: KernelView, buffer: int) -> tuple[int, object]:
        """Return length and bytes of what goes into the pool for the page of a buffer."""
        return self.lengths[buffer], v[v.at.acomp_ctx[self.pool][self.cpu]].buffers[buffer]

    def slot(self, v: KernelView) -> int:
        """Return the slot of the page in work."""
        return self.the_folio(v).swap + self.index + self.stored

    def release(self, v: KernelView) -> None:
        """Unlock the context, unless the caller holds it."""
        if not self.held:
            unlock_context(v, self.pool, self.cpu)

    def count_reject(self, v: KernelView, error: int) -> None:
        """Count a page that the compressor refused."""
        poor = batch_decisions.is_poor(error)
        place = v.at.zs.reject_compress_poor if poor else v.at.zs.reject_compress_fail
        v[place] += 1
        v.emit("reject", why="reject_compress_poor" if poor else "reject_compress_fail", swp=self.slot(v))


def error_for_useless(length: int) -> int:
    """Return a result, or -EINVAL for a success that saves nothing, or is nothing (HB-5)."""
    return length if length < 0 or batch_decisions.saves_memory(length) else -EINVAL


@attrs.define
class ZswapCompressPagesV12(ZswapCompressPages):
    """Compress a batch; a page that failed is stored raw where its owner allows writeback.

    A success is taken at its word: that a compressor never reports one with a result as long as the page, or of
    nothing, is assumed and not tested (HB-5).  So is the call: where it returns success, no page is looked for that
    has failed, and one that has is stored raw whoever owns it (IAA-S15).
    """

    source: ClassVar[str] = "zswap_compress(), zswap compression batching v12 23/23"

    @step
    def look(self, v: KernelView) -> Next:
        """Look at what the call returned: without writeback an error fails the batch, and each page counts its own."""
        self.lengths = self.result
        if v.cfg.options.lengths_tested:
            self.lengths = tuple([error_for_useless(length) for length in self.result])
        if self.wb_enabled or not self.call_failed(v):
            return self.copy
        for length in self.lengths:
            if length < 0:
                self.count_reject(v, -length)
        return self.fail

    def call_failed(self, v: KernelView) -> bool:
        """Whether the call returned an error, or left a result that zswap takes for one."""
        error = v[v.at.acomp_ctx[self.pool][self.cpu]].error
        if error is None or self.lengths != self.result:
            error = min(self.lengths)
        return error < 0

    def object_of(self, v: KernelView, buffer: int) -> tuple[int, object]:
        """Return the compressed page, or the page itself where there is none."""
        if self.lengths[buffer] >= 0:
            return ZswapCompressPages.object_of(self, v, buffer)
        return PAGE_SIZE, self.the_folio(v).contents[self.index + self.stored]


@attrs.define
class ZswapCompressPagesV8(ZswapCompressPages):
    """Compress a batch; a context whose CPU has gone is given up for another."""

    source: ClassVar[str] = "zswap_compress(), zswap compression batching v8"

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context; one that its CPU has left is let go, and the task picks another."""
        taken = lock_context(v, self.pool, self.cpu)
        if isinstance(taken, Wait):
            return taken
        return self.call if taken else self.pick_ctx
