"""What a process does with its pages: reading, writing, freeing, forking (mm/memory.c, mm/madvise.c).

Page tables are the outermost layer of the model: everything that the promise speaks of is visible
here, and so is everything that a trace records of a page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.folio import live_folio
from refmodel.kernel.state import EMPTY_PTE, UNKNOWN, Content, Folio, Pte, SwapSlot, Truth
from refmodel.kernel.swap_slots import slots_of
from refmodel.kernel.swap_state import free_folio
from refmodel.kernel.table import lowest_free
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Place

RETRY = "retry"
"""A fault that has to be taken again."""

SIGBUS = "SIGBUS"
"""What a process gets instead of a page that could not be read."""

OOM = "out of memory"
"""What a process gets when no page can be allocated."""


def process_of(v: KernelView, mm: int) -> int:
    """Return the process that a set of page tables belongs to, or that forked its owner."""
    return mm % v.cfg.sizes.processes


def memcg_of(v: KernelView, mm: int) -> int:
    """Return the memory cgroup of a process: processes are dealt out to the cgroups below the root.

    A process whose cgroup went offline has moved to the nearest ancestor that is online.
    """
    memcgs = v.cfg.sizes.memcgs
    return memcg.online_ancestor(v, process_of(v, mm) % memcgs + 1) if memcgs else 0


def new_folio(
    v: KernelView, mm: int, contents: tuple[Content, ...], *, locked: bool = False, uptodate: bool = True
) -> int:
    """Allocate a folio for a process, on a node that its policy allows; return its number, or 0."""
    if v.fails(choices.ALLOC_FOLIO):
        return 0
    bound = v[v.at.policy[process_of(v, mm)]]
    nodes = (bound,) if bound is not None else tuple(range(v.cfg.sizes.nodes))
    nid = v.choose(choices.FOLIO_NODE, nodes) if len(nodes) > 1 else nodes[0]
    number = lowest_free(v[v.at.folios_used])
    v[v.at.folios_used] |= 1 << number
    v[v.at.folio[number]] = Folio(nid, memcg_of(v, mm), contents, locked=locked, uptodate=uptodate)
    return number


def map_page(v: KernelView, place: Place[Pte], number: int, pte: Pte) -> None:
    """Let a page-table entry point to a page of a folio."""
    folio = live_folio(v, number)
    v[place] = pte
    v[v.at.folio[number]] = evolve(folio, rmap=tuple(sorted((*folio.rmap, place))))


def unmap_page(v: KernelView, place: Place[Pte]) -> int:
    """Take away what a page-table entry maps; a dirty mark moves to the folio.  Return the folio."""
    pte: Pte = v[place]
    folio = live_folio(v, pte.folio)
    rmap = tuple(p for p in folio.rmap if p != place)
    v[v.at.folio[pte.folio]] = evolve(folio, rmap=rmap, dirty=folio.dirty or pte.dirty)
    v[place] = EMPTY_PTE
    return pte.folio


@attrs.define
class ReadPage(Operation):
    """A process reads a page.

    mm, page: which one.  Value: its content, or ``SIGBUS``.
    """

    source: ClassVar[str] = "mm/memory.c handle_pte_fault(), do_anonymous_page(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    mm: int
    page: int

    @step
    def access(self, v: KernelView) -> Next:
        """Read through the page table; fault where nothing is mapped."""
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        if pte.folio:
            folio = live_folio(v, pte.folio)
            return Return(folio.contents[pte.index])
        if pte.slot:
            return Call(v.ops.do_swap_page(mm=self.mm, page=self.page, write=False), then=self.after_fault)
        if pte.poisoned:
            return Return(SIGBUS)
        v[place] = Pte(zeropage=True)
        return Return(ZERO_PAGE)

    @step
    def after_fault(self, v: KernelView) -> Next:
        """Read again after the fault, unless it ended the process."""
        return Return(self.result) if self.result in (SIGBUS, OOM) else self.access


@attrs.define
class WritePage(Operation):
    """A process writes a page.

    mm, page: which one.  content: what it writes.  Value: None, or ``SIGBUS`` or ``OOM``.
    """

    source: ClassVar[str] = (
        "mm/memory.c handle_pte_fault(), do_anonymous_page(), do_wp_page(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    mm: int
    page: int
    content: Content = ZERO_PAGE

    @step
    def access(self, v: KernelView) -> Next:
        """Write through the page table; fault where nothing may be written."""
        pte = v[v.at.pte[self.mm][self.page]]
        if pte.folio:
            return self.store if pte.exclusive else self.try_reuse
        if pte.slot:
            return Call(v.ops.do_swap_page(mm=self.mm, page=self.page, write=True), then=self.after_fault)
        if pte.poisoned:
            return Return(SIGBUS)
        return self.copy_zeropage if pte.zeropage else self.anonymous

    @step
    def after_fault(self, v: KernelView) -> Next:
        """Write again after the fault, unless it ended the process."""
        return Return(self.result) if self.result in (SIGBUS, OOM) else self.access

    @step
    def anonymous(self, v: KernelView) -> Next:
        """Map a fresh folio: as large as the enabled orders and the empty entries around allow."""
        row = v.at.pte[self.mm]
        order = self.largest_order(v)
        start, nr = self.page & ~((1 << order) - 1), 1 << order
        number = new_folio(v, self.mm, (ZERO_PAGE,) * nr)
        if not number:
            return Return(OOM)
        if order:
            v[v.at.mthp[order].anon_fault_alloc] += 1
        for index in range(nr):
            map_page(v, row[start + index], number, Pte(folio=number, index=index, exclusive=True))
        return self.store

    @step
    def copy_zeropage(self, v: KernelView) -> Next:
        """Replace the shared zero page by a page of one's own."""
        number = new_folio(v, self.mm, (ZERO_PAGE,))
        if not number:
            return Return(OOM)
        map_page(v, v.at.pte[self.mm][self.page], number, Pte(folio=number, exclusive=True))
        return self.store

    @step
    def try_reuse(self, v: KernelView) -> Next:
        """A page that may be shared: if only the swap cache shares it, free its slots and keep the page."""
        folio = live_folio(v, v[v.at.pte[self.mm][self.page]].folio)
        if len(folio.rmap) > 1 or folio.locked:
            return self.copy
        if folio.swapcache:
            number = v[v.at.pte[self.mm][self.page]].folio
            return Call(v.ops.folio_free_swap(folio=number), then=self.after_free_swap)
        return self.reuse

    @step
    def after_free_swap(self, v: KernelView) -> Next:
        """With the slots still in use somebody else can reach the page: copy it."""
        return self.reuse if self.result else self.copy

    @step
    def reuse(self, v: KernelView) -> Next:
        """The page is nobody else's: mark it so."""
        place = v.at.pte[self.mm][self.page]
        v[place] = evolve(v[place], exclusive=True)
        return self.store

    @step
    def copy(self, v: KernelView) -> Next:
        """Give the process a copy of the page and let go of the shared one."""
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        old = v[v.at.folio[pte.folio]]
        assert old is not None
        number = new_folio(v, self.mm, (old.contents[pte.index],))
        if not number:
            return Return(OOM)
        unmap_page(v, place)
        map_page(v, place, number, Pte(folio=number, exclusive=True))
        return Call(v.ops.free_folios(folios=(pte.folio,)), then=self.store)

    @step
    def store(self, v: KernelView) -> Next:
        """Write the content and mark the page-table entry dirty."""
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        folio = live_folio(v, pte.folio)
        content = self.written(v, folio.contents[pte.index])
        contents = (*folio.contents[: pte.index], content, *folio.contents[pte.index + 1 :])
        v[v.at.folio[pte.folio]] = evolve(folio, contents=contents)
        v[place] = evolve(pte, dirty=True)
        v[v.at.truth[self.mm][self.page]] = Truth(self.written(v, v[v.at.truth[self.mm][self.page]].content))
        return Return()

    def written(self, v: KernelView, before: Content) -> Content:
        """Return what the page holds after the write."""
        return self.content

    def largest_order(self, v: KernelView) -> int:
        """Return the largest enabled order whose aligned range around the page is empty."""
        row, orders = v.at.pte[self.mm], v[v.at.thp_orders]
        for order in reversed(range(1, v.cfg.sizes.max_order + 1)):
            start = self.page & ~((1 << order) - 1)
            places = row[start : start + (1 << order)]
            fits = orders >> order & 1 and len(places) == 1 << order
            if fits and all(v[place] == EMPTY_PTE for place in places):
                return order
        return 0


