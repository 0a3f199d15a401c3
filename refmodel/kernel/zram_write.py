"""A page is written to zram (drivers/block/zram/zram_drv.c zram_bio_write, zram_write_page)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import zsmalloc
from refmodel.kernel.acomp import run_compressor
from refmodel.kernel.acomp_ctx import lock_ctx, unlock_ctx
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, same_filled_word
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.kcompressd_submit import EndSwapWriteRotates
from refmodel.kernel.page_io import EndSwapWrite, SwapWriteDevice
from refmodel.kernel.state import Content
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zram_slot import access, free_slot, huge_class_size, pool_is_full, wait_for_slot
from refmodel.kernel.zram_state import EMPTY, POOL, ZramSlot
from refmodel.kernel.zswap_compress import object_node
from refmodel.machine import Call, Next, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_DRV = "drivers/block/zram/zram_drv.c"


def publish(v: KernelView, index: int, content: ZramSlot) -> None:
    """Put a page into a slot whose lock is free, in place of what it held, and count it (Z8)."""
    free_slot(v, index)
    place, count = v.at.zram.slot[index], v.at.zram.count
    v[place] = evolve(
        v[place],
        handle=content.handle,
        size=content.size,
        same=content.same,
        huge=content.huge,
        wb=content.wb,
    )
    v[count.pages_stored] += 1
    if content.huge:
        v[count.huge_pages] += 1
        v[count.huge_pages_since] += 1


@attrs.define
class ZramWrite(FolioOperation):
    """Write one page of a folio to its slot.

    folio, index: the page, which nobody changes meanwhile (stable writes).
    Value: 0, or a negative errno, after which the slot holds what it held.
    """

    source: ClassVar[str] = f"{_DRV} zram_write_page(), Linux 7.3.4"
    requirements: ClassVar[tuple[str, ...]] = ("B16", "K8")

    folio: int
    index: int
    cpu: int = 0
    made: ZramSlot = EMPTY
    """What the slot is to hold."""
    data: Content = None
    error: int = 0

    @step
    def check_same(self, v: KernelView) -> Next:
        """Keep a page that one word fills as that word: it takes no memory and no compression (Z1)."""
        word = same_filled_word(self.content(v))
        if word is None:
            return self.take_stream
        self.made = ZramSlot(handle=word, same=True)
        v[v.at.zram.count.same_pages] += 1
        return self.publish

    @step
    def take_stream(self, v: KernelView) -> Next:
        """Take the compression stream of the CPU, and stay on it (Z2)."""
        self.cpu = current_cpu(v)
        return self.hold_stream

    @step
    def hold_stream(self, v: KernelView) -> Next:
        """Wait until nobody else has the stream."""
        locked = lock_ctx(v, POOL, self.cpu)
        if isinstance(locked, Wait):
            return locked
        return self.compress

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the page; what comes out about as long as a page is stored as it is, in a page (Z3, Z4)."""
        outcome = run_compressor(v, POOL, self.content(v))
        if not isinstance(outcome, Compressed):
            self.error = -outcome.errno
            return self.drop_stream
        huge = outcome.length >= huge_class_size(v)
        self.made = ZramSlot(size=PAGE_SIZE if huge else outcome.length, huge=huge)
        self.data = self.content(v) if huge else outcome.data
        return self.allocate

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object; the holder of a stream may sleep here (Z5)."""
        return self.check_limit if self.malloc(v) else self.drop_stream

    @step
    def check_limit(self, v: KernelView) -> Next:
        """Give the object back where the pool is larger than its limit (Z6)."""
        if not pool_is_full(v):
            return self.copy
        zsmalloc.free(v, self.made.handle)
        self.error = -errno.ENOMEM
        return self.drop_stream

    @step
    def copy(self, v: KernelView) -> Next:
        """Copy the bytes into the object and let go of the stream (Z7)."""
        unlock_ctx(v, POOL, self.cpu)
        v[v.at.zram.count.compr_data_size] += self.made.size
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Free what the slot held and put the page there, under its lock (Z8)."""
        waits = wait_for_slot(v, self.slot(v))
        if waits is not None:
            return waits
        publish(v, self.slot(v), self.made)
        return self.touch

    @step
    def touch(self, v: KernelView) -> Next:
        """Note that the slot was used (Z9)."""
        waits = wait_for_slot(v, self.slot(v))
        if waits is not None:
            return waits
        access(v, self.slot(v))
        return Return(0)

    @step
    def drop_stream(self, v: KernelView) -> Next:
        """Let go of the stream; the page cannot be stored."""
        unlock_ctx(v, POOL, self.cpu)
        return self.fail

    @step
    def fail(self, v: KernelView) -> Next:
        """Answer the error; the slot holds what it held."""
        v[v.at.zram.count.failed_writes] += 1
        return Return(self.error)

    def slot(self, v: KernelView) -> int:
        """Return the slot that the page goes to."""
        return self.the_folio(v).swap + self.index

    def content(self, v: KernelView) -> Content:
        """Return the page."""
        return self.the_folio(v).contents[self.index]

    def malloc(self, v: KernelView) -> bool:
        """Allocate an object of the compressed length; return whether there was memory."""
        node = object_node(v, self.cpu, self.folio)
        handle = zsmalloc.malloc(v, POOL, self.made.size, self.data, node)
        if handle < 0:
            self.error = handle
            return False
        self.made = evolve(self.made, handle=handle)
        return True


