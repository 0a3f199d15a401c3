"""What happens when a process touches a page: reading, writing, copying (mm/memory.c).

Page tables are the outermost layer of the model: everything that the promise speaks of is visible
here, and so is everything that a trace records of a page.  An access is the hardware's, which looks at the
page table and no lock; what it cannot do is a fault's, and after the fault it is tried again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.folio import (
    get_folio,
    list_folio,
    live_folio,
    lock_folio,
    put_folio,
    unlock_folio,
)
from refmodel.kernel.mm import (
    is_alive,
    map_page,
    mm_of,
    new_folio,
    unmap_page,
    wait_for_ptl,
    wait_to_read_mmap,
)
from refmodel.kernel.slot_decisions import aligned_start
from refmodel.kernel.state import EMPTY_PTE, Content, Folio, Pte, Truth
from refmodel.kernel.swap_fault import OOM, SIGBUS
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

KILLED = "killed"
"""What a thread gets whose process has exited: its access never happens."""


@attrs.define
class ReadPage(Operation):
    """A process reads a page.

    mm, page: which one.  Value: its content, or ``SIGBUS``, ``OOM`` or ``KILLED``.
    """

    source: ClassVar[str] = "mm/memory.c handle_pte_fault(), do_anonymous_page(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    mm: int
    page: int

    @step
    def access(self, v: KernelView) -> Next:
        """Read through the page table; fault where nothing is mapped, with the mmap lock for reading.

        A page that was never written gets the shared zero page, a single change under the page-table lock.
        """
        if not is_alive(v, self.mm):
            return Return(KILLED)
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        if pte.folio:
            return Return(live_folio(v, pte.folio).contents[pte.index])
        if pte.poisoned:
            return Return(SIGBUS)
        if pte.zeropage:
            return Return(ZERO_PAGE)
        waits = wait_to_read_mmap(v, self.mm)
        if waits is not None:
            return waits
        if pte.slot:
            v[v.at.mmap_lock[self.mm]] += 1
            return Call(v.ops.do_swap_page(mm=self.mm, page=self.page, write=False), self.after_fault)
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        v[place] = Pte(zeropage=True)
        return Return(ZERO_PAGE)

    @step
    def after_fault(self, v: KernelView) -> Next:
        """Drop the mmap lock and read again, unless the fault ended the process."""
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return(self.result) if self.result in (SIGBUS, OOM) else self.access


@attrs.define
class WritePage(Operation):
    """A process writes a page.

    mm, page: which one.  content: what it writes.  Value: None, or ``SIGBUS``, ``OOM`` or ``KILLED``.
    """

    source: ClassVar[str] = (
        "mm/memory.c handle_pte_fault(), do_anonymous_page(), do_wp_page(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    mm: int
    page: int
    content: Content = ZERO_PAGE
    orig: Pte = EMPTY_PTE
    """The page-table entry that the fault began with: when it has changed, somebody else was faster."""
    folio: int = 0
    """The folio that is going to be mapped."""
    old: int = 0
    """The folio that it takes the place of."""

    @step
    def access(self, v: KernelView) -> Next:
        """Write through the page table; where nothing may be written fault, with the mmap lock for reading."""
        if not is_alive(v, self.mm):
            return Return(KILLED)
        pte = self.orig = v[v.at.pte[self.mm][self.page]]
        if pte.folio and pte.exclusive:
            return self.store
        if pte.poisoned:
            return Return(SIGBUS)
        waits = wait_to_read_mmap(v, self.mm)
        if waits is not None:
            return waits
        v[v.at.mmap_lock[self.mm]] += 1
        if pte.slot:
            return Call(v.ops.do_swap_page(mm=self.mm, page=self.page, write=True), self.after_fault)
        if pte.folio:
            return self.try_reuse
        return self.copy_zeropage if pte.zeropage else self.anonymous

    @step
    def after_fault(self, v: KernelView) -> Next:
        """Drop the mmap lock and write again, unless the fault ended the process."""
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return(self.result) if self.result in (SIGBUS, OOM) else self.access

    @step
    def anonymous(self, v: KernelView) -> Next:
        """Allocate a fresh folio: as large as the enabled orders and the empty entries around allow.

        Its charge may enter reclaim, with no lock held but the mmap lock.
        """
        self.folio = new_folio(v, self.mm, (ZERO_PAGE,) * (1 << self.largest_order(v)))
        if self.folio and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.map_anonymous)
        return self.map_anonymous if self.folio else self.out_of_memory(v)

    @step
    def map_anonymous(self, v: KernelView) -> Next:
        """Map the folio under the page-table lock, if the entries are still empty."""
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        nr = len(live_folio(v, self.folio).contents)
        start = aligned_start(self.page, nr)
        places = v.at.pte[self.mm][start : start + nr]
        if any(v[place] != EMPTY_PTE for place in places):
            put_folio(v, self.folio)
            return self.again(v)
        if nr > 1:
            v[v.at.mthp[nr.bit_length() - 1].anon_fault_alloc] += 1
        for index, place in enumerate(places):
            map_page(v, place, self.folio, Pte(folio=self.folio, index=index, exclusive=True))
        return self.mapped(v)

    @step
    def copy_zeropage(self, v: KernelView) -> Next:
        """Allocate a page of one's own in place of the shared zero page; its charge may enter reclaim."""
        self.folio, self.old = new_folio(v, self.mm, (ZERO_PAGE,)), 0
        if self.folio and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.map_copy)
        return self.map_copy if self.folio else self.out_of_memory(v)

    @step
    def try_reuse(self, v: KernelView) -> Next:
        """A page that may be shared: if only the swap cache shares it, free its slots and keep the page.

        A reference forbids it: whoever has one may be about to map the page for somebody else, or is
        copying it.  The page-table lock is held until the slots are freed.
        """
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        if v[v.at.pte[self.mm][self.page]] != self.orig:
            return self.again(v)
        self.old = self.orig.folio
        folio = live_folio(v, self.old)
        if len(folio.contents) > 1 and self.can_reuse_large(v, folio):
            return self.reuse(v)
        if len(folio.rmap) > 1 or len(folio.contents) > 1 or folio.refs or folio.locked:
            get_folio(v, self.old)
            return self.copy
        if not folio.swapcache:
            return self.reuse(v)
        lock_folio(v, self.old)
        v[v.at.ptl[self.mm]] = True
        return Call(v.ops.folio_free_swap(folio=self.old), self.after_free_swap)

    @step
    def after_free_swap(self, v: KernelView) -> Next:
        """Unlock; with the slots still in use, or referred to meanwhile, somebody else can reach the page."""
        unlock_folio(v, self.old)
        v[v.at.ptl[self.mm]] = False
        if self.result and not live_folio(v, self.old).refs:
            return self.reuse(v)
        get_folio(v, self.old)
        return self.copy

    @step
    def copy(self, v: KernelView) -> Next:
        """Copy the page into a fresh folio, whose charge may enter reclaim.

        No lock is held but a reference, which is enough: nobody writes to a shared page in place.
        """
        page = live_folio(v, self.old).contents[self.orig.index]
        self.folio = new_folio(v, self.mm, (page,))
        if not self.folio:
            put_folio(v, self.old)
            return self.out_of_memory(v)
        if v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.map_copy)
        return self.map_copy

    @step
    def map_copy(self, v: KernelView) -> Next:
        """Map the copy under the page-table lock and let go of the shared page, if the entry is the same."""
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        place = v.at.pte[self.mm][self.page]
        if v[place] != self.orig:
            put_folio(v, self.folio)
            if self.old:
                put_folio(v, self.old)
            return self.again(v)
        if self.old:
            unmap_page(v, place)
        map_page(v, place, self.folio, Pte(folio=self.folio, exclusive=True))
        following = self.mapped(v)
        return Call(v.ops.free_folios(folios=(self.old,)), self.store) if self.old else following

    @step
    def store(self, v: KernelView) -> Next:
        """Write the content and mark the page-table entry dirty, if the page is still mapped writable."""
        place = v.at.pte[self.mm][self.page]
        pte = v[place]
        if not (pte.folio and pte.exclusive):
            return self.access
        folio = live_folio(v, pte.folio)
        content = self.written(v, folio.contents[pte.index])
        contents = (*folio.contents[: pte.index], content, *folio.contents[pte.index + 1 :])
        v[v.at.folio[pte.folio]] = evolve(folio, contents=contents)
        v[place] = evolve(pte, dirty=True)
        v[v.at.truth[self.mm][self.page]] = Truth(self.written(v, v[v.at.truth[self.mm][self.page]].content))
        return Return()

    def again(self, v: KernelView) -> Next:
        """Somebody else changed the entry: drop the mmap lock and write again."""
        v[v.at.mmap_lock[self.mm]] -= 1
        return self.access

    def out_of_memory(self, v: KernelView) -> Next:
        """Drop the mmap lock; the process is told."""
        v[v.at.mmap_lock[self.mm]] -= 1
        return Return(OOM)

    def mapped(self, v: KernelView) -> Next:
        """Let the page table have the reference of the fault, drop the mmap lock, and write."""
        list_folio(v, self.folio)
        put_folio(v, self.folio)
        v[v.at.mmap_lock[self.mm]] -= 1
        return self.store

    def reuse(self, v: KernelView) -> Next:
        """The page is nobody else's: mark it so, drop the mmap lock, and write."""
        place = v.at.pte[self.mm][self.page]
        v[place] = evolve(v[place], exclusive=True)
        v[v.at.mmap_lock[self.mm]] -= 1
        return self.store

    def can_reuse_large(self, v: KernelView, folio: Folio) -> bool:
        """Whether a page of a large folio is this process's own (wp_can_reuse_anon_folio, 6.12 and 6.18)."""
        mine = {mm_of(v, place) for place in folio.rmap} == {self.mm}
        return v.cfg.options.reuse_large and mine and not (folio.swapcache or folio.refs)

    def written(self, v: KernelView, before: Content) -> Content:
        """Return what the page holds after the write."""
        return self.content

    def largest_order(self, v: KernelView) -> int:
        """Return the largest enabled order whose aligned range around the page is empty."""
        row, orders = v.at.pte[self.mm], v[v.at.thp_orders]
        for order in reversed(range(1, v.cfg.sizes.max_order + 1)):
            start = aligned_start(self.page, 1 << order)
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