@attrs.define
class StoreByte(WritePage):
    """A process writes one byte of a page of real bytes.

    offset: in bytes.  value: 0 to 255.
    """

    offset: int = 0
    value: int = 0

    def written(self, v: KernelView, before: Content) -> Content:
        """Return the page with one byte replaced."""
        assert isinstance(before, bytes)
        return before[: self.offset] + bytes([self.value]) + before[self.offset + 1 :]


@attrs.define
class DoSwapPage(Operation):
    """A fault on a swap entry: find or read the page, map it, drop what the mapping makes needless.

    mm, page: where.  write: whether the process writes.
    Value: None, ``RETRY``, ``SIGBUS`` or ``OOM``.
    """

    source: ClassVar[str] = "mm/memory.c do_swap_page(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1")

    mm: int
    page: int
    write: bool
    folio: int = 0
    direct: bool = False
    """The folio is private: it was read without the swap cache."""

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look into the swap cache; on a miss choose between it and a private folio."""
        slot = self.pte(v).slot
        self.folio = v[v.at.swap_cache[slot]]
        if self.folio:
            return self.lock_folio
        entry = v[v.at.slot[slot]]
        if entry.cache:
            return Wait(f"slot {slot}, which another swap-in has claimed")
        single = v[v.at.si].synchronous and entry.count == 1
        self.direct = v.cfg.options.direct_swapin and single
        return self.alloc_folio

    @step
    def alloc_folio(self, v: KernelView) -> Next:
        """Allocate a folio and claim the slot with it."""
        slot = self.pte(v).slot
        self.folio = new_folio(v, self.mm, (UNKNOWN,), locked=True, uptodate=False)
        if not self.folio:
            return Return(OOM)
        v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], cache=True)
        if self.direct:
            v[v.at.folio[self.folio]] = evolve(self.the_folio(v), swap=slot)
        else:
            insert_for_read(v, self.folio, slot)
        return Call(v.ops.swap_read(folio=self.folio), then=self.count_fault)

    @step
    def count_fault(self, v: KernelView) -> Next:
        """Count a major fault: something had to be read."""
        v[v.at.vm.pgmajfault] += 1
        v[v.at.mc[memcg_of(v, self.mm)].pgmajfault] += 1
        return self.lock_folio

    @step
    def lock_folio(self, v: KernelView) -> Next:
        """Lock the folio; wait while somebody writes it out or fills it."""
        folio = self.the_folio(v)
        if folio.locked:
            return Wait(f"the lock of folio {self.folio}")
        v[v.at.folio[self.folio]] = evolve(folio, locked=True)
        return self.recheck

    @step
    def recheck(self, v: KernelView) -> Next:
        """Give up if the page-table entry has changed meanwhile, or if the page could not be read."""
        if v.fails(choices.FAULT_RETRY):
            self.result = RETRY
            return self.back_out
        if not self.the_folio(v).uptodate:
            self.result = SIGBUS
            return self.back_out
        return self.drop_count

    @step
    def back_out(self, v: KernelView) -> Next:
        """Unlock; a private folio is thrown away and the claim on its slot given up."""
        answer = self.result
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), locked=False)
        if self.direct:
            slot = self.the_folio(v).swap
            v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], cache=False)
            free_folio(v, self.folio)
        return Return(answer)

    @step
    def drop_count(self, v: KernelView) -> Next:
        """Drop the references of the page-table entries that are about to map the folio.

        All pages of a large folio are mapped at once when the entries around name exactly its slots.
        """
        folio = self.the_folio(v)
        for place in self.entries(v):
            slot = v[place].slot
            v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], count=v[v.at.slot[slot]].count - 1)
        if folio.swapcache and self.should_free_swap(v, folio):
            return Call(v.ops.folio_free_swap(folio=self.folio), then=self.map)
        return self.map

    @step
    def map(self, v: KernelView) -> Next:
        """Map the page or pages; they are exclusive if no other process can reach them."""
        first, base = v.at.pte[self.mm][self.page], self.base(v)
        for place in self.entries(v):
            pte = v[place]
            index = pte.slot - base
            written = self.write and place == first and pte.exclusive
            map_page(
                v,
                place,
                self.folio,
                Pte(folio=self.folio, index=index, exclusive=self.alone(v, pte), dirty=written),
            )
        return self.unlock

    @step
    def unlock(self, v: KernelView) -> Next:
        """Unlock; after a private read give up the claim, which frees a slot that nothing else names."""
        folio = self.the_folio(v)
        slot = folio.swap
        v[v.at.folio[self.folio]] = evolve(folio, locked=False, swap=slot if folio.swapcache else 0)
        if not self.direct:
            return Return()
        return Call(v.ops.put_swap_folio(slot=slot, nr=1))

    def pte(self, v: KernelView) -> Pte:
        """Return the page-table entry of the fault."""
        return v[v.at.pte[self.mm][self.page]]

    def the_folio(self, v: KernelView) -> Folio:
        """Return the folio that is going to be mapped."""
        return live_folio(v, self.folio)

    def base(self, v: KernelView) -> int:
        """Return the slot of the folio's first page; 0 stands for a folio that has just lost its slots."""
        folio = self.the_folio(v)
        return folio.swap or self.pte(v).slot - self.index_of_fault(v)

    def index_of_fault(self, v: KernelView) -> int:
        """Return which page of the folio the fault is about: slots of a folio are aligned to its size."""
        return self.pte(v).slot % len(self.the_folio(v).contents)

    def entries(self, v: KernelView) -> list[Place[Pte]]:
        """Return the places of the page-table entries to be mapped, ascending."""
        row = v.at.pte[self.mm]
        nr, index = len(self.the_folio(v).contents), self.index_of_fault(v)
        start = self.page - index
        slot = self.pte(v).slot - index
        whole = nr > 1 and start >= 0 and start + nr <= len(row)
        if whole and all(v[row[start + i]].slot == slot + i for i in range(nr)):
            return list(row[start : start + nr])
        return [row[self.page]]

    def alone(self, v: KernelView, pte: Pte) -> bool:
        """Whether no other process can reach the page that an entry names."""
        folio = self.the_folio(v)
        return pte.exclusive or (not folio.swapcache and not folio.rmap)

    def should_free_swap(self, v: KernelView, folio: Folio) -> bool:
        """Whether the swap cache copy is dropped now.

        When swap is nearly full; when a write needs the page for itself and nobody else holds it; on a
        synchronous device always, where the kernel does that.
        """
        si = v[v.at.si]
        if si.free * 2 < si.size:
            return True
        if v.cfg.options.drop_synchronous_cache and si.synchronous:
            return True
        return self.write and not folio.rmap


