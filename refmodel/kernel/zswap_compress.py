"""Compressing one page into a pool: zswap_compress (mm/zswap.c)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg, zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, CompressError
from refmodel.kernel.folio import live_folio
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ZswapCompress(Operation):
    """Compress one page of a folio and put the result into the pool of an entry.

    folio, index: the page.  entry: gets handle and length.  pool: where the bytes go.
    Value: True, or False after exactly one reject counter moved.
    """

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
        """Lock the context; without resources it belongs to a CPU that has gone since: pick again (I-17)."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx = v[place]
        if ctx.locked:
            return Wait(f"the compression context of CPU {self.cpu}")
        if not ctx.present:
            return self.pick_ctx
        v[place] = evolve(ctx, locked=True)
        return self.run_compressor

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Run the compressor with a destination of one page; any error refuses the page.

        -ENOSPC says that the result does not fit and counts as poor compression, everything else as
        failure.
        """
        outcome = self.compress(v)
        if isinstance(outcome, Compressed):
            self.compressed = outcome
            return self.allocate
        self.count_reject(v, outcome.errno)
        return self.fail

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object of the compressed length; never enters direct reclaim, so it fails fast."""
        assert self.compressed is not None
        handle = zsmalloc.malloc(v, self.pool, self.compressed.length, self.compressed.data)
        if handle > 0:
            self.handle = handle
            return self.copy
        if -handle == errno.ENOSPC:
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
        self.release(v)
        return Return(True)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context and refuse the page."""
        self.release(v)
        return Return(False)

    def compress(self, v: KernelView) -> Compressed | CompressError:
        """Ask the pool's compressor what it makes of the page."""
        folio, pool = live_folio(v, self.folio), v[v.at.pool[self.pool]]
        assert pool is not None
        outcome: Compressed | CompressError = v.choose(
            choices.COMPRESS, v.cfg.codecs[pool.compressor].outcomes(folio.contents[self.index])
        )
        if isinstance(outcome, Compressed):
            v.emit("compress", slen=PAGE_SIZE, dlen=outcome.length, ret=0)
        else:
            v.emit("compress", slen=PAGE_SIZE, dlen=PAGE_SIZE, ret=-outcome.errno)
        return outcome

    def count_reject(self, v: KernelView, error: int) -> None:
        """Count a page that the compressor refused."""
        if error == errno.ENOSPC:
            v[v.at.zs.reject_compress_poor] += 1
        else:
            v[v.at.zs.reject_compress_fail] += 1

    def release(self, v: KernelView) -> None:
        """Unlock the context."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        v[place] = evolve(v[place], locked=False)


@attrs.define
class ZswapCompress618(ZswapCompress):
    """Compress one page; a page that does not shrink is stored raw (6.18 and later)."""

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 6.18.15"

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Run the compressor; where it fails or saves nothing, keep the page as it is.

        Raw pages are PAGE_SIZE long, and no compressed stream may have that length.  A cgroup that
        forbids writeback gets no raw pages: they would use memory and could never leave it.
        """
        outcome = self.compress(v)
        if isinstance(outcome, Compressed) and 0 < outcome.length < PAGE_SIZE:
            self.compressed = outcome
            return self.allocate
        folio = live_folio(v, self.folio)
        if memcg.writeback_enabled(v, folio.memcg):
            self.compressed = Compressed(PAGE_SIZE, folio.contents[self.index])
            return self.allocate
        self.count_reject(v, errno.EINVAL if isinstance(outcome, Compressed) else outcome.errno)
        return self.fail


@attrs.define
class ZswapCompress73(ZswapCompress618):
    """Compress one page with a context that lives as long as its pool (7.3)."""

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 7.3.4"

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context; that of a CPU that has gone is as good as any."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx = v[place]
        if ctx.locked:
            return Wait(f"the compression context of CPU {self.cpu}")
        if not ctx.present:
            raise KernelBug(
                f"zswap_compress: pool {self.pool} has no context for CPU {self.cpu}, which has run"
            )
        v[place] = evolve(ctx, locked=True)
        return self.run_compressor


@attrs.define
class ZswapCompress61(ZswapCompress):
    """Compress one page in 6.1: a compressor's refusal moves no counter.

    Value: 0, or a negative errno, which the store hands to frontswap.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_frontswap_store(), Linux 6.1.192"

    error: int = 0

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the CPU's buffer, which all pools share; its lock is freed with the CPU."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx = v[place]
        if ctx.locked:
            return Wait(f"the compression context of CPU {self.cpu}")
        self.check_present(v)
        v[place] = evolve(ctx, locked=True)
        return self.run_compressor

    def check_present(self, v: KernelView) -> None:
        """Stop where the kernel would use a context that was freed with its CPU (Z15)."""
        if not v[v.at.acomp_ctx[self.pool][self.cpu]].present:
            raise KernelBug(
                f"zswap_frontswap_store: the context of CPU {self.cpu} is used after it was freed"
            )

    def compress(self, v: KernelView) -> Compressed | CompressError:
        """Ask the pool's compressor what it makes of the page."""
        self.check_present(v)
        return ZswapCompress.compress(self, v)

    def count_reject(self, v: KernelView, error: int) -> None:
        """Count nothing: 6.1 has no counter for compressor errors."""
        self.error = -errno.EINVAL

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object; evictable allocators get a header with the slot number in front."""
        assert self.compressed is not None
        size = self.compressed.length + zsmalloc.header_bytes(v, self.pool)
        handle = zsmalloc.malloc(v, self.pool, size, self.compressed.data)
        if handle > 0:
            self.handle = handle
            return self.copy
        self.error = handle
        if -handle == errno.ENOSPC:
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
        self.release(v)
        return Return(0)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context and hand the error on."""
        self.release(v)
        return Return(self.error)
