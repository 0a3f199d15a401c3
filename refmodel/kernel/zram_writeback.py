"""Pages go from zram to its backing device (drivers/block/zram/zram_drv.c idle_store, writeback_store).

A pass selects slots, reads each into a page of its own, lets go of the slot, writes the page, and then looks whether
the slot still holds what it has written.  Between the two looks the slot may be freed, written again or read.

Left out: how many pages may be written (writeback_limit), and slots that recompression has marked incompressible.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.state import Content
from refmodel.kernel.zram_slot import alloc_block, free_block, in_memory, is_allocated, wait_for_slot
from refmodel.kernel.zram_state import ZramBlock, ZramPass, ZramSlot
from refmodel.kernel.zram_write import publish
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_DRV = "drivers/block/zram/zram_drv.c"

MODES = ("idle", "huge", "huge_idle")
"""What the file ``writeback`` takes: slots that are idle, huge, or both."""


def wants(mode: str, slot: ZramSlot) -> bool:
    """Whether a mode of writeback selects a slot: one whose page is in the pool and that no pass has."""
    if not slot.size or slot.wb or slot.selected:
        return False
    return (slot.idle or mode == "huge") and (slot.huge or mode == "idle")


@attrs.define
class ZramIdle(Operation):
    """Every slot is marked idle; one that is used afterwards loses the mark."""

    source: ClassVar[str] = f"{_DRV} idle_store(), Linux 6.12.117"

    index: int = 0

    @step
    def mark(self, v: KernelView) -> Next:
        """Mark the next slot with a page in the pool; one under writeback is left alone.

        Its mark says that nobody has used it since it was selected.
        """
        index = self.index + 1
        if index == len(v.at.zram.slot):
            return Return(0)
        waits = wait_for_slot(v, index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[index]
        if v[place].size and not v[place].selected:
            v[place] = evolve(v[place], idle=True)
        self.index = index
        return self.mark


@attrs.define
class ZramWriteback(Operation):
    """A pass of writeback over all slots, one page at a time.

    mode: one of ``MODES``.
    Value: 0; -ENODEV without a backing device, -EAGAIN while another pass is under way, -ENOSPC when the backing
    device is full, -EIO when a write failed.
    """

    source: ClassVar[str] = f"{_DRV} writeback_store(), Linux 6.12.117"

    mode: str
    index: int = 0
    block: int = 0
    """A block that was taken and not used yet."""
    bounce: Content = None
    error: int = 0

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin, if there is a backing device, unless another pass has begun (R05)."""
        if not v.at.zram.block:
            return Return(-errno.ENODEV)
        if v[v.at.zram.busy]:
            return Return(-errno.EAGAIN)
        v[v.at.zram.busy] = True
        return self.take_block

    @step
    def take_block(self, v: KernelView) -> Next:
        """Take a block for the next page."""
        self.index += 1
        if self.index == len(v.at.zram.slot):
            return self.end
        self.block = self.block or alloc_block(v)
        if self.block:
            return self.select
        self.error = -errno.ENOSPC
        return self.end

    @step
    def select(self, v: KernelView) -> Next:
        """Take the slot's lock; mark a slot that is wanted, also as idle: whoever uses it takes that mark away."""
        waits = wait_for_slot(v, self.index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[self.index]
        if not wants(self.mode, v[place]):
            return self.take_block
        v[place] = evolve(v[place], selected=True, idle=True, locked=True)
        return self.read

    @step
    def read(self, v: KernelView) -> Next:
        """Decompress the page into one of the pass's own, and let go of the slot."""
        place = v.at.zram.slot[self.index]
        slot = v[place]
        if not slot.huge and v.fails(choices.DECOMPRESS):
            v[place] = evolve(slot, selected=False, idle=False, locked=False)
            return self.take_block
        self.bounce = in_memory(v, slot)
        v[place] = evolve(slot, locked=False)
        return self.write

    @step
    def write(self, v: KernelView) -> Next:
        """Write the page to the block."""
        if v.fails(choices.BACKING_IO):
            self.error = -errno.EIO
            return self.deselect
        place = v.at.zram.block[self.block]
        v[place] = evolve(v[place], content=self.bounce)
        v[v.at.zram.count.bd_writes] += 1
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Leave the page to the block, if the slot holds it and nobody has used it; else keep what is there."""
        waits = wait_for_slot(v, self.index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[self.index]
        if self.is_mine(v[place]):
            publish(v, self.index, ZramSlot(handle=self.block, wb=True))
            self.block = 0
        v[place] = evolve(v[place], selected=False, idle=False)
        return self.take_block

    @step
    def deselect(self, v: KernelView) -> Next:
        """Take the marks off a slot whose page could not be written; the block serves the next page."""
        waits = wait_for_slot(v, self.index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[self.index]
        v[place] = evolve(v[place], selected=False, idle=False)
        return self.take_block

    @step
    def end(self, v: KernelView) -> Next:
        """Give a block back that was not used, and let another pass begin."""
        if self.block:
            free_block(v, self.block)
        v[v.at.zram.busy] = False
        return Return(self.error)

    def is_mine(self, slot: ZramSlot) -> bool:
        """Whether a slot holds what the pass has read: it is idle still, and was not freed."""
        return is_allocated(slot) and slot.idle


@attrs.define
class ZramWritebackBatch(ZramWriteback):
    """A pass of writeback that has several writes under way (6.19 and later).

    It marks all that is wanted first.  A mark goes when its slot is freed, written or read, and no other pass can set
    one: so the mark alone says that the slot holds what was read.
    """

    source: ClassVar[str] = (
        f"{_DRV} zram_writeback_slots(), zram: introduce writeback bio batching (in 7.3.4 UNVERIFIED)"
    )

    wanted: tuple[int, ...] = ()
    """Slots that are marked and not seen to."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin, if there is a backing device, unless another pass has begun (R05); allocate the control block."""
        following = ZramWriteback.begin(self, v)
        if isinstance(following, Return):
            return following
        v[v.at.zram.ctl] = ZramPass(live=True)
        return self.scan

    @step
    def scan(self, v: KernelView) -> Next:
        """Mark the next slot that is wanted."""
        index = self.index + 1
        if index == len(v.at.zram.slot):
            return self.next_slot
        waits = wait_for_slot(v, index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[index]
        if wants(self.mode, v[place]):
            v[place] = evolve(v[place], selected=True)
            self.wanted = (*self.wanted, index)
        self.index = index
        return self.scan

    @step
    def next_slot(self, v: KernelView) -> Next:
        """Go on with the next marked slot, or see to a write that has ended where as many as may be are under way."""
        under_way = v[v.at.zram.ctl].inflight
        if under_way == v.at.zram.requests or (under_way and not self.wanted):
            return self.wait_for_write
        if not self.wanted:
            return self.free_ctl
        self.index, self.wanted = self.wanted[0], self.wanted[1:]
        return self.take_block

    @step
    def take_block(self, v: KernelView) -> Next:
        """Take a block for the page; without one take the marks off what is left."""
        self.block = alloc_block(v)
        if self.block:
            return self.select
        self.error = -errno.ENOSPC
        self.wanted = (self.index, *self.wanted)
        return self.unmark

    @step
    def unmark(self, v: KernelView) -> Next:
        """Take the mark off the next slot that is left."""
        if not self.wanted:
            return self.next_slot
        waits = wait_for_slot(v, self.wanted[0])
        if waits is not None:
            return waits
        place = v.at.zram.slot[self.wanted[0]]
        v[place] = evolve(v[place], selected=False)
        self.wanted = self.wanted[1:]
        return self.unmark

    @step
    def select(self, v: KernelView) -> Next:
        """Take the slot's lock, if it is marked still."""
        waits = wait_for_slot(v, self.index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[self.index]
        if not v[place].selected:
            free_block(v, self.block)
            return self.next_slot
        v[place] = evolve(v[place], locked=True)
        return self.read

    @step
    def read(self, v: KernelView) -> Next:
        """Decompress the page into one of the pass's own, and let go of the slot."""
        place = v.at.zram.slot[self.index]
        slot = v[place]
        if not slot.huge and v.fails(choices.DECOMPRESS):
            v[place] = evolve(slot, selected=False, locked=False)
            free_block(v, self.block)
            return self.next_slot
        self.bounce = in_memory(v, slot)
        v[place] = evolve(slot, locked=False)
        return self.write

    @step
    def write(self, v: KernelView) -> Next:
        """Submit the write, and do not wait for it."""
        place, ctl = v.at.zram.block[self.block], v.at.zram.ctl
        v[place] = evolve(v[place], io="write", slot=self.index, bounce=self.bounce, failed=False)
        v[ctl] = evolve(v[ctl], inflight=v[ctl].inflight + 1)
        self.bounce = None
        return self.next_slot

    @step
    def wait_for_write(self, v: KernelView) -> Next:
        """Take a write that has ended, waiting for one."""
        ctl = v.at.zram.ctl
        done = v[ctl].done
        if not done:
            return Wait("a write to the backing device")
        v[ctl] = evolve(v[ctl], done=done[1:], inflight=v[ctl].inflight - 1)
        self.block, self.index = done[0], v[v.at.zram.block[done[0]]].slot
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Leave the page to the block, if the slot has its mark; else, or after an error, give the block back."""
        waits = wait_for_slot(v, self.index)
        if waits is not None:
            return waits
        place, block = v.at.zram.slot[self.index], v[v.at.zram.block[self.block]]
        v[v.at.zram.block[self.block]] = ZramBlock(used=True, content=block.content)
        if block.failed:
            self.error = -errno.EIO
        else:
            v[v.at.zram.count.bd_writes] += 1
        if v[place].selected and not block.failed:
            publish(v, self.index, ZramSlot(handle=self.block, wb=True))
        else:
            free_block(v, self.block)
        v[place] = evolve(v[place], selected=False)
        return self.next_slot

    @step
    def free_ctl(self, v: KernelView) -> Next:
        """Free the control block when no completion looks at it any more, which RCU sees to (R03)."""
        if v[v.at.zram.ctl].completing:
            return Wait("a grace period: completions that look at the control block")
        v[v.at.zram.ctl] = ZramPass()
        return self.end

    @step
    def end(self, v: KernelView) -> Next:
        """Let another pass begin."""
        v[v.at.zram.busy] = False
        return Return(self.error)


@attrs.define
class ZramWritebackEndio(Operation):
    """The backing device has written a block for a pass.

    block: that it wrote.
    """

    source: ClassVar[str] = f"{_DRV} zram_writeback_endio(), zram: fix use-after-free in zram_writeback_endio"

    block: int

    @step
    def done(self, v: KernelView) -> Next:
        """Write the page; put the request on the list of those that are done, inside an RCU read section."""
        place, ctl = v.at.zram.block[self.block], v.at.zram.ctl
        block, failed = v[place], v.fails(choices.BACKING_IO)
        content = block.content if failed else block.bounce
        v[place] = evolve(block, io="", content=content, bounce=None, failed=failed)
        v[ctl] = evolve(v[ctl], done=(*v[ctl].done, self.block), completing=v[ctl].completing + 1)
        return self.wake

    @step
    def wake(self, v: KernelView) -> Next:
        """Wake the pass, whose wait queue is in the control block."""
        ctl = v.at.zram.ctl
        if not v[ctl].live:
            raise KernelBug(
                "zram_writeback_endio: the control block of the pass was freed; expected it allocated"
            )
        v[ctl] = evolve(v[ctl], completing=v[ctl].completing - 1)
        return Return()


def backing_work(v: KernelView) -> Operation | None:
    """Return what the backing device ends next, None while it has nothing to do."""
    for number, place in enumerate(v.at.zram.block):
        work = block_work(v, number) if v[place].io else None
        if work is not None:
            return work
    return None


def block_work(v: KernelView, number: int) -> Operation | None:
    """Return what ends the bio of a block, None without one."""
    made: Operation | None = None
    match v[v.at.zram.block[number]].io:
        case "read":
            made = v.ops.zram_end_read(block=number)
        case "write":
            made = v.ops.zram_writeback_endio(block=number)
    return made
