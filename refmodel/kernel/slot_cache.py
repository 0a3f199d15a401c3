"""Emptying the per-CPU caches of freed swap slots (mm/swap_slots.c, 6.1 and 6.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.machine import Call, Next, Operation, Return, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class DrainSlotCache612(Operation):
    """Free the slots that wait in the cache of one CPU, oldest first.

    cpu: which one.
    """

    source: ClassVar[str] = "mm/swap_slots.c drain_slots_cache_cpu(), Linux 6.12.117"

    cpu: int
    slots: tuple[int, ...] = ()

    @step
    def take(self, v: KernelView) -> Next:
        """Take the slots out of the cache."""
        self.slots, v[v.at.slot_cache[self.cpu]] = v[v.at.slot_cache[self.cpu]], ()
        self.tell(v)
        return self.free_slot

    @step
    def free_slot(self, v: KernelView) -> Next:
        """Free the next slot."""
        if not self.slots:
            return Return()
        slot, self.slots = self.slots[0], self.slots[1:]
        return Call(v.ops.swap_range_free(slot=slot, nr=1), self.free_slot)

    def tell(self, v: KernelView) -> None:
        """Observers of 6.12 see each slot become free."""


@attrs.define
class DrainSlotCache61(DrainSlotCache612):
    """Free the slots that wait in the cache of one CPU; frontswap is told only now (6.1)."""

    source: ClassVar[str] = "mm/swap_slots.c drain_slots_cache_cpu(), Linux 6.1.192"

    def tell(self, v: KernelView) -> None:
        """Observers of 6.1 see how many are freed at a time."""
        if self.slots:
            v.emit("swapcache_free", nr=len(self.slots))