def insert_for_read(v: KernelView, number: int, slot: int) -> None:
    """Put a fresh folio into the swap cache of a slot that was just claimed for reading."""
    v[v.at.swap_cache[slot]] = number
    folio = live_folio(v, number)
    v[v.at.folio[number]] = evolve(folio, swap=slot, swapcache=True)
    v[v.at.vm.nr_swapcached] += 1
    v[v.at.mc[folio.memcg].swapcached] += 1
    v.emit("swapcache_add", swp=slot, ret=0)


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
    reclaiming: tuple[int, ...] = ()

    @step
    def walk(self, v: KernelView) -> Next:
        """Zap entries up to and including the next run of swap entries."""
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
                    self.gathered += (number,)
            elif pte.zeropage or pte.poisoned:
                v[place] = EMPTY_PTE
        return Call(v.ops.free_folios(folios=self.gathered))

    def zap_swap(self, v: KernelView, pte: Pte) -> Next:
        """Drop a run of swap entries: consecutive slots in consecutive entries with the same mark."""
        row, start = v.at.pte[self.mm], self.next
        while self.next < self.nr:
            if v[row[self.page + self.next]] != evolve(pte, slot=pte.slot + self.next - start):
                break
            v[row[self.page + self.next]] = EMPTY_PTE
            v[v.at.truth[self.mm][self.page + self.next]] = Truth()
            self.next += 1
        nr = self.next - start
        self.reclaiming = tuple(range(pte.slot, pte.slot + nr))
        return Call(v.ops.swap_put_map(slot=pte.slot, nr=nr), then=self.after_put)

    @step
    def after_put(self, v: KernelView) -> Next:
        """Go on; where only the swap cache is left, reclaim its copies first."""
        return self.reclaim_cache if self.result else self.walk

    @step
    def reclaim_cache(self, v: KernelView) -> Next:
        """Free the next cached copy that nothing else refers to, if its lock is free."""
        while self.reclaiming:
            slot, self.reclaiming = self.reclaiming[0], self.reclaiming[1:]
            number = v[v.at.swap_cache[slot]]
            folio = v[v.at.folio[number]] if number else None
            if folio is None or folio.rmap or folio.locked:
                continue
            self.reclaiming = tuple(s for s in self.reclaiming if s not in slots_of(folio))
            return Call(v.ops.free_folios(folios=(number,)), then=self.reclaim_cache)
        return self.walk


