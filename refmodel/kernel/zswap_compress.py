"""Compressing one page into a pool: zswap_compress (mm/zswap.c)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import batch_decisions, choices, memcg, zsmalloc
from refmodel.kernel.acomp_ctx import lock_ctx, unlock_ctx
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, CompressError, Overlong
from refmodel.kernel.folio import live_folio
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def object_node(v: KernelView, cpu: int, folio: int) -> int:
    """Return the node on which memory for a compressed page of a folio is asked for.

    To 6.12 the allocator is told nothing and takes that of the CPU, later that of the page (M03).
    """
    if v.cfg.options.object_node == "cpu":
        return v.cfg.sizes.node_of_cpu(cpu)
    return live_folio(v, folio).nid


@attrs.define
class ZswapCompress(Operation):
    """Compress one page of a folio and put the result into the pool of an entry.

    folio, index: the page.  entry: gets handle and length.  pool: where the bytes go.
    Value: True, or False after exactly one reject counter moved.

    buffer: bytes of the context's buffer.  It is longer than what the compressor is offered, for some do not look at
        that (Z34).
    """

    buffer: ClassVar[int] = 2 * PAGE_SIZE

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("B2", "Z5", "Z6")

    folio: int
    index: int
    entry: int
    pool: int
    cpu: int = 0
    compressed: Compressed | None = None
    handle: int = 0

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on; it keeps this context when it is moved."""
        self.cpu = current_cpu(v)
        return self.lock_ctx

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context; one without resources belongs to a CPU that has gone since (I-17)."""
        locked = lock_ctx(v, self.pool, self.cpu)
        if isinstance(locked, Wait):
            return locked
        return self.run_compressor if locked else self.empty_ctx()

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Run the compressor with a destination of one page; any error refuses the page.

        -ENOSPC says that the result does not fit and counts as poor compression, everything else as
        failure.
        """
        return self.judge(v, self.compress(v))

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object of the compressed length; never enters direct reclaim, so it fails fast."""
        assert self.compressed is not None
        handle = zsmalloc.malloc(
            v, self.pool, self.compressed.length, self.compressed.data, object_node(v, self.cpu, self.folio)
        )
        if handle > 0:
            self.handle = handle
            return self.copy
        if batch_decisions.is_poor(-handle):
            v[v.at.zs.reject_compress_poor] += 1
        else:
            v[v.at.zs.reject_alloc_fail] += 1
        return self.fail

    @step
    def copy(self, v: KernelView) -> Next:
        """Copy the bytes into the object and note handle and length in the entry."""
        assert self.compressed is not None
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, handle=self.handle, length=self.compressed.length)
        return self.unlock_ctx

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context: its buffer may be used again."""
        unlock_ctx(v, self.pool, self.cpu)
        return Return(True)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context and refuse the page."""
        unlock_ctx(v, self.pool, self.cpu)
        return Return(False)

    def empty_ctx(self) -> Next:
        """Return what follows when the context has no resources: pick that of the present CPU."""
        return self.pick_ctx

    def compress(self, v: KernelView) -> Compressed | CompressError:
        """Ask the pool's compressor what it makes of the page."""
        folio, pool = live_folio(v, self.folio), v[v.at.pool[self.pool]]
        assert pool is not None
        outcome: Compressed | CompressError = v.choose(
            choices.COMPRESS, v.cfg.codecs[pool.compressor].outcomes(folio.contents[self.index])
        )
        if isinstance(outcome, Overlong):
            self.write_overlong(outcome.length)
        return self.tell(v, outcome)

    def write_overlong(self, length: int) -> None:
        """Let the compressor write more than it was offered, straight into the buffer (since 6.9; devices always).

        The crypto layer compares the length with the offer when all of it is written.
        Raises KernelBug where the buffer is shorter: what stands behind it is overwritten.
        """
        if length > self.buffer:
            past = length - self.buffer
            raise KernelBug(f"{length} bytes are written into a buffer of {self.buffer}: {past} past its end")

    def tell(self, v: KernelView, outcome: Compressed | CompressError) -> Compressed | CompressError:
        """Tell observers what the compressor has made of the page; return it."""
        if isinstance(outcome, Compressed):
            v.emit("compress", slen=PAGE_SIZE, dlen=outcome.length, ret=0)
        else:
            v.emit("compress", slen=PAGE_SIZE, dlen=PAGE_SIZE, ret=-outcome.errno)
        return outcome

    def judge(self, v: KernelView, outcome: Compressed | CompressError) -> Next:
        """Go on with what the compressor has made of the page."""
        if isinstance(outcome, Compressed):
            self.compressed = outcome
            return self.allocate
        self.count_reject(v, outcome.errno)
        return self.fail

    def count_reject(self, v: KernelView, error: int) -> None:
        """Count a page that the compressor refused."""
        if batch_decisions.is_poor(error):
            v[v.at.zs.reject_compress_poor] += 1
        else:
            v[v.at.zs.reject_compress_fail] += 1


