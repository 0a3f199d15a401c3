"""What a process says about its pages: MADV_FREE, MADV_WILLNEED, MADV_PAGEOUT (mm/madvise.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.folio import isolate_folio, live_folio, lock_folio, put_folio, unlock_folio
from refmodel.kernel.mm import memcg_of, nodes_of, wait_for_ptl, wait_to_read_mmap
from refmodel.kernel.state import EMPTY_PTE, Pte, Truth
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class MadviseFree(Operation):
    """MADV_FREE of one page: it may be dropped instead of written while it stays clean.

    mm, page: which one.
    """

    source: ClassVar[str] = "mm/madvise.c madvise_free_pte_range(), Linux 6.12.117"

    mm: int
    page: int
    folio: int = 0

    @step
    def look(self, v: KernelView) -> Next:
        """Drop a swap entry or the mark of a lost page; of a mapped page free the slots first, if it has any.

        The mmap lock is taken for reading, and the page-table lock is held to the end.
        """
        waits = wait_to_read_mmap(v, self.mm) or wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        if pte.slot or pte.poisoned:
            v[place] = EMPTY_PTE
            v[v.at.truth[self.mm][self.page]] = Truth()
        if pte.slot:
            self.take_locks(v)
            return Call(v.ops.free_swap_and_cache(slot=pte.slot), then=self.unlock)
        if not pte.folio:
            return Return()
        folio = live_folio(v, pte.folio)
        if len(folio.rmap) != 1 or folio.locked:
            return Return()
        self.take_locks(v)
        self.folio = pte.folio
        lock_folio(v, self.folio)
        if folio.swapcache:
            return Call(v.ops.folio_free_swap(folio=self.folio), then=self.mark)
        self.result = True
        return self.mark

    @step
    def mark(self, v: KernelView) -> Next:
        """Make the page clean and droppable; a page whose slots are still in use stays as it is."""
        unlock_folio(v, self.folio)
        if self.result:
            place = v.at.pte[self.mm][self.page]
            v[v.at.folio[self.folio]] = evolve(live_folio(v, self.folio), dirty=False, swapbacked=False)
            v[place] = evolve(v[place], dirty=False)
        return self.unlock

    @step
    def unlock(self, v: KernelView) -> Next:
        """Drop the locks."""
        v[v.at.ptl[self.mm]] = False
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return()

    def take_locks(self, v: KernelView) -> None:
        """Take the mmap lock for reading and the page-table lock."""
        v[v.at.mmap_lock[self.mm]] += 1
        v[v.at.ptl[self.mm]] = True


@attrs.define
class MadviseWillneed(Operation):
    """MADV_WILLNEED of one page: read it into the swap cache without mapping it.

    mm, page: which one.
    """

    source: ClassVar[str] = "mm/madvise.c swapin_walk_pmd_entry(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    mm: int
    page: int

    @step
    def read_ahead(self, v: KernelView) -> Next:
        """Have the slot of a swap entry read, with the mmap lock for reading and no other."""
        waits = wait_to_read_mmap(v, self.mm)
        if waits is not None:
            return waits
        slot = v[v.at.pte[self.mm][self.page]].slot
        if not slot:
            return Return()
        v[v.at.mmap_lock[self.mm]] += 1
        nodes, memcg = nodes_of(v, self.mm), memcg_of(v, self.mm)
        return Call(v.ops.read_swap_cache_async(slot=slot, nodes=nodes, memcg=memcg), then=self.put_folio)

    @step
    def put_folio(self, v: KernelView) -> Next:
        """Let go of the folio, which stays in the swap cache, and drop the mmap lock."""
        if self.result > 0:
            put_folio(v, self.result)
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return()


@attrs.define
class MadvisePageout(Operation):
    """MADV_PAGEOUT: reclaim the folios that a range of a process's pages maps, whatever their age.

    mm: whose pages.  page, nr: the range in pages.
    Folios that another process maps too are left alone; a large folio that is only partly mapped in
    the range is split first.
    """

    source: ClassVar[str] = "mm/madvise.c madvise_cold_or_pageout_pte_range(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1",)

    mm: int
    page: int
    nr: int = 1
    next: int = 0
    folios: tuple[int, ...] = ()
    splitting: int = 0

    @step
    def lock(self, v: KernelView) -> Next:
        """Take the mmap lock for reading, to the end."""
        waits = wait_to_read_mmap(v, self.mm)
        if waits is not None:
            return waits
        v[v.at.mmap_lock[self.mm]] += 1
        return self.collect

    @step
    def collect(self, v: KernelView) -> Next:
        """Take the mapped folios of the range off their LRU, up to one that has to be split.

        The page-table lock makes this one step.  What another reclaim has isolated is passed by.
        """
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        while self.next < self.nr:
            pte = v[v.at.pte[self.mm][self.page + self.next]]
            if not pte.folio:
                self.next += 1
                continue
            folio = live_folio(v, pte.folio)
            size = len(folio.contents)
            if size > 1 and not self.maps_whole(v, pte):
                if folio.locked:
                    self.next += 1
                    continue
                self.splitting = pte.folio
                v[v.at.folio[pte.folio]] = evolve(folio, locked=True, refs=folio.refs + 1)
                return Call(v.ops.split_folio(folio=pte.folio), then=self.unlock_split)
            if len(folio.rmap) == size and isolate_folio(v, pte.folio):
                self.folios += (pte.folio,)
            self.next += size
        return self.reclaim

    @step
    def unlock_split(self, v: KernelView) -> Next:
        """Unlock what was the folio's first page, drop it if nothing maps it, look at the range again.

        A folio that could not be split is passed by.
        """
        unlock_folio(v, self.splitting)
        if self.result is None:
            self.next += 1
        return Call(v.ops.free_folios(folios=(self.splitting,)), then=self.collect)

    @step
    def reclaim(self, v: KernelView) -> Next:
        """Reclaim the next folio."""
        if not self.folios:
            v[v.at.mmap_lock[self.mm]] -= 1
            return Return()
        number, self.folios = self.folios[0], self.folios[1:]
        return Call(v.ops.shrink_folio(folio=number, isolated=True), then=self.after_reclaim)

    @step
    def after_reclaim(self, v: KernelView) -> Next:
        """Pages of a folio that was split on the way are next."""
        self.folios = (*self.result, *self.folios)
        return self.reclaim

    def maps_whole(self, v: KernelView, pte: Pte) -> bool:
        """Whether the range maps the whole large folio that begins here."""
        folio = live_folio(v, pte.folio)
        size = len(folio.contents)
        if pte.index or self.next + size > self.nr:
            return False
        rows = v.at.pte[self.mm][self.page + self.next : self.page + self.next + size]
        return all(v[place].folio == pte.folio for place in rows)