@attrs.define
class MadviseFree(Operation):
    """MADV_FREE of one page: it may be dropped instead of written while it stays clean.

    mm, page: which one.
    """

    source: ClassVar[str] = "mm/madvise.c madvise_free_pte_range(), Linux 6.12.117"

    mm: int
    page: int

    @step
    def look(self, v: KernelView) -> Next:
        """Drop a swap entry or the mark of a lost page; of a mapped page free the slots first, if it has any."""
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        if pte.slot or pte.poisoned:
            return Call(v.ops.zap_pages(mm=self.mm, page=self.page))
        if not pte.folio:
            return Return()
        folio = live_folio(v, pte.folio)
        if len(folio.rmap) != 1 or folio.locked:
            return Return()
        if folio.swapcache:
            return Call(v.ops.folio_free_swap(folio=pte.folio), then=self.mark)
        self.result = True
        return self.mark

    @step
    def mark(self, v: KernelView) -> Next:
        """Make the page clean and droppable; a page whose slots are still in use stays as it is."""
        if not self.result:
            return Return()
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        folio = live_folio(v, pte.folio)
        v[v.at.folio[pte.folio]] = evolve(folio, dirty=False, swapbacked=False)
        v[place] = evolve(pte, dirty=False)
        return Return()


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
        """Claim the slot with a fresh folio and read it; a slot that somebody holds is left alone."""
        slot = v[v.at.pte[self.mm][self.page]].slot
        if not slot or v[v.at.slot[slot]].cache:
            return Return()
        number = new_folio(v, self.mm, (UNKNOWN,), locked=True, uptodate=False)
        if not number:
            return Return()
        v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], cache=True)
        insert_for_read(v, number, slot)
        return Call(v.ops.swap_read(folio=number))


