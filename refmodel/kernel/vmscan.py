"""Reclaim of one folio, and the two ways into it: MADV_PAGEOUT and pressure (mm/vmscan.c, mm/madvise.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.folio import FolioOperation, live_folio
from refmodel.kernel.page_io import ACTIVATE, folio_order
from refmodel.kernel.state import EMPTY_PTE, Pte, Truth, truth_of
from refmodel.kernel.swap_slots import slots_of
from refmodel.kernel.swap_state import free_folio
from refmodel.kernel.table import lowest_free
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ShrinkFolio(FolioOperation):
    """Reclaim one folio of anonymous memory: give it slots, unmap it, write it, free it.

    folio: any folio.  Value: the folios that a split left behind and that have to be tried next.
    A folio that cannot be freed now stays in the swap cache or in memory, as the kernel keeps it.
    """

    source: ClassVar[str] = "mm/vmscan.c shrink_folio_list(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "S2")

    folio: int
    rest: tuple[int, ...] = ()
    split_done: bool = False

    @step
    def lock(self, v: KernelView) -> Next:
        """Lock the folio if nobody has it; leave it alone under writeback."""
        folio = self.the_folio(v)
        if folio.locked or folio.writeback:
            return Return(self.rest)
        self.change(v, locked=True)
        if not folio.swapbacked:
            return self.drop_lazyfree
        return self.unmap if folio.swapcache else self.add_to_swap

    @step
    def drop_lazyfree(self, v: KernelView) -> Next:
        """Drop a folio that was given up with MADV_FREE, unless it was written since."""
        folio = self.the_folio(v)
        if folio.dirty or any(v[place].dirty for place in folio.rmap):
            self.change(v, swapbacked=True)
            return self.keep_locked
        for place in folio.rmap:
            v[place] = EMPTY_PTE
            v[truth_of(v, place)] = Truth()
        free_folio(v, self.folio)
        return Return(self.rest)

    @step
    def add_to_swap(self, v: KernelView) -> Next:
        """Give the folio swap slots and put it into the swap cache."""
        return Call(v.ops.add_to_swap(folio=self.folio), then=self.after_add)

    @step
    def after_add(self, v: KernelView) -> Next:
        """Without slots, split a large folio and try its first page; a single page stays in memory."""
        if self.result:
            return self.unmap
        folio = self.the_folio(v)
        if len(folio.contents) == 1:
            return self.keep_locked
        v[v.at.mthp[folio_order(folio)].swpout_fallback] += 1
        if len(folio.contents) == 512:
            v[v.at.vm.thp_swpout_fallback] += 1
        return Call(v.ops.split_folio(folio=self.folio), then=self.after_split)

    @step
    def after_split(self, v: KernelView) -> Next:
        """Go on with the first page; the others are tried after it."""
        self.rest = self.result
        return self.add_to_swap

    @step
    def unmap(self, v: KernelView) -> Next:
        """Replace every page-table entry of the folio by a swap entry, each with a count of its own."""
        folio = self.the_folio(v)
        dirty = folio.dirty
        for place in folio.rmap:
            pte = v[place]
            slot = folio.swap + pte.index
            v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], count=v[v.at.slot[slot]].count + 1)
            v[place] = Pte(slot=slot, exclusive=pte.exclusive)
            dirty = dirty or pte.dirty
        v[v.at.folio[self.folio]] = evolve(folio, rmap=(), dirty=dirty)
        return self.pageout if dirty else self.remove_mapping

    @step
    def pageout(self, v: KernelView) -> Next:
        """Clear the dirty flag and write the folio out."""
        self.change(v, dirty=False, reclaim=True)
        return Call(v.ops.swap_writepage(folio=self.folio), then=self.after_pageout)

    @step
    def after_pageout(self, v: KernelView) -> Next:
        """Keep what could not be written or is still being written; a folio that is clean can go.

        So can one whose slots were freed instead of written: reclaim held the last reference to it.
        """
        folio = self.the_folio(v)
        if self.result == ACTIVATE:
            self.change(v, reclaim=False)
            return self.keep_locked
        if folio.writeback:
            return Return(self.rest)
        self.change(v, reclaim=False)
        if not folio.swapcache and not folio.rmap:
            return self.free
        if folio.dirty or folio.locked:
            return Return(self.rest)
        self.change(v, locked=True)
        return self.remove_mapping

    @step
    def remove_mapping(self, v: KernelView) -> Next:
        """Take the clean, unmapped folio out of the swap cache; one that became dirty or mapped stays.

        So does one to which somebody holds a reference: a fault that waits for its lock, or whoever looks
        at memory by frame number.  It stays clean and written, and may be mapped and written again.
        """
        folio = self.the_folio(v)
        if folio.rmap or folio.dirty or folio.writeback or v.fails(choices.FOLIO_HELD):
            return self.keep_locked
        if not folio.swapcache:
            return self.free
        return Call(v.ops.swap_cache_del(folio=self.folio), then=self.free)

    @step
    def free(self, v: KernelView) -> Next:
        """Free the folio: its page can be used for something else."""
        free_folio(v, self.folio)
        return Return(self.rest)

    @step
    def keep_locked(self, v: KernelView) -> Next:
        """Unlock the folio and keep it."""
        self.change(v, locked=False)
        return self.put_back

    @step
    def put_back(self, v: KernelView) -> Next:
        """Give up reclaim's reference; a folio that has lost its slots and is mapped nowhere goes with it."""
        folio = self.the_folio(v)
        if not folio.rmap and not folio.swapcache:
            free_folio(v, self.folio)
        return Return(self.rest)


