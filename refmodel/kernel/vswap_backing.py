"""What backs a virtual entry: taking and releasing physical slots, zswap entries and zero marks.

Every transition between backings goes through the FOLIO state or takes its place in one step; the table of
them is in ``docs/records/0010-virtual-swap.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.folio import get_folio, live_folio, lock_folio, put_folio, unlock_folio
from refmodel.kernel.state import UNKNOWN
from refmodel.kernel.swap_slots import give_free, slots_of, take_free
from refmodel.kernel.vswap_decisions import free_runs, in_a_row, run_bits
from refmodel.kernel.vswap_state import NO_ENTRY, RmapWord
from refmodel.machine import Call, Next, Operation, Return, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def free_physical_slot(v: KernelView, entry: int) -> None:
    """Free the physical slot of a virtual entry, which is of type FOLIO afterwards, and uncharge it.

    Raises LookupError when the slot was free: a double free, which no correct run reaches.
    """
    place = v.at.vswap.physical[entry]
    slot, v[place] = v[place], 0
    if not v[v.at.vswap.allocated] >> slot & 1:
        raise LookupError(f"swap slot {slot} of virtual entry {entry}: freed although it is free")
    charged = v[v.at.slot[entry]].memcg
    if charged:
        v[v.at.mc[charged].swap] -= 1
    v[v.at.vswap.rmap[slot]] = NO_ENTRY
    release_slots(v, slot, 1)


def release_slots(v: KernelView, slot: int, nr: int) -> None:
    """Give physical slots back to the device's allocator."""
    v.emit("slot_free", swp=slot, nr=nr)
    v[v.at.vswap.allocated] &= ~run_bits(slot, nr)
    for s in range(slot, slot + nr):
        v[v.at.device[s]] = UNKNOWN
    give_free(v, nr)


def keeps_backing(v: KernelView, first: int, nr: int) -> bool:
    """Whether a folio that is written out again keeps what backs its entries (WO4).

    Yes for entries that only the folio backs, and for physical slots in a row, which can be written again.
    """
    slots = [v[v.at.vswap.physical[entry]] for entry in range(first, first + nr)]
    if slots[0]:
        return in_a_row(slots)
    elsewhere = any(v[v.at.zeromap[e]] or v[v.at.tree[e]] for e in range(first, first + nr))
    return not any(slots) and not elsewhere


@attrs.define
class VswapReleaseBacking(Operation):
    """Release whatever backs virtual entries, so that only a folio does.

    slot, nr: the entries.  Nothing here can fail.
    """

    source: ClassVar[str] = "mm/vswap.c release_backing(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    slot: int
    nr: int
    next: int = 0

    @step
    def release(self, v: KernelView) -> Next:
        """Free physical slots and clear zero marks up to and including the next zswap entry."""
        while self.next < self.nr:
            entry = self.slot + self.next
            self.next += 1
            if v[v.at.vswap.physical[entry]]:
                free_physical_slot(v, entry)
            v[v.at.zeromap[entry]] = False
            stored, v[v.at.tree[entry]] = v[v.at.tree[entry]], 0
            if stored:
                return Call(v.ops.zswap_entry_free(entry=stored), self.release)
        return Return()


@attrs.define
class VswapAllocSwapSlot(Operation):
    """Give virtual entries physical slots: for a folio that zswap refused, or to write a zswap entry back.

    slot, nr: the entries, all of type FOLIO and of one folio, or one of type ZSWAP whose zswap entry the
    caller keeps.  Value: the first physical slot, or 0 when nothing changed.

    Between the slots' allocation and the flip of the type a slot is handed out and named by nothing; whoever
    looks for its owner has to wait.
    """

    source: ClassVar[str] = "mm/vswap.c vswap_alloc_swap_slot(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S3", "S4")

    slot: int
    nr: int
    physical: int = 0
    cached: int = 0
    """The folio that is made to give its entry up."""

    @step
    def look(self, v: KernelView) -> Next:
        """Answer the slots that the entries have already; they are known to stand in a row (PS1)."""
        self.physical = v[v.at.vswap.physical[self.slot]]
        return Return(self.physical) if self.physical else self.allocate

    @step
    def allocate(self, v: KernelView) -> Next:
        """Take an aligned run of slots of the device (PS3); any free run is possible."""
        on = v[v.at.si].on
        runs = tuple(free_runs(v[v.at.vswap.allocated], len(v.at.device), self.nr)) if on else ()
        if not runs:
            return self.reclaim_cached
        if v.fails(choices.ALLOC_SLOT):
            return self.refuse
        self.physical = v.choose(choices.SLOT, tuple(dict.fromkeys((runs[0], runs[-1]))))
        v[v.at.vswap.allocated] |= run_bits(self.physical, self.nr)
        take_free(v, self.nr)
        return self.charge

    @step
    def reclaim_cached(self, v: KernelView) -> Next:
        """On a full device free an entry that no page table names, as the mark in the reverse map tells."""
        for place in v.at.vswap.rmap:
            if v[place].cache_only:
                number = v[v.at.swap_cache[v[place].entry]]
                if number and self.reclaimable(v, number):
                    self.cached = number
                    get_folio(v, number)
                    lock_folio(v, number)
                    return Call(v.ops.folio_free_swap(folio=number), self.put_cached)
        return self.refuse

    @step
    def put_cached(self, v: KernelView) -> Next:
        """Unlock the folio, let go of it, and try again."""
        unlock_folio(v, self.cached)
        put_folio(v, self.cached)
        return self.allocate

    @step
    def refuse(self, v: KernelView) -> Next:
        """End without a slot: the entries stay what they are."""
        v.emit("slot_alloc", swp=0, ret=-12)
        return Return(0)

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the slots to the recorded cgroup: here only, for this takes room on the device (PS4)."""
        owner = v[v.at.slot[self.slot]].memcg
        if owner:
            if not memcg.swap_room(v, owner, self.nr):
                return self.put_slots
            v[v.at.mc[owner].swap] += self.nr
        v.emit("slot_alloc", swp=self.physical, ret=0)
        return self.set_rmap

    @step
    def put_slots(self, v: KernelView) -> Next:
        """Undo: the cgroup's limit refused the slots."""
        release_slots(v, self.physical, self.nr)
        return self.refuse

    @step
    def set_rmap(self, v: KernelView) -> Next:
        """Let the slots lead back to their entries; the words need no lock (PS5)."""
        for i in range(self.nr):
            v[v.at.vswap.rmap[self.physical + i]] = RmapWord(self.slot + i)
        return self.flip

    @step
    def flip(self, v: KernelView) -> Next:
        """Make the entries be of type SWAPFILE (PS6); page tables do not notice."""
        for i in range(self.nr):
            v[v.at.tree[self.slot + i]] = 0
            v[v.at.vswap.physical[self.slot + i]] = self.physical + i
        return Return(self.physical)

    def reclaimable(self, v: KernelView, number: int) -> bool:
        """Whether a cached folio can be made to give its entries up without waiting."""
        folio = live_folio(v, number)
        named = any(v[v.at.slot[entry]].count for entry in slots_of(folio))
        return not folio.locked and not folio.writeback and not named
