"""Reclaim of one folio, and the way into it from an allocation that runs short (mm/vmscan.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.crypto import is_zero
from refmodel.kernel.folio import (
    FolioOperation,
    isolate_folio,
    lock_folio,
    put_folio,
    putback_folio,
)
from refmodel.kernel.lru_lists import activate, add_to_list, coldest
from refmodel.kernel.mm import mm_of, wait_for_ptl
from refmodel.kernel.page_io import ACTIVATE, folio_order
from refmodel.kernel.state import EMPTY_PTE, Pte, Truth, truth_of
from refmodel.kernel.swap_slots import slots_of
from refmodel.kernel.table import lowest_free
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Place


@attrs.define
class ShrinkFolio(FolioOperation):
    """Reclaim one folio of anonymous memory: give it slots, unmap it, write it, free it.

    folio: any folio.  isolated: the caller has taken it off its LRU list, with a reference, and gives both up.
    Value: the folios that a split left behind and that have to be tried next; isolated ones in return for
    an isolated folio.
    A folio that cannot be freed now stays in the swap cache or in memory, as the kernel keeps it.
    """

    source: ClassVar[str] = "mm/vmscan.c shrink_folio_list(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "S2")

    folio: int
    isolated: bool = False
    rest: tuple[int, ...] = ()
    order: int = 0

    @step
    def isolate(self, v: KernelView) -> Next:
        """Take the folio off its LRU list; one that is gone, or that another reclaim has, is passed by."""
        if self.isolated or isolate_folio(v, self.folio):
            return self.lock
        return Return(self.rest)

    @step
    def lock(self, v: KernelView) -> Next:
        """Lock the folio if nobody has it; leave it alone under writeback.

        So is a folio that is neither mapped nor cached, unless it came isolated: whoever has a reference is about
        to map it or to free it.
        """
        folio = self.the_folio(v)
        if folio.locked or folio.writeback:
            return self.put_back
        self.change(v, locked=True)
        if not folio.swapbacked:
            return self.drop_lazyfree
        if folio.swapcache:
            return self.unmap
        return self.add_to_swap if folio.rmap or self.isolated else self.keep_locked

    @step
    def drop_lazyfree(self, v: KernelView) -> Next:
        """Drop a folio that was given up with MADV_FREE, unless it was written since.

        It is unmapped address space by address space, each under its page-table lock.  What a page table
        knows of a write goes to the folio's dirty flag, whether the folio is dropped or not.
        """
        folio = self.the_folio(v)
        if not folio.rmap:
            return self.keep_locked if folio.dirty or folio.refs > 1 else self.free
        waits = wait_for_ptl(v, mm_of(v, folio.rmap[0]))
        if waits is not None:
            return waits
        places = self.mapped_first(v)
        if folio.dirty or any(v[place].dirty for place in places):
            self.change(v, swapbacked=True, dirty=True)
            return self.keep_locked
        if folio.refs > 1:
            return self.keep_locked
        for place in places:
            v[place] = EMPTY_PTE
            v[truth_of(v, place)] = Truth()
        v[v.at.folio[self.folio]] = evolve(folio, rmap=folio.rmap[len(places) :])
        return self.drop_lazyfree

    @step
    def add_to_swap(self, v: KernelView) -> Next:
        """Give the folio swap slots and put it into the swap cache."""
        return Call(v.ops.add_to_swap(folio=self.folio), self.after_add)

    @step
    def after_add(self, v: KernelView) -> Next:
        """Without slots, split a large folio and try its first page; a single page stays in memory."""
        if self.result:
            return self.unmap
        folio = self.the_folio(v)
        if len(folio.contents) == 1:
            activate(v, self.folio)
            return self.keep_locked
        self.order = folio_order(folio)
        return Call(v.ops.split_folio(folio=self.folio, isolate=True), self.after_split)

    @step
    def after_split(self, v: KernelView) -> Next:
        """Go on with the first page; the others are tried after it.  What could not be split stays."""
        if self.result is None:
            return self.keep_locked
        v[v.at.mthp[self.order].swpout_fallback] += 1
        if self.order == 9:
            v[v.at.vm.thp_swpout_fallback] += 1
        self.rest = self.result
        return self.add_to_swap

    @step
    def unmap(self, v: KernelView) -> Next:
        """Replace the folio's entries in one page table by swap entries, each with a count of its own.

        The walk over what maps the folio takes one page-table lock after the other.  The folio's lock keeps
        faults from mapping it again; a child that is forked meanwhile is met at the end of the walk.
        """
        folio = self.the_folio(v)
        if not folio.rmap:
            return self.pageout if folio.dirty else self.remove_mapping
        waits = wait_for_ptl(v, mm_of(v, folio.rmap[0]))
        if waits is not None:
            return waits
        places, dirty = self.mapped_first(v), folio.dirty
        for place in places:
            pte = v[place]
            slot = folio.swap + pte.index
            v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], count=v[v.at.slot[slot]].count + 1)
            v[place] = Pte(slot=slot, exclusive=pte.exclusive)
            dirty = dirty or pte.dirty
        v[v.at.folio[self.folio]] = evolve(folio, rmap=folio.rmap[len(places) :], dirty=dirty)
        return self.unmap

    @step
    def pageout(self, v: KernelView) -> Next:
        """Clear the dirty flag and write the folio out, unless somebody else has a reference to it."""
        if self.the_folio(v).refs > 1:
            return self.keep_locked
        self.change(v, dirty=False, reclaim=True)
        return Call(self.writepage(v), self.after_pageout)

    @step
    def after_pageout(self, v: KernelView) -> Next:
        """Keep what could not be written or is still being written; a folio that is clean can go.

        So can one whose slots were freed instead of written, if reclaim has the last reference to it.
        """
        folio = self.the_folio(v)
        if self.result == ACTIVATE:
            self.change(v, reclaim=False)
            activate(v, self.folio)
            return self.keep_locked
        if folio.writeback:
            return self.put_back
        self.change(v, reclaim=False)
        if folio.dirty or folio.locked:
            return self.put_back
        lock_folio(v, self.folio)
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
            return self.keep_locked
        return Call(v.ops.swap_cache_del(folio=self.folio, freeze=True), self.after_remove)

    @step
    def after_remove(self, v: KernelView) -> Next:
        """Free the folio if it could be removed."""
        return self.keep_locked if self.result is False else self.free

    @step
    def free(self, v: KernelView) -> Next:
        """Free the folio: its page can be used for something else."""
        put_folio(v, self.folio)
        return self.end(v)

    @step
    def keep_locked(self, v: KernelView) -> Next:
        """Unlock the folio and keep it."""
        self.change(v, locked=False)
        return self.put_back

    @step
    def put_back(self, v: KernelView) -> Next:
        """Put the folio back on its LRU list and give up reclaim's reference.

        A folio that has lost its slots and is mapped nowhere goes with it.
        """
        putback_folio(v, self.folio)
        return self.end(v)

    def end(self, v: KernelView) -> Return:
        """Answer what is left to be tried; who came without isolating gets it back on the LRU lists."""
        if not self.isolated:
            for number in self.rest:
                putback_folio(v, number)
        return Return(self.rest)

    def writepage(self, v: KernelView) -> Operation:
        """Return the operation that writes the folio out."""
        return v.ops.swap_writepage(folio=self.folio)

    def mapped_first(self, v: KernelView) -> tuple[Place[Pte], ...]:
        """Return the entries in the first of the page tables that map the folio."""
        rmap = self.the_folio(v).rmap
        first = mm_of(v, rmap[0])
        return tuple(place for place in rmap if mm_of(v, place) == first)


@attrs.define
class SplitFolio(FolioOperation):
    """Split a locked large folio into single pages.

    isolate: leave the other pages off the LRU lists, each with a reference for the caller.
    Value: the other pages' folios, in order; without isolate those are dropped that nothing but the swap cache or
    nothing at all held; None if somebody else has a reference to the folio, which then stays whole.
    """

    source: ClassVar[str] = (
        "mm/huge_memory.c split_huge_page_to_list_to_order(), mm/migrate.c try_to_map_unused_to_zeropage(), "
        "Linux 6.12.117"
    )

    folio: int
    isolate: bool = False
    tails: tuple[int, ...] = ()

    @step
    def split(self, v: KernelView) -> Next:
        """Make a folio of each page; page tables and swap cache follow in the same step.

        The split goes through migration entries, on which everybody else waits, and moves dirty marks from
        the page tables to the folio; all its pages inherit the flag.  Of a page of zeroes the page tables
        map the shared zero page afterwards, where the kernel does that.
        """
        folio = self.the_folio(v)
        if folio.refs > 1:
            return Return(None)
        for mm in sorted({mm_of(v, place) for place in folio.rmap}):
            waits = wait_for_ptl(v, mm)
            if waits is not None:
                return waits
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
            if v.cfg.options.split_to_zeropage and is_zero(contents[0]):
                for place in maps:
                    v[place] = Pte(zeropage=True)
                maps = ()
            page = evolve(folio, contents=contents, rmap=maps, swap=slot, dirty=dirty)
            if index:
                page = evolve(page, locked=False, refs=1 + self.isolate, lru=not self.isolate)
            v[v.at.folio[number]] = page
            if page.lru and index:
                add_to_list(v, number)
            if slot:
                v[v.at.swap_cache[slot]] = number
            for place in maps:
                v[place] = evolve(v[place], folio=number, index=0)
        self.tails = tuple(numbers[1:])
        return Call(v.ops.free_folios(folios=self.tails), self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Answer the pages that are left."""
        return Return(tuple(number for number in self.tails if self.is_left(v, number)))

    def is_left(self, v: KernelView, number: int) -> bool:
        """Whether a page is still there: isolated, mapped or cached."""
        folio = v[v.at.folio[number]]
        return folio is not None and bool(self.isolate or folio.rmap or folio.swapcache)


