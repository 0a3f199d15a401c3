"""A fault on a swap entry: do_swap_page (mm/memory.c).

What is read into memory is found or made under the lock of its folio, compared with the page table once more, and
mapped; the caller takes the access again after that.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.folio import (
    get_folio,
    list_folio,
    live_folio,
    lock_folio,
    put_folio,
    unlock_folio,
)
from refmodel.kernel.mm import (
    map_page,
    memcg_of,
    new_folio,
    nodes_of,
    wait_for_ptl,
)
from refmodel.kernel.state import EMPTY_PTE, UNKNOWN, Folio, Pte
from refmodel.kernel.swap_slots import get_swap_device, put_swap_device
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


@attrs.define
class DoSwapPage(Operation):
    """A fault on a swap entry: find or read the page, map it, drop what the mapping makes needless.

    mm, page: where; the caller has the mmap lock for reading.  write: whether the process writes.
    Value: None, ``RETRY``, ``SIGBUS`` or ``OOM``.
    """

    source: ClassVar[str] = "mm/memory.c do_swap_page(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1")

    mm: int
    page: int
    write: bool
    orig: Pte = EMPTY_PTE
    """The page-table entry that the fault began with."""
    folio: int = 0
    direct: bool = False
    """The folio is private: it was read without the swap cache, and the slot's mark is this fault's claim."""
    answer: str | None = None

    @step
    def begin(self, v: KernelView) -> Next:
        """Remember the entry, and pin what keeps the tables of its slot in memory."""
        self.orig = v[v.at.pte[self.mm][self.page]]
        return self.lookup if self.orig.slot and self.pin(v) else Return(RETRY)

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look into the swap cache; on a miss choose between it and a private folio.

        A private one needs a synchronous device and a slot with one user.
        """
        if self.cached(v):
            return self.lock_folio
        single = v[v.at.si].synchronous and v[v.at.slot[self.orig.slot]].count == 1
        self.direct = single and self.can_read_directly(v)
        return self.alloc_folio if self.direct else self.read_in

    @step
    def read_in(self, v: KernelView) -> Next:
        """Have the page read into the swap cache."""
        read = v.ops.read_swap_cache_async(
            slot=self.orig.slot, nodes=nodes_of(v, self.mm), memcg=memcg_of(v, self.mm)
        )
        return Call(read, self.after_read)

    @step
    def after_read(self, v: KernelView) -> Next:
        """Go on with the folio; without memory for one see whether it is still needed."""
        self.folio = self.result
        if self.folio > 0:
            return self.count_fault
        if self.folio == -errno.ENOMEM:
            return self.no_folio
        self.answer = RETRY
        return self.end

    @step
    def alloc_folio(self, v: KernelView) -> Next:
        """Allocate a private folio; its charge may enter reclaim, before the slot is claimed."""
        self.folio = new_folio(v, self.mm, (UNKNOWN,), locked=True, uptodate=False)
        if self.folio and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.prepare)
        return self.prepare if self.folio else self.no_folio

    @step
    def prepare(self, v: KernelView) -> Next:
        """Claim the slot with its mark (swapcache_prepare), which the swap cache and other faults respect.

        Without that lock the slot could be freed and used again for other bytes under the same page-table
        entry, and nobody would notice (S01).
        """
        slot = self.orig.slot
        entry = v[v.at.slot[slot]]
        if entry.cache or not entry.count or not self.can_read_directly(v):
            put_folio(v, self.folio)
            return self.relax
        v[v.at.slot[slot]] = evolve(entry, cache=True)
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), swap=slot)
        list_folio(v, self.folio)
        return Call(v.ops.swap_read(folio=self.folio), self.count_fault)

    @step
    def relax(self, v: KernelView) -> Next:
        """Another swap-in has the slot: wait a tick, then take the fault again."""
        slot = self.orig.slot
        same = v[v.at.pte[self.mm][self.page]] == self.orig
        if same and v[v.at.slot[slot]].cache and not v[v.at.swap_cache[slot]]:
            return Wait(f"slot {slot}, which another swap-in has claimed")
        self.answer = RETRY
        return self.end

    @step
    def no_folio(self, v: KernelView) -> Next:
        """Without memory the process is told, unless somebody else has brought the page in."""
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        self.answer = OOM if v[v.at.pte[self.mm][self.page]] == self.orig else RETRY
        return self.end

    @step
    def count_fault(self, v: KernelView) -> Next:
        """Count a major fault: something had to be read."""
        v[v.at.vm.pgmajfault] += 1
        v[v.at.mc[memcg_of(v, self.mm)].pgmajfault] += 1
        return self.lock_folio

    @step
    def lock_folio(self, v: KernelView) -> Next:
        """Lock the folio; wait while somebody writes it out or fills it."""
        if self.the_folio(v).locked:
            return Wait(f"the lock of folio {self.folio}")
        lock_folio(v, self.folio)
        return self.recheck

    @step
    def recheck(self, v: KernelView) -> Next:
        """Take the page-table lock; give up if slot or entry has changed, or if the page could not be read.

        The folio may have lost the slot before it was locked, although the reference kept it in memory.
        """
        if not self.direct and v[v.at.swap_cache[self.orig.slot]] != self.folio:
            self.answer = RETRY
            return self.back_out
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        if v[v.at.pte[self.mm][self.page]] != self.orig or v.fails(choices.FAULT_RETRY):
            self.answer = RETRY
            return self.back_out
        if not self.the_folio(v).uptodate:
            self.answer = SIGBUS
            return self.back_out
        v[v.at.ptl[self.mm]] = True
        return self.settle()

    @step
    def back_out(self, v: KernelView) -> Next:
        """Unlock and let go of the folio, which frees a private one; give the claim on its slot up."""
        unlock_folio(v, self.folio)
        put_folio(v, self.folio)
        return Call(v.ops.put_swap_folio(slot=self.orig.slot, nr=1), self.end) if self.direct else self.end

    @step
    def drop_count(self, v: KernelView) -> Next:
        """Drop the references of the page-table entries that are about to map the folio.

        All pages of a large folio are mapped at once when the entries around name exactly its slots.
        """
        folio = self.the_folio(v)
        self.drop(v, tuple(v[place].slot for place in self.entries(v)))
        if folio.swapcache and self.should_free_swap(v, folio):
            return Call(v.ops.folio_free_swap(folio=self.folio), self.map)
        return self.map

    @step
    def map(self, v: KernelView) -> Next:
        """Map the page or pages; they are exclusive if no other process can reach them."""
        self.map_entries(v)
        return self.unlock

    @step
    def unlock(self, v: KernelView) -> Next:
        """Drop the locks and let the page table have the reference of the fault.

        After a private read give up the claim, which frees a slot that nothing else names.
        """
        folio = self.the_folio(v)
        slot = folio.swap if folio.swapcache else 0
        v[v.at.folio[self.folio]] = evolve(folio, locked=False, swap=slot)
        put_folio(v, self.folio)
        v[v.at.ptl[self.mm]] = False
        return Call(v.ops.put_swap_folio(slot=self.orig.slot, nr=1), self.end) if self.direct else self.end

    @step
    def end(self, v: KernelView) -> Next:
        """Give the pin back and answer."""
        self.unpin(v)
        return Return(self.answer)

    def settle(self) -> Next:
        """Return what comes next under the locks: this kernel drops the counts before it maps."""
        return self.drop_count

    def cached(self, v: KernelView) -> bool:
        """Take a reference to the folio that the swap cache has for the slot; return whether there is one."""
        self.folio = v[v.at.swap_cache[self.orig.slot]]
        if self.folio:
            get_folio(v, self.folio)
        return bool(self.folio)

    def pin(self, v: KernelView) -> bool:
        """Pin the swap device; say whether it is there."""
        return get_swap_device(v)

    def unpin(self, v: KernelView) -> None:
        """Give the pin back."""
        put_swap_device(v)

    def can_read_directly(self, v: KernelView) -> bool:
        """Whether what backs the slot can be read into a private folio."""
        return True

    def the_folio(self, v: KernelView) -> Folio:
        """Return the folio that is going to be mapped."""
        return live_folio(v, self.folio)

    def drop(self, v: KernelView, slots: tuple[int, ...]) -> None:
        """Drop one reference of a page-table entry from each of some slots."""
        for slot in slots:
            v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], count=v[v.at.slot[slot]].count - 1)

    def map_entries(self, v: KernelView) -> None:
        """Let the entries point to the folio's pages, all as exclusive and as written as the one of the fault.

        The base is the slot of the folio's first page; a folio that has just lost its slots has none.
        """
        alone = self.alone(v, self.orig)
        base = self.the_folio(v).swap or self.orig.slot - self.index_of_fault(v)
        for place in self.entries(v):
            index = v[place].slot - base
            made = Pte(folio=self.folio, index=index, exclusive=alone, dirty=self.write and alone)
            map_page(v, place, self.folio, made)

    def index_of_fault(self, v: KernelView) -> int:
        """Return which page of the folio the fault is about: slots of a folio are aligned to its size."""
        return self.orig.slot % len(self.the_folio(v).contents)

    def entries(self, v: KernelView) -> list[Place[Pte]]:
        """Return the places of the page-table entries to be mapped, ascending.

        A large folio is mapped whole where the entries are alike but for their slots (swap_pte_batch).
        """
        row = v.at.pte[self.mm]
        nr, index = len(self.the_folio(v).contents), self.index_of_fault(v)
        start = self.page - index
        whole = nr > 1 and start >= 0 and start + nr <= len(row)
        expected = (evolve(self.orig, slot=self.orig.slot + i) for i in range(-index, nr - index))
        if whole and all(v[row[start + i]] == pte for i, pte in enumerate(expected)):
            return list(row[start : start + nr])
        return [row[self.page]]

    def alone(self, v: KernelView, pte: Pte) -> bool:
        """Whether no other process can reach the page that an entry names."""
        folio = self.the_folio(v)
        return pte.exclusive or self.direct or not (folio.swapcache or folio.rmap or folio.refs > 1)

    def should_free_swap(self, v: KernelView, folio: Folio, mapped: int = 0) -> bool:
        """Whether the swap cache copy is dropped now.

        When the device or the cgroup's share of it is half full; when a write needs the page for itself and
        nobody else holds it; on a synchronous device always, where the kernel does that.

        mapped: entries that this fault has mapped already.
        """
        if memcg.swap_full(v, memcg.folio_memcg(v, folio)):
            return True
        if v.cfg.options.drop_synchronous_cache and v[v.at.si].synchronous:
            return True
        return self.write and len(folio.rmap) == mapped and folio.refs == 1


