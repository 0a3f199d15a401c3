"""What a process says about its pages: MADV_FREE, MADV_WILLNEED, MADV_PAGEOUT (mm/madvise.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.folio import isolate_folio, live_folio, lock_folio, put_folio, unlock_folio
from refmodel.kernel.mm import memcg_of, mm_of, nodes_of, wait_for_ptl, wait_to_read_mmap
from refmodel.kernel.state import EMPTY_PTE, Folio, Pte, Truth
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class MadviseFree(Operation):
    """MADV_FREE: pages may be dropped instead of written while they stay clean.

    mm, page, nr: the range in pages.  Swap entries are dropped in runs of consecutive slots.
    """

    source: ClassVar[str] = "mm/madvise.c madvise_free_pte_range(), Linux 6.12.117"

    mm: int
    page: int
    nr: int = 1
    next: int = 0
    folio: int = 0
    held: bool = False
    """Whether the locks are taken: they are with the first entry that something is to be done with."""

    @step
    def look(self, v: KernelView) -> Next:
        """Drop swap entries and the marks of lost pages; of a mapped page free the slots first, if it has any.

        The mmap lock is taken for reading, and the page-table lock is held to the end.
        """
        waits = None if self.held else wait_to_read_mmap(v, self.mm) or wait_for_ptl(v, self.mm)
        return waits if waits is not None else self.walk(v)

    @step
    def mark(self, v: KernelView) -> Next:
        """Make the page clean and droppable; a page whose slots are still in use stays as it is.

        A folio that reclaim has taken off its LRU list, or that has slots, stays backed by swap
        (lru_lazyfree() in mm/swap.c): reclaim may be past the look whether it can drop the folio.
        """
        if self.folio:
            unlock_folio(v, self.folio)
        if self.result:
            place = v.at.pte[self.mm][self.page + self.next - 1]
            v[place] = evolve(v[place], dirty=False)
            number = v[place].folio
            folio = live_folio(v, number)
            kept = folio.swapbacked and (folio.swapcache or not folio.lru)
            v[v.at.folio[number]] = evolve(folio, dirty=folio.dirty and not self.folio, swapbacked=kept)
        return self.following()

    @step
    def unlock(self, v: KernelView) -> Next:
        """Drop the locks."""
        v[v.at.ptl[self.mm]] = False
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return()

    def following(self) -> Next:
        """Return what comes next under the locks."""
        return self.unlock if self.next == self.nr else self.look

    def walk(self, v: KernelView) -> Next:
        """Pass by entries up to one that something is to be done with, and begin with that."""
        row = v.at.pte[self.mm]
        while self.next < self.nr:
            pte = v[row[self.page + self.next]]
            folio = live_folio(v, pte.folio) if pte.folio else None
            if pte.slot or (folio is not None and self.can_give_up(folio)):
                self.take_locks(v)
                return self.drop_run(v, pte) if pte.slot else self.give_up(v, pte.folio)
            if pte.poisoned:
                self.empty(v)
            else:
                self.next += 1
        return self.unlock if self.held else Return()

    def give_up(self, v: KernelView, number: int) -> Next:
        """Lock the folio of a mapped page if it is dirty or has slots, which are freed first."""
        self.next += 1
        folio = live_folio(v, number)
        self.folio = number if folio.swapcache or folio.dirty else 0
        if self.folio:
            lock_folio(v, number)
        if folio.swapcache:
            return Call(v.ops.folio_free_swap(folio=number), self.mark)
        self.result = True
        return self.mark

    def can_give_up(self, folio: Folio) -> bool:
        """Whether a page can be marked: a dirty or cached folio only while nobody shares or locks it.

        A folio that is neither is marked although others map it: their marks of writes keep it.
        A large folio is passed by.
        """
        alone = len(folio.rmap) == 1 and not folio.locked
        return len(folio.contents) == 1 and (alone or not (folio.swapcache or folio.dirty))

    def drop_run(self, v: KernelView, pte: Pte) -> Next:
        """Drop a run of swap entries: consecutive slots in consecutive entries with the same mark."""
        row, start = v.at.pte[self.mm], self.next
        while self.next < self.nr:
            if v[row[self.page + self.next]] != evolve(pte, slot=pte.slot + self.next - start):
                break
            self.empty(v)
        run = v.ops.free_swap_and_cache(slot=pte.slot, nr=self.next - start)
        return Call(run, self.unlock if self.next == self.nr else self.look)

    def empty(self, v: KernelView) -> None:
        """Empty the next entry."""
        page = self.page + self.next
        v[v.at.pte[self.mm][page]] = EMPTY_PTE
        v[v.at.truth[self.mm][page]] = Truth()
        self.next += 1

    def take_locks(self, v: KernelView) -> None:
        """Take the mmap lock for reading and the page-table lock, if they are not taken."""
        if not self.held:
            v[v.at.mmap_lock[self.mm]] += 1
            v[v.at.ptl[self.mm]] = self.held = True


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
        return Call(v.ops.read_swap_cache_async(slot=slot, nodes=nodes, memcg=memcg), self.put_folio)

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
    the range is split first, unless another process may map it.
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
                if folio.locked or self.may_be_shared(v, folio):
                    self.next += 1
                    continue
                self.splitting = pte.folio
                v[v.at.folio[pte.folio]] = evolve(folio, locked=True, refs=folio.refs + 1)
                return Call(v.ops.split_folio(folio=pte.folio), self.unlock_split)
            if len(folio.rmap) == size and isolate_folio(v, pte.folio):
                self.folios += (pte.folio,)
            self.next += size
        return self.reclaim

    @step
    def unlock_split(self, v: KernelView) -> Next:
        """Unlock what was the folio's first page, give up the reference, look at the range again.

        A first page that only the swap cache holds stays there.  A folio that could not be split is passed by.
        """
        unlock_folio(v, self.splitting)
        put_folio(v, self.splitting)
        if self.result is None:
            self.next += 1
        return self.collect

    @step
    def reclaim(self, v: KernelView) -> Next:
        """Reclaim the next folio."""
        if not self.folios:
            v[v.at.mmap_lock[self.mm]] -= 1
            return Return()
        number, self.folios = self.folios[0], self.folios[1:]
        return Call(v.ops.shrink_folio(folio=number, isolated=True), self.after_reclaim)

    @step
    def after_reclaim(self, v: KernelView) -> Next:
        """Pages of a folio that was split on the way are next."""
        self.folios = (*self.result, *self.folios)
        return self.reclaim

    def may_be_shared(self, v: KernelView, folio: Folio) -> bool:
        """Guess from the first page whether others map a large folio (folio_likely_mapped_shared)."""
        first = sum(v[place].index == 0 for place in folio.rmap)
        return len(folio.rmap) > len(folio.contents) or first > 1

    def maps_whole(self, v: KernelView, pte: Pte) -> bool:
        """Whether the range maps the whole large folio that begins here."""
        folio = live_folio(v, pte.folio)
        size = len(folio.contents)
        if pte.index or self.next + size > self.nr:
            return False
        rows = v.at.pte[self.mm][self.page + self.next : self.page + self.next + size]
        return all(v[place].folio == pte.folio for place in rows)


@attrs.define
class MadvisePageout618(MadvisePageout):
    """MADV_PAGEOUT where a large folio knows whether several processes map it (6.18 and later)."""

    source: ClassVar[str] = (
        "mm/madvise.c madvise_cold_or_pageout_pte_range(), include/linux/mm.h folio_maybe_mapped_shared(), "
        "Linux 6.18.15"
    )

    def may_be_shared(self, v: KernelView, folio: Folio) -> bool:
        """Whether more than one address space maps the folio."""
        return len({mm_of(v, place) for place in folio.rmap}) > 1