@attrs.define
class SplitFolio(FolioOperation):
    """Split a locked large folio into single pages.

    Value: the other pages' folios, in order.  Pages that only the swap cache still held are dropped
    from it, so they are not among them.
    """

    source: ClassVar[str] = "mm/huge_memory.c split_huge_page_to_list_to_order(), Linux 6.12.117"

    folio: int
    tails: tuple[int, ...] = ()

    @step
    def split(self, v: KernelView) -> Next:
        """Make a folio of each page; page tables and swap cache follow in the same step.

        The split goes through migration entries, which moves dirty marks from the page tables to the
        folio; all its pages inherit the flag.
        """
        folio = self.the_folio(v)
        dirty = folio.dirty or any(v[place].dirty for place in folio.rmap)
        v[v.at.mthp[folio_order(folio)].split] += 1
        numbers = [self.folio]
        for _ in folio.contents[1:]:
            number = lowest_free(v[v.at.folios_used])
            v[v.at.folios_used] |= 1 << number
            numbers.append(number)
        slots = slots_of(folio) if folio.swapcache else None
        for index, number in enumerate(numbers):
            slot = slots[index] if slots else 0
            maps = tuple(place for place in folio.rmap if v[place].index == index)
            contents = (folio.contents[index],)
            v[v.at.folio[number]] = evolve(
                folio, contents=contents, rmap=maps, swap=slot, locked=index == 0, dirty=dirty
            )
            if slot:
                v[v.at.swap_cache[slot]] = number
            for place in maps:
                v[place] = evolve(v[place], folio=number, index=0)
        self.tails = tuple(numbers[1:])
        return Call(v.ops.free_folios(folios=self.tails), then=self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Answer the pages that are left."""
        return Return(tuple(number for number in self.tails if v[v.at.folio[number]] is not None))


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
    def collect(self, v: KernelView) -> Next:
        """Take the next mapped folio of the range off its LRU, or split it if it is partly mapped."""
        while self.next < self.nr:
            pte = v[v.at.pte[self.mm][self.page + self.next]]
            if not pte.folio:
                self.next += 1
                continue
            folio = live_folio(v, pte.folio)
            size = len(folio.contents)
            if size > 1 and not self.maps_whole(v, pte):
                self.splitting = pte.folio
                v[v.at.folio[pte.folio]] = evolve(folio, locked=True)
                return Call(v.ops.split_folio(folio=pte.folio), then=self.unlock_split)
            if len(folio.rmap) == size:
                self.folios += (pte.folio,)
            self.next += size
        return self.reclaim

    @step
    def unlock_split(self, v: KernelView) -> Next:
        """Unlock what was the folio's first page, drop it if nothing maps it, look at the range again."""
        place = v.at.folio[self.splitting]
        folio = live_folio(v, self.splitting)
        v[place] = evolve(folio, locked=False)
        return Call(v.ops.free_folios(folios=(self.splitting,)), then=self.collect)

    @step
    def reclaim(self, v: KernelView) -> Next:
        """Reclaim the next folio."""
        if not self.folios:
            return Return()
        number, self.folios = self.folios[0], self.folios[1:]
        return Call(v.ops.shrink_folio(folio=number), then=self.after_reclaim)

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