@attrs.define
class ZswapCompress618(ZswapCompress):
    """Compress one page; a page that does not shrink is stored raw (6.18 and later).

    The buffer is one page: every compressor looks at what it is offered by then (mm/zswap: reduce the size of the
    compression buffer to a single page).
    """

    buffer: ClassVar[int] = PAGE_SIZE

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 6.18.15"

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Run the compressor; where it fails or saves nothing, keep the page as it is.

        Raw pages are PAGE_SIZE long, and no compressed stream may have that length.  A cgroup that
        forbids writeback gets no raw pages: they would use memory and could never leave it.
        """
        return self.judge(v, self.compress(v))

    def judge(self, v: KernelView, outcome: Compressed | CompressError) -> Next:
        """Go on with what the compressor has made of the page."""
        if isinstance(outcome, Compressed) and batch_decisions.saves_memory(outcome.length):
            self.compressed = outcome
            return self.allocate
        folio = live_folio(v, self.folio)
        if memcg.writeback_enabled(v, memcg.folio_memcg(v, folio)):
            self.compressed = Compressed(PAGE_SIZE, folio.contents[self.index])
            return self.allocate
        self.count_reject(v, errno.EINVAL if isinstance(outcome, Compressed) else outcome.errno)
        return self.fail


@attrs.define
class ZswapCompress73(ZswapCompress618):
    """Compress one page with a context that lives as long as its pool (7.3)."""

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 7.3.4"

    def empty_ctx(self) -> Next:
        """Stop: that cannot happen, for the context of a CPU that has gone is as good as any."""
        raise KernelBug(f"zswap_compress: pool {self.pool} has no context for CPU {self.cpu}, which has run")


@attrs.define
class ZswapCompress61(ZswapCompress):
    """Compress one page in 6.1: a compressor's refusal moves no counter.

    All pools share the buffer of a CPU and its lock, which are freed with the CPU.
    Value: 0, or a negative errno, which the store hands to frontswap.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_frontswap_store(), Linux 6.1.192"

    error: int = 0

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Run the compressor with the context, unless that was freed under its user."""
        if not v[v.at.acomp_ctx[self.pool][self.cpu]].present:
            return self.empty_ctx()
        return ZswapCompress.run_compressor(self, v)

    def empty_ctx(self) -> Next:
        """Stop where the kernel would use a context that was freed with its CPU (Z15)."""
        raise KernelBug(f"zswap_frontswap_store: the context of CPU {self.cpu} is used after it was freed")

    def write_overlong(self, length: int) -> None:
        """Let the compressor write into the scratch buffer of the crypto layer (SCOMP_SCRATCH_SIZE, 32 pages).

        The length is compared with the offer before the result is copied out of there (crypto/scompress.c, C01).
        """

    def count_reject(self, v: KernelView, error: int) -> None:
        """Count nothing: 6.1 has no counter for compressor errors."""
        self.error = -errno.EINVAL

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object; evictable allocators get a header with the slot number in front."""
        assert self.compressed is not None
        size = self.compressed.length + zsmalloc.header_bytes(v, self.pool)
        nid = object_node(v, self.cpu, self.folio)
        handle = zsmalloc.malloc(v, self.pool, size, self.compressed.data, nid)
        if handle > 0:
            self.handle = handle
            return self.copy
        self.error = handle
        if batch_decisions.is_poor(-handle):
            v[v.at.zs.reject_compress_poor] += 1
        else:
            v[v.at.zs.reject_alloc_fail] += 1
        return self.fail

    @step
    def copy(self, v: KernelView) -> Next:
        """Copy the bytes into the object, behind the header if there is one; note handle and length."""
        folio = live_folio(v, self.folio)
        if zsmalloc.header_bytes(v, self.pool):
            zsmalloc.write_header(v, self.handle, folio.swap + self.index)
        return ZswapCompress.copy(self, v)

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context."""
        unlock_ctx(v, self.pool, self.cpu)
        return Return(0)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context and hand the error on."""
        unlock_ctx(v, self.pool, self.cpu)
        return Return(self.error)
