"""A process forks (mm/memory.c)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.mm import map_page, wait_for_ptl, wait_to_write_mmap
from refmodel.kernel.state import SwapSlot
from refmodel.machine import Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class Fork(Operation):
    """A process forks: the child gets a reference to every page and to every slot.

    process: which one.  Value: None, or -EAGAIN while its child lives: the model has room for one.
    """

    source: ClassVar[str] = "mm/memory.c copy_pte_range(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    process: int
    page: int = 0

    @step
    def lock(self, v: KernelView) -> Next:
        """Take the mmap locks of both for writing: no fault of either runs until all entries are copied."""
        if v[v.at.forked[self.process]]:
            return Return(-errno.EAGAIN)
        child = self.process + v.cfg.sizes.processes
        waits = wait_to_write_mmap(v, self.process) or wait_to_write_mmap(v, child)
        if waits is not None:
            return waits
        v[v.at.mmap_writer[self.process]] = v[v.at.mmap_writer[child]] = True
        return self.copy_entry

    @step
    def copy_entry(self, v: KernelView) -> Next:
        """Copy the next page-table entry; afterwards neither side is the page's only owner.

        Reclaim and swapoff change entries without the mmap lock, so each copy takes the page-table lock.
        """
        rows = v.at.pte
        mm = self.process + v.cfg.sizes.processes
        child = rows[mm]
        if self.page == len(child):
            v[v.at.forked[self.process]] = True
            v[v.at.mmap_writer[self.process]] = v[v.at.mmap_writer[mm]] = False
            return Return()
        waits = wait_for_ptl(v, self.process)
        if waits is not None:
            return waits
        place = rows[self.process][self.page]
        pte = evolve(v[place], exclusive=False)
        v[place] = pte
        if pte.slot:
            slot: SwapSlot = v[v.at.slot[pte.slot]]
            v[v.at.slot[pte.slot]] = evolve(slot, count=slot.count + 1)
        if pte.folio:
            map_page(v, child[self.page], pte.folio, pte)
        else:
            v[child[self.page]] = pte
        truth = v.at.truth
        v[truth[mm][self.page]] = v[truth[self.process][self.page]]
        self.page += 1
        return self.copy_entry
