"""A page is read from zram (drivers/block/zram/zram_drv.c zram_bio_read, zram_read_page)."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.folio import FolioOperation, live_folio
from refmodel.kernel.page_io import SwapRead
from refmodel.kernel.state import Content
from refmodel.kernel.zram_slot import access, in_memory, wait_for_slot
from refmodel.kernel.zram_state import ZramBlock
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_DRV = "drivers/block/zram/zram_drv.c"


def fill_page(v: KernelView, folio: int, index: int, content: Content) -> None:
    """Put a page into a folio that is being read."""
    contents = list(live_folio(v, folio).contents)
    contents[index] = content
    v[v.at.folio[folio]] = evolve(live_folio(v, folio), contents=tuple(contents))


@attrs.define
class ZramRead(FolioOperation):
    """Read one page of a folio from its slot.

    folio, index: the page; the folio is locked.  Value: 0 or a negative errno.
    """

    source: ClassVar[str] = f"{_DRV} zram_read_page(), zram_bio_read(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("K2", "K8")

    folio: int
    index: int
    block: int = 0

    @step
    def lock(self, v: KernelView) -> Next:
        """Take the slot's lock; a page on the backing device is read without it."""
        waits = wait_for_slot(v, self.slot(v))
        if waits is not None:
            return waits
        place = v.at.zram.slot[self.slot(v)]
        if v[place].wb:
            self.block = v[place].handle
            return self.submit
        v[place] = evolve(v[place], locked=True)
        return self.decompress

    @step
    def decompress(self, v: KernelView) -> Next:
        """Fill the page with its word, or with what its object holds, and unlock the slot."""
        place = v.at.zram.slot[self.slot(v)]
        slot = v[place]
        v[place] = evolve(slot, locked=False)
        if slot.size and not slot.huge and v.fails(choices.DECOMPRESS):
            v[v.at.zram.count.failed_reads] += 1
            return Return(-errno.EINVAL)
        fill_page(v, self.folio, self.index, in_memory(v, slot))
        return self.touch

    @step
    def submit(self, v: KernelView) -> Next:
        """Have the backing device read the block."""
        place = v.at.zram.block[self.block]
        v[place] = evolve(v[place], io="read", folio=self.folio, index=self.index, failed=False)
        v[v.at.zram.count.bd_reads] += 1
        return self.wait_for_device

    @step
    def wait_for_device(self, v: KernelView) -> Next:
        """Wait until the block was read: the device under zram is not synchronous, whatever zram says (S13)."""
        place = v.at.zram.block[self.block]
        block = v[place]
        if block.io:
            return Wait(f"the read of block {self.block}")
        if block.failed:
            v[place] = evolve(block, failed=False)
            v[v.at.zram.count.failed_reads] += 1
            return Return(-errno.EIO)
        return self.touch

    @step
    def touch(self, v: KernelView) -> Next:
        """Note that the slot was used, which takes it from a pass of writeback that has selected it."""
        waits = wait_for_slot(v, self.slot(v))
        if waits is not None:
            return waits
        access(v, self.slot(v))
        return Return(0)

    def slot(self, v: KernelView) -> int:
        """Return the slot that the page is read from."""
        return self.the_folio(v).swap + self.index


@attrs.define
class ZramEndRead(Operation):
    """The backing device has read a block: it fills the page that it was told.

    block: that it reads.
    """

    source: ClassVar[str] = f"{_DRV} read_from_bdev(), Linux 6.12.117"

    block: int

    @step
    def fill(self, v: KernelView) -> Next:
        """Fill the page, or report the error."""
        place = v.at.zram.block[self.block]
        block = v[place]
        failed = v.fails(choices.BACKING_IO)
        if not failed:
            fill_page(v, block.folio, block.index, block.content)
        v[place] = ZramBlock(used=block.used, content=block.content, failed=failed)
        return Return()


@attrs.define
class ZramSwapRead(SwapRead):
    """Fill a locked folio from zram where neither zero bits nor zswap have it."""

    source: ClassVar[str] = "mm/page_io.c swap_read_folio_bdev_sync(), Linux 6.12.117"

    done: int = 0

    def owns(self, v: KernelView, step: str) -> Iterator[Any]:
        """Yield what the lock of the folio guards, but for its bytes while the backing device may write them."""
        reads = step == "page_read"
        return (each for each in SwapRead.owns(self, v, step) if not reads or each[1] != "contents")

    @step
    def read_device(self, v: KernelView) -> Next:
        """Read the next page."""
        return Call(v.ops.zram_read(folio=self.folio, index=self.done), self.page_read)

    @step
    def page_read(self, v: KernelView) -> Next:
        """Go on with the next page; unlock after the last, or leave a folio that cannot be filled not uptodate."""
        nr = len(self.the_folio(v).contents)
        self.done += 1
        if not self.result and self.done < nr:
            return self.read_device
        self.change(v, uptodate=not self.result, locked=False)
        v[v.at.vm.pswpin] += nr
        if v.cfg.options.memcg_counts_disk:
            v[v.at.mc[memcg.folio_memcg(v, self.the_folio(v))].pswpin] += nr
        return Return()
