"""Pages leave a process: zapping a range, dropping swap entries, exit (mm/memory.c, mm/swapfile.c, mm/mmap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.folio import get_folio, live_folio, lock_folio, put_folio, unlock_folio
from refmodel.kernel.mm import unmap_page, wait_for_ptl, wait_to_read_mmap, wait_to_write_mmap
from refmodel.kernel.state import EMPTY_PTE, Pte, Truth
from refmodel.kernel.swap_slots import slots_of
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class FreeSwapAndCache(Operation):
    """Drop the swap entries of a run of page-table entries, and cached copies that nobody needs any more.

    slot, nr: consecutive slots named by consecutive entries; the caller has the page-table lock.
    """

    source: ClassVar[str] = (
        "mm/swapfile.c free_swap_and_cache_nr() and __try_to_reclaim_swap(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    slot: int
    nr: int = 1
    reclaiming: tuple[int, ...] = ()
    folio: int = 0

    @step
    def put(self, v: KernelView) -> Next:
        """Drop the references."""
        self.reclaiming = tuple(range(self.slot, self.slot + self.nr))
        return Call(v.ops.swap_put_map(slot=self.slot, nr=self.nr), self.after_put)

    @step
    def after_put(self, v: KernelView) -> Next:
        """Where only the swap cache is left, reclaim its copies."""
        return self.reclaim_cache if self.result else Return()

    @step
    def reclaim_cache(self, v: KernelView) -> Next:
        """Take the next copy that no swap entry refers to out of the cache, if its lock is free.

        A copy that is mapped is left there, unless slots are scarce.
        """
        while self.reclaiming:
            slot, self.reclaiming = self.reclaiming[0], self.reclaiming[1:]
            number = v[v.at.swap_cache[slot]]
            folio = live_folio(v, number) if number else None
            if folio is None or folio.locked:
                continue
            if folio.rmap and not memcg.swap_full(v, memcg.folio_memcg(v, folio)):
                continue
            self.reclaiming = tuple(s for s in self.reclaiming if s not in slots_of(folio))
            get_folio(v, number)
            lock_folio(v, number)
            self.folio = number
            return Call(v.ops.folio_free_swap(folio=number), self.unlock)
        return Return()

    @step
    def unlock(self, v: KernelView) -> Next:
        """Unlock the folio and let go of it, which frees it if nothing else refers to it."""
        unlock_folio(v, self.folio)
        put_folio(v, self.folio)
        return self.reclaim_cache


@attrs.define
class ZapPages(Operation):
    """Take a range of pages out of a process: MADV_DONTNEED, munmap, exit.

    mm, page, nr: the range in pages.  Swap entries are dropped in runs of consecutive slots while the
    tables are walked; mapped folios are gathered and let go at the end.
    """

    source: ClassVar[str] = "mm/memory.c zap_pte_range(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1")

    mm: int
    page: int
    nr: int = 1
    next: int = 0
    gathered: tuple[int, ...] = ()

    @step
    def lock(self, v: KernelView) -> Next:
        """Take the mmap lock for reading, and the page-table lock for the walk."""
        waits = wait_to_read_mmap(v, self.mm) or wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        v[v.at.mmap_lock[self.mm]] += 1
        v[v.at.ptl[self.mm]] = True
        return self.walk

    @step
    def walk(self, v: KernelView) -> Next:
        """Zap entries up to and including the next run of swap entries.

        The reference of a page table to a folio passes to the gathering; without any left, the page-table
        lock is dropped first.
        """
        row = v.at.pte[self.mm]
        while self.next < self.nr:
            place = row[self.page + self.next]
            pte = v[place]
            if pte.slot:
                return self.zap_swap(v, pte)
            self.next += 1
            v[v.at.truth[self.mm][self.page + self.next - 1]] = Truth()
            if pte.folio:
                number = unmap_page(v, place)
                if number not in self.gathered:
                    get_folio(v, number)
                    self.gathered += (number,)
            elif pte.zeropage or pte.poisoned:
                v[place] = EMPTY_PTE
        v[v.at.ptl[self.mm]] = False
        return Call(v.ops.free_folios(folios=self.gathered), self.unlock)

    @step
    def unlock(self, v: KernelView) -> Next:
        """Drop the mmap lock."""
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return()

    def zap_swap(self, v: KernelView, pte: Pte) -> Next:
        """Drop a run of swap entries: consecutive slots in consecutive entries with the same mark."""
        row, start = v.at.pte[self.mm], self.next
        while self.next < self.nr:
            if v[row[self.page + self.next]] != evolve(pte, slot=pte.slot + self.next - start):
                break
            v[row[self.page + self.next]] = EMPTY_PTE
            v[v.at.truth[self.mm][self.page + self.next]] = Truth()
            self.next += 1
        return Call(v.ops.free_swap_and_cache(slot=pte.slot, nr=self.next - start), self.walk)


@attrs.define
class ExitChild(Operation):
    """The forked child of a process exits and drops its references.

    process: the parent.
    """

    source: ClassVar[str] = "mm/mmap.c exit_mmap(), Linux 6.12.117"

    process: int

    @step
    def exit(self, v: KernelView) -> Next:
        """Wait until the child's threads have left the kernel, then zap everything that it maps.

        From here on nobody takes the child for a living process, and until it is gone no other takes its
        place.
        """
        child = self.process + v.cfg.sizes.processes
        if not v[v.at.forked[self.process]]:
            return Return()
        waits = wait_to_write_mmap(v, child)
        if waits is not None:
            return waits
        v[v.at.forked[self.process]] = False
        v[v.at.mmap_lock[child]] += 1
        return Call(v.ops.zap_pages(mm=child, page=0, nr=v.cfg.sizes.pages), self.gone)

    @step
    def gone(self, v: KernelView) -> Next:
        """The address space is gone."""
        v[v.at.mmap_lock[self.process + v.cfg.sizes.processes]] -= 1
        return Return()