@attrs.define
class Fork(Operation):
    """A process forks: the child gets a reference to every page and to every slot.

    process: which one; it has no living child.
    """

    source: ClassVar[str] = "mm/memory.c copy_pte_range(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    process: int
    page: int = 0

    @step
    def copy_entry(self, v: KernelView) -> Next:
        """Copy the next page-table entry; afterwards neither side is the page's only owner."""
        rows = v.at.pte
        child = rows[self.process + v.cfg.sizes.processes]
        if self.page == len(child):
            v[v.at.forked[self.process]] = True
            return Return()
        place = rows[self.process][self.page]
        pte = evolve(v[place], exclusive=False)
        v[place] = pte
        if pte.slot:
            slot: SwapSlot = v[v.at.slot[pte.slot]]
            v[v.at.slot[pte.slot]] = evolve(slot, count=slot.count + 1)
        if pte.folio:
            map_page(v, child[self.page], pte.folio, evolve(pte, dirty=False))
        else:
            v[child[self.page]] = pte
        truth = v.at.truth
        v[truth[self.process + v.cfg.sizes.processes][self.page]] = v[truth[self.process][self.page]]
        self.page += 1
        return self.copy_entry


@attrs.define
class ExitChild(Operation):
    """The forked child of a process exits and drops its references.

    process: the parent.
    """

    source: ClassVar[str] = "mm/mmap.c exit_mmap(), Linux 6.12.117"

    process: int

    @step
    def exit(self, v: KernelView) -> Next:
        """Zap everything that the child maps."""
        v[v.at.forked[self.process]] = False
        child = self.process + v.cfg.sizes.processes
        return Call(v.ops.zap_pages(mm=child, page=0, nr=v.cfg.sizes.pages))
