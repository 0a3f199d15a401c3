"""Between a folio and where its bytes go: swap_writepage and swap_read_folio (mm/page_io.c)."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.crypto import ZERO_PAGE, is_zero
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.state import Folio
from refmodel.kernel.swap_slots import slots_of
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

ACTIVATE = "activate"
"""The folio could go nowhere; it stays locked and dirty (AOP_WRITEPAGE_ACTIVATE)."""

WRITTEN = "written"
"""The folio's bytes are kept elsewhere or on their way; it is unlocked."""


def folio_order(folio: Folio) -> int:
    """Return the order of a folio: its size is 2^order pages."""
    return len(folio.contents).bit_length() - 1


@attrs.define
class SwapWritepage(FolioOperation):
    """Swap a folio out: to nowhere, to the zero map, to zswap, or to the device.

    folio: locked, in the swap cache, unmapped, its dirty flag just cleared.
    Value: ``WRITTEN`` (unlocked) or ``ACTIVATE`` (locked and dirty).  Architectures with a hook of
    their own (arch_prepare_to_swap) are left out.
    """

    source: ClassVar[str] = "mm/page_io.c swap_writepage(), Linux 6.12.117; swap_writeout(), Linux 7.3.4"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z4", "Z7", "S5")

    folio: int

    @step
    def try_free_swap(self, v: KernelView) -> Next:
        """Drop the slots instead of writing them when no page table names them any more."""
        return Call(v.ops.folio_free_swap(folio=self.folio), self.check_zero)

    @step
    def check_zero(self, v: KernelView) -> Next:
        """Keep a folio full of zeroes as bits; zswap is not asked, and keeps what it had (H-1)."""
        if self.result:
            self.change(v, locked=False)
            return Return(WRITTEN)
        folio = self.the_folio(v)
        if not v.cfg.options.zero_map:
            return self.store
        zero = all(is_zero(content) for content in folio.contents)
        for s in slots_of(folio):
            v[v.at.zeromap[s]] = zero
        if not zero:
            return self.store
        v[v.at.vm.swpout_zero] += len(folio.contents)
        v[v.at.mc[memcg.folio_memcg(v, folio)].swpout_zero] += len(folio.contents)
        self.change(v, locked=False)
        return Return(WRITTEN)

    @step
    def store(self, v: KernelView) -> Next:
        """Offer the folio to zswap."""
        return Call(v.ops.zswap_store(folio=self.folio), self.after_store)

    @step
    def after_store(self, v: KernelView) -> Next:
        """Done if zswap took it; else to the device, unless its cgroup forbids that."""
        folio = self.the_folio(v)
        if self.result:
            if v.cfg.options.mthp_zswpout and len(folio.contents) > 1:
                v[v.at.mthp[folio_order(folio)].zswpout] += 1
            self.change(v, locked=False)
            return Return(WRITTEN)
        if memcg.writeback_enabled(v, memcg.folio_memcg(v, folio)):
            return Call(self.write(v), self.written)
        self.change(v, dirty=True)
        return Return(ACTIVATE)

    @step
    def written(self, v: KernelView) -> Next:
        """The folio is on its way to the device."""
        return Return(WRITTEN)

    def write(self, v: KernelView) -> Operation:
        """Return the operation that hands the folio to the device."""
        return v.ops.swap_write_device(folio=self.folio)


@attrs.define
class SwapWriteDevice(FolioOperation):
    """Submit a locked folio to the swap device and unlock it.

    On a synchronous device the write is over when this ends; otherwise ``EndSwapWrite`` ends it.
    """

    source: ClassVar[str] = "mm/page_io.c __swap_writepage(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z7",)

    folio: int

    @step
    def submit(self, v: KernelView) -> Next:
        """Count the pages, start writeback, unlock."""
        self.begin_write(v)
        if v[v.at.si].synchronous_writes:
            return Call(v.ops.end_swap_write(folio=self.folio))
        return Return()

    def begin_write(self, v: KernelView) -> None:
        """Count the pages, start writeback, unlock."""
        folio = self.the_folio(v)
        nr = len(folio.contents)
        v.emit("disk_write", swp=folio.swap, nr=nr, nid=folio.nid)
        v[v.at.vm.pswpout] += nr
        if v.cfg.options.memcg_counts_disk:
            v[v.at.mc[memcg.folio_memcg(v, folio)].pswpout] += nr
        if nr > 1:
            v[v.at.mthp[folio_order(folio)].swpout] += 1
        if nr == 512:
            v[v.at.vm.thp_swpout] += 1
        self.change(v, writeback=True, locked=False)


