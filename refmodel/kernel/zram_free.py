"""Zram is told of swap slots that became free (drivers/block/zram/zram_drv.c zram_slot_free_notify)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.swap_slots import SwapRangeFree73, SwapRangeFree612
from refmodel.kernel.zram_slot import free_slot
from refmodel.machine import Call, Next, Operation, Return, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_NOTIFY = "drivers/block/zram/zram_drv.c zram_slot_free_notify(), Linux 6.12.117"


@attrs.define
class ZramSlotFreeNotify(Operation):
    """A swap slot is free: its page need not be kept.

    slot: which one.  The caller holds locks that spin, so nobody waits here: a slot whose lock is taken keeps its
    page until it is written again, or freed again.
    """

    source: ClassVar[str] = _NOTIFY
    requirements: ClassVar[tuple[str, ...]] = ("S8",)

    slot: int

    @step
    def free(self, v: KernelView) -> Next:
        """Empty the slot if its lock is free; count a miss if not."""
        v[v.at.zram.count.notify_free] += 1
        if v[v.at.zram.slot[self.slot]].locked:
            v[v.at.zram.count.miss_free] += 1
            v.emit("zram_miss_free", slot=self.slot)
        else:
            free_slot(v, self.slot)
        return Return()


@attrs.define
class ZramSwapRangeFree612(SwapRangeFree612):
    """Make a run of slots free, and tell zram about each of them before any can be handed out."""

    source: ClassVar[str] = f"mm/swapfile.c swap_range_free(), {_NOTIFY}"
    first: ClassVar[str] = "notify"

    told: int = 0
    """Slots that zram was told about."""

    @step
    def notify(self, v: KernelView) -> Next:
        """Tell zram about the next slot."""
        if self.told == self.nr:
            return self.release
        self.told += 1
        return Call(v.ops.zram_slot_free_notify(slot=self.slot + self.told - 1), self.notify)


@attrs.define
class ZramSwapRangeFree73(SwapRangeFree73):
    """Make a run of slots free, and tell zswap and zram about each of them before any can be handed out."""

    source: ClassVar[str] = f"mm/swapfile.c swap_range_free(), Linux 7.3.4, {_NOTIFY}"

    told: int = 0
    """Slots that zram was told about."""

    @step
    def invalidate(self, v: KernelView) -> Next:
        """Tell zswap about the next slot, after the last of them zram."""
        return self.notify if self.done == self.nr else SwapRangeFree73.invalidate(self, v)

    @step
    def notify(self, v: KernelView) -> Next:
        """Tell zram about the next slot."""
        if self.told == self.nr:
            return self.release
        self.told += 1
        return Call(v.ops.zram_slot_free_notify(slot=self.slot + self.told - 1), self.notify)