@attrs.define
class ZramWrite612(ZramWrite):
    """Write one page of a folio to its slot, with a stream whose holder may not sleep."""

    source: ClassVar[str] = f"{_DRV} zram_write_page(), Linux 6.12.117"

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object without waiting for memory (Z5)."""
        return self.check_limit if self.malloc(v) else self.drop_stream_and_wait

    @step
    def drop_stream_and_wait(self, v: KernelView) -> Next:
        """Let go of the stream, for an allocation that may wait may sleep (Z5b)."""
        unlock_ctx(v, POOL, self.cpu)
        v[v.at.zram.count.writestall] += 1
        return self.allocate_slowly

    @step
    def allocate_slowly(self, v: KernelView) -> Next:
        """Allocate an object, waiting for memory but for no I/O."""
        return self.take_stream_again if self.malloc(v) else self.fail

    @step
    def take_stream_again(self, v: KernelView) -> Next:
        """Take a stream once more and compress once more, for its buffer was somebody else's meanwhile.

        The same page gives the same bytes.
        """
        self.cpu = current_cpu(v)
        return self.hold_stream_again

    @step
    def hold_stream_again(self, v: KernelView) -> Next:
        """Wait until nobody else has the stream."""
        locked = lock_ctx(v, POOL, self.cpu)
        if isinstance(locked, Wait):
            return locked
        return self.check_limit


@attrs.define
class ZramBioWrite(FolioOperation):
    """A bio writes the pages of a folio to zram, one after the other.

    Value: 0, or the error of the first page that cannot be stored; the pages before it are stored, those after it
    are not tried.
    """

    source: ClassVar[str] = f"{_DRV} zram_bio_write(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("B16",)

    folio: int
    done: int = 0

    @step
    def write_page(self, v: KernelView) -> Next:
        """Write the next page."""
        return Call(v.ops.zram_write(folio=self.folio, index=self.done), self.written)

    @step
    def written(self, v: KernelView) -> Next:
        """Go on with the next page, unless this one could not be stored."""
        self.done += 1
        if self.result or self.done == len(self.the_folio(v).contents):
            return Return(self.result)
        return self.write_page


@attrs.define
class ZramSwapWriteDevice(SwapWriteDevice):
    """Submit a locked folio to zram and unlock it.

    Zram completes a bio before its submission returns, whatever its flags say of writes (W7a, W7b).
    """

    source: ClassVar[str] = f"mm/page_io.c __swap_writepage(), {_DRV} zram_submit_bio(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("K2",)

    @step
    def submit(self, v: KernelView) -> Next:
        """Count the pages, start writeback, unlock; then zram stores them."""
        self.begin_write(v)
        return Call(v.ops.end_swap_write(folio=self.folio))


@attrs.define
class ZramEndSwapWrite(EndSwapWrite):
    """A folio is written to zram, which ends where it began: zram completes a bio before its submission returns.

    A failed write makes the folio dirty again, so that its bytes are not lost.
    """

    source: ClassVar[str] = f"{_DRV} zram_submit_bio(), mm/page_io.c __end_swap_bio_write(), Linux 6.12.117"
    first: ClassVar[str] = "write"

    @step
    def write(self, v: KernelView) -> Next:
        """Write the pages."""
        return Call(v.ops.zram_bio_write(folio=self.folio), self.complete)

    def is_written(self, v: KernelView) -> bool:
        """Return whether all pages were stored."""
        return not self.result


@attrs.define
class ZramEndSwapWriteRotates(ZramEndSwapWrite, EndSwapWriteRotates):
    """A folio is written to zram, and goes to the cold end of its list if reclaim asked for that (K3)."""

    requirements: ClassVar[tuple[str, ...]] = ("K3",)