@attrs.define
class EndSwapWrite(FolioOperation):
    """The device has finished writing a folio.

    A failed write makes the folio dirty again, so that its bytes are not lost.
    """

    source: ClassVar[str] = "mm/page_io.c __end_swap_bio_write(), Linux 6.12.117"

    folio: int

    @step
    def complete(self, v: KernelView) -> Next:
        """Put the bytes on the device, or keep the folio dirty; end writeback."""
        self.end_writeback(v, written=self.is_written(v))
        return Return()

    def end_writeback(self, v: KernelView, *, written: bool) -> None:
        """End writeback; a folio that was not written is dirty again."""
        if written:
            self.change(v, reclaim=False, writeback=False)
        else:
            self.change(v, dirty=True, reclaim=False, writeback=False)

    def is_written(self, v: KernelView) -> bool:
        """Put the bytes on the device; return whether that worked."""
        if v.fails(choices.DISK_WRITE):
            return False
        folio = self.the_folio(v)
        for s, content in zip(slots_of(folio), folio.contents, strict=True):
            v[v.at.device[s]] = content
        return True


@attrs.define
class SwapRead(FolioOperation):
    """Fill a locked folio from wherever its slot's bytes are, and unlock it.

    The zero map is asked first, then zswap, then the device.  A folio that cannot be filled is left
    not uptodate; whoever maps it gets SIGBUS.
    """

    source: ClassVar[str] = "mm/page_io.c swap_read_folio(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z4", "Z7")

    folio: int

    def owns(self, v: KernelView, step: str) -> Iterator[Any]:
        """Yield what the lock of a fresh folio guards: who finds the folio waits until it is filled."""
        place = v.at.folio[self.folio]
        yield from ((place, name) for name in ("contents", "dirty", "uptodate"))

    def pins(self, v: KernelView, step: str) -> Iterator[Any]:
        """Yield what lock and reference keep: the folio, its slots, and their zero bits."""
        place = v.at.folio[self.folio]
        yield from ((place, name) for name in ("", "swap", "swapcache"))
        if step == "check_zero":
            yield from (v.at.zeromap[s] for s in slots_of(self.the_folio(v)))

    @step
    def check_zero(self, v: KernelView) -> Next:
        """Fill with zeroes when the slots' bits say so; a folio with mixed bits is refused (S05)."""
        folio = self.the_folio(v)
        nr = len(folio.contents)
        v.emit("swap_read", swp=folio.swap, nr=nr, nid=folio.nid)
        zero = [v[v.at.zeromap[s]] for s in slots_of(folio)]
        if not any(zero):
            return self.load
        if all(zero):
            v[v.at.folio[self.folio]] = evolve(folio, contents=(ZERO_PAGE,) * nr, uptodate=True)
            v[v.at.vm.swpin_zero] += nr
            v[v.at.mc[memcg.folio_memcg(v, folio)].swpin_zero] += nr
        self.change(v, locked=False)
        return Return()

    @step
    def load(self, v: KernelView) -> Next:
        """Ask zswap."""
        return Call(v.ops.zswap_load(folio=self.folio), self.after_load)

    @step
    def after_load(self, v: KernelView) -> Next:
        """Done if zswap had the page, filled or not; only a miss goes to the device (Z19)."""
        if self.result == -errno.ENOENT:
            return self.count_disk_swapin
        self.change(v, locked=False)
        return Return()

    @step
    def count_disk_swapin(self, v: KernelView) -> Next:
        """Note a swap-in that zswap could not serve: the dynamic shrinker spares that many entries."""
        folio = self.the_folio(v)
        v[v.at.nr_disk_swapins[memcg.folio_memcg(v, folio)][folio.nid]] += 1
        return self.read_device

    @step
    def read_device(self, v: KernelView) -> Next:
        """Read the slots from the device and unlock."""
        folio = self.the_folio(v)
        contents = tuple(v[v.at.device[s]] for s in slots_of(folio))
        v[v.at.folio[self.folio]] = evolve(folio, contents=contents, uptodate=True, locked=False)
        v[v.at.vm.pswpin] += len(contents)
        if v.cfg.options.memcg_counts_disk:
            v[v.at.mc[memcg.folio_memcg(v, folio)].pswpin] += len(contents)
        return Return()