@attrs.define
class DoSwapPage73(DoSwapPage):
    """A fault on a swap entry that maps the page before it drops the slot's count (7.3).

    Who faults on the same page meanwhile finds the folio still in the swap cache, and waits for its lock.
    """

    source: ClassVar[str] = "mm/memory.c do_swap_page(), Linux 7.3.4"

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look into the swap cache, and have the page read into it: there is no way around it."""
        return self.lock_folio if self.cached(v) else self.read_in

    @step
    def map(self, v: KernelView) -> Next:
        """Map the page or pages, then drop the counts and, where that helps, the swap cache copy."""
        slots = tuple(v[place].slot for place in self.entries(v))
        self.map_entries(v)
        self.drop(v, slots)
        folio = self.the_folio(v)
        if folio.swapcache and self.should_free_swap(v, folio, len(slots)):
            return Call(v.ops.folio_free_swap(folio=self.folio), self.unlock)
        return self.unlock

    @step
    def back_out(self, v: KernelView) -> Next:
        """Free the slots of a folio that nobody needs any more."""
        return Call(v.ops.folio_free_swap(folio=self.folio), self.let_go)

    @step
    def let_go(self, v: KernelView) -> Next:
        """Unlock and let go of the folio."""
        unlock_folio(v, self.folio)
        put_folio(v, self.folio)
        return self.end

    def settle(self) -> Next:
        """Return what comes next under the locks."""
        return self.map
