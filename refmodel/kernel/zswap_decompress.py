"""Decompressing one entry into a folio: zswap_decompress (mm/zswap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.acomp_ctx import lock_ctx, unlock_ctx
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.folio import live_folio
from refmodel.kernel.state import Content, ZswapEntry
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import CannotDecompress, KernelBug
from refmodel.machine import Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def is_raw(v: KernelView, entry: ZswapEntry) -> bool:
    """Whether an entry holds the page as it is: one that did not shrink, in kernels that keep such pages."""
    return v.cfg.options.raw_pages and entry.length == PAGE_SIZE


def decompress(v: KernelView, entry: ZswapEntry) -> Content:
    """Return the page that an entry holds; a raw page needs no decompressor."""
    place = v.at.zs_object[entry.handle]
    stored, pool = v[place], v[v.at.pool[entry.pool]]
    assert stored is not None
    assert pool is not None
    return stored.data if is_raw(v, entry) else v.cfg.codecs[pool.compressor].decompress(stored.data)


@attrs.define
class ZswapDecompress(Operation):
    """Decompress an entry into the first page of a folio.

    entry: its owner keeps it alive.  folio: locked by the caller.
    Value: True; a page that cannot be decompressed stops this kernel.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("B2", "Z2")

    entry: int
    folio: int
    pool: int = 0
    cpu: int = 0

    @step
    def begin(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on, in the pool that the entry was stored in."""
        entry = live_entry(v, self.entry)
        v.emit("decompress", swp=entry.swpentry, len=entry.length)
        self.pool, self.cpu = entry.pool, current_cpu(v)
        return self.lock_ctx

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick another context: the task runs on another CPU by now."""
        self.cpu = current_cpu(v)
        return self.lock_ctx

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context; one without resources belongs to a CPU that has gone since (I-17)."""
        locked = lock_ctx(v, self.pool, self.cpu)
        if isinstance(locked, Wait):
            return locked
        return self.run_decompressor if locked else self.empty_ctx()

    @step
    def run_decompressor(self, v: KernelView) -> Next:
        """Fill the page, then unlock the context.

        The decompressor may sleep, and the context is locked meanwhile.  Filling and unlocking are one step, for
        nobody else looks at the page of a locked folio.
        """
        entry = live_entry(v, self.entry)
        if not self.can_decompress(v, entry):
            return self.fail(v, entry)
        return self.fill(v, decompress(v, entry))

    def fill(self, v: KernelView, page: Content) -> Return:
        """Fill the page and unlock the context."""
        folio = live_folio(v, self.folio)
        v[v.at.folio[self.folio]] = evolve(folio, contents=(page, *folio.contents[1:]))
        unlock_ctx(v, self.pool, self.cpu)
        return Return(True)

    def empty_ctx(self) -> Next:
        """Return what follows when the context has no resources."""
        return self.pick_ctx

    def can_decompress(self, v: KernelView, entry: ZswapEntry) -> bool:
        """Whether the stored bytes decompress to a page."""
        return not v.fails(choices.DECOMPRESS)

    def fail(self, v: KernelView, entry: ZswapEntry) -> Next:
        """Stop: there is no way to report the error (BUG_ON)."""
        raise CannotDecompress(
            f"zswap_decompress: entry {self.entry} of slot {entry.swpentry} cannot be decompressed"
        )


@attrs.define
class ZswapDecompress618(ZswapDecompress):
    """Decompress an entry, or copy a raw page; a failure is reported (6.18 and later).

    A raw page needs nothing of the context, which is locked for it all the same.
    Value: whether the page was filled; if not, the failure is counted.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), Linux 6.18.15"

    def can_decompress(self, v: KernelView, entry: ZswapEntry) -> bool:
        """Whether the stored bytes decompress to a page; copying a raw page cannot fail."""
        return is_raw(v, entry) or not v.fails(choices.DECOMPRESS)

    def fail(self, v: KernelView, entry: ZswapEntry) -> Next:
        """Unlock the context and count the failure."""
        unlock_ctx(v, self.pool, self.cpu)
        v[v.at.zs.decompress_fail] += 1
        return Return(False)


@attrs.define
class ZswapDecompress73(ZswapDecompress618):
    """Decompress an entry with a context that lives as long as its pool (7.3)."""

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), Linux 7.3.4"

    def empty_ctx(self) -> Next:
        """Stop: that cannot happen, for the context of a CPU that has gone is as good as any."""
        raise KernelBug(
            f"zswap_decompress: pool {self.pool} has no context for CPU {self.cpu}, which has run"
        )


@attrs.define
class ZswapDecompress61(ZswapDecompress):
    """Decompress an entry in 6.1, in the code of load and writeback; no function has that name.

    The context's lock is freed with its CPU, whoever has it or waits for it (Z15).
    """

    source: ClassVar[str] = "mm/zswap.c zswap_frontswap_load(), zswap_writeback_entry(), Linux 6.1.192"

    @step
    def begin(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on, in the pool that the entry was stored in."""
        self.pool, self.cpu = live_entry(v, self.entry).pool, current_cpu(v)
        return self.lock_ctx

    @step
    def run_decompressor(self, v: KernelView) -> Next:
        """Fill the page with the context, unless that was freed under its user; then unlock it."""
        if not v[v.at.acomp_ctx[self.pool][self.cpu]].present:
            return self.empty_ctx()
        return ZswapDecompress.run_decompressor(self, v)

    def empty_ctx(self) -> Next:
        """Stop where the kernel would use a context that was freed with its CPU (Z15)."""
        raise KernelBug(f"zswap_decompress: the context of CPU {self.cpu} is used after it was freed")