@attrs.define
class DirectReclaim(Operation):
    """An allocation that runs short reclaims something itself, whatever its caller holds.

    gfp_has_io_fs: whether the allocation may do I/O and enter filesystems; one with GFP_NOIO may do neither.
    Value: None.  Writes that it starts end later.

    How many entries the shrinker of zswap counts as worth a try is left to the choice of the victim; whether it
    counts any for an allocation that forbids I/O is the shrinker's own decision (Z07).
    """

    source: ClassVar[str] = "mm/vmscan.c try_to_free_pages(), shrink_node(), do_shrink_slab(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z3")

    gfp_has_io_fs: bool = True

    @step
    def scan(self, v: KernelView) -> Next:
        """Pick a folio of an LRU list or, with the shrinker on, a list of zswap entries; there may be none.

        Where the lists have an order, the folio is the coldest.
        """
        victims: list[int | tuple[int, int]] = [*self.folios(v), *self.lists(v)]
        if not victims:
            return Return()
        victim = v.choose(choices.VICTIM, victims) if len(victims) > 1 else victims[0]
        if isinstance(victim, int):
            return Call(v.ops.shrink_folio(folio=victim), self.end)
        memcg, nid = victim
        return Call(v.ops.shrinker_scan(memcg=memcg, nid=nid, todo=2), self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Try the allocation again."""
        return Return()

    def folios(self, v: KernelView) -> list[int]:
        """Return the folios on LRU lists, ascending; the coldest, where they have an order.

        Without I/O they stay: none is given slots, no dirty one is written (shrink_folio_list).  That a clean one
        of the swap cache could go is left out.
        """
        if not self.gfp_has_io_fs:
            return []
        if v.at.reclaim.list:
            return list(coldest(v, 1))
        found, used = [], v[v.at.folios_used] >> 1
        for number in range(1, used.bit_length() + 1):
            folio = v[v.at.folio[number]]
            if folio is not None and folio.lru:
                found.append(number)
        return found

    def lists(self, v: KernelView) -> list[tuple[int, int]]:
        """Return the lists of zswap entries that the shrinker may visit, as (cgroup, node)."""
        if not v.ops.shrinker_scan or not v[v.at.zswap].shrinker_enabled:
            return []
        found = [(m, nid) for m, row in enumerate(v.at.lru) for nid, place in enumerate(row) if v[place]]
        if self.gfp_has_io_fs:
            return found
        return [(m, nid) for m, nid in found if v.ops.shrinker_count(m, nid, io_allowed=False).may_count(v)]
