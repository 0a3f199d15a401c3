"""Swap slots: handing them out, and the ways in which they become free again (mm/swapfile.c, mm/swap_slots.c).

What differs most between kernels is when a freed slot is really free.  6.1 and 6.12 park single slots
in a per-CPU cache of 64, still marked as cached, their cgroup still charged; 6.12 tells zswap at once,
6.1 only at the flush.  6.18 and 7.3 free at once and tell zswap about every slot of the range.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import choices, memcg, slot_decisions
from refmodel.kernel.folio import live_folio
from refmodel.kernel.slot_decisions import same_cluster
from refmodel.kernel.state import FREE_SLOT, UNKNOWN, SwapSlot
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.state import Folio
    from refmodel.kernel.table import KernelView


class FreeRuns(Sequence[int]):
    """The runs of free slots that an allocation may get: naturally aligned, of one length.

    Any free run is possible, and ``in`` says which are; but runs are alike for the model, so an
    environment without knowledge of its own is offered two, the lowest and the highest.
    """

    def __init__(self, v: KernelView, nr: int) -> None:
        """Look for runs of ``nr`` slots."""
        self.v, self.nr = v, nr
        self.starts = slot_decisions.aligned_starts(len(v.at.slot), nr)
        self.lowest = self._first(self.starts)

    def __bool__(self) -> bool:
        """Whether there is a run at all."""
        return self.lowest > 0

    def __contains__(self, start: object) -> bool:
        """Whether a run starts here."""
        return isinstance(start, int) and start in self.starts and self._first((start,)) == start

    def __len__(self) -> int:
        """How many runs are offered."""
        return len(self._offered())

    def __getitem__(self, index: Any) -> Any:
        """Return an offered run."""
        return self.lowest if index == 0 else self._offered()[index]

    def _offered(self) -> tuple[int, ...]:
        highest = self._first(reversed(self.starts))
        return (self.lowest, highest) if highest != self.lowest else (self.lowest,) if highest else ()

    def _first(self, starts: Iterable[int]) -> int:
        v, slots = self.v, self.v.at.slot
        for start in starts:
            for s in range(start, start + self.nr):
                entry = v[slots[s]]
                if entry.count or entry.cache:
                    break
            else:
                return start
        return 0


def slots_of(folio: Folio) -> range:
    """Return the slots of a folio in the swap cache."""
    return range(folio.swap, folio.swap + len(folio.contents))


def get_swap_device(v: KernelView) -> bool:
    """Pin the swap device; return whether it is there: swapoff waits for pins before it frees anything."""
    if not v[v.at.si].users:
        return False
    v[v.at.si_pins] += 1
    return True


def put_swap_device(v: KernelView) -> None:
    """Give the pin of the swap device back."""
    v[v.at.si_pins] -= 1


def take_free(v: KernelView, nr: int) -> None:
    """Count free slots as in use; a device that is full now leaves the list of available devices.

    Source: mm/swapfile.c swap_range_alloc(), Linux 6.12.117.
    """
    si = v[v.at.si]
    v[v.at.si] = evolve(si, free=si.free - nr)
    if si.free == nr:
        v[v.at.avail_list] = False


def give_free(v: KernelView, nr: int) -> None:
    """Count slots in use as free; a device that was full goes back on the list of available devices.

    Not while swapoff is at work: it has taken the device off the list for good (S04).
    Source: mm/swapfile.c swap_range_free(), Linux 6.12.117.
    """
    si = v[v.at.si]
    v[v.at.si] = evolve(si, free=si.free + nr)
    if not si.free and si.on:
        v[v.at.avail_list] = True


@attrs.define
class AddToSwap612(Operation):
    """Give a folio swap slots and put it into the swap cache.

    folio: locked, not in the swap cache.  Value: whether it worked; if not, nothing is left behind.
    """

    source: ClassVar[str] = (
        "mm/swap_slots.c folio_alloc_swap(), mm/swap_state.c add_to_swap(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("S3",)

    folio: int
    slot: int = 0

    @step
    def alloc_slots(self, v: KernelView) -> Next:
        """Take slots from the device: one from the CPU's cache, or an aligned run for a large folio."""
        folio = live_folio(v, self.folio)
        nr = len(folio.contents)
        self.activate_cache(v, nr)
        runs = FreeRuns(v, nr) if v[v.at.si].on else ()
        if not runs or v.fails(choices.ALLOC_SLOT):
            return self.no_slot(v)
        self.slot = v.choose(choices.SLOT, runs)
        for s in range(self.slot, self.slot + nr):
            v[v.at.slot[s]] = SwapSlot(cache=True)
        take_free(v, nr)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the slots to the folio's cgroup: every slot, also those that zswap will serve.

        A cgroup that went offline is not charged any more, but its nearest ancestor that is online.
        """
        folio = live_folio(v, self.folio)
        nr, group = len(folio.contents), memcg.online_ancestor(v, memcg.folio_memcg(v, folio))
        if group:
            if not memcg.swap_room(v, group, nr):
                return self.give_back
            v[v.at.mc[group].swap] += nr
        for s in range(self.slot, self.slot + nr):
            v[v.at.slot[s]] = SwapSlot(cache=True, memcg=group)
        v.emit("slot_alloc", swp=self.slot, ret=0)
        return self.insert

    @step
    def insert(self, v: KernelView) -> Next:
        """Insert the folio into the swap cache; the tree node comes from no reserve, so it may fail."""
        if v.fails(choices.ADD_TO_SWAP_CACHE):
            v.emit("swapcache_add", swp=self.slot, ret=-12)
            return self.put_slots
        insert_into_swap_cache(v, self.folio, self.slot)
        return Return(True)

    @step
    def give_back(self, v: KernelView) -> Next:
        """The cgroup may not have the slots that were taken: give them back before anybody hears of them."""
        nr = len(live_folio(v, self.folio).contents)
        return Call(v.ops.put_swap_folio(slot=self.slot, nr=nr), self.refused)

    @step
    def refused(self, v: KernelView) -> Next:
        """Answer that no slot is to be had."""
        return self.no_slot(v)

    @step
    def put_slots(self, v: KernelView) -> Next:
        """Undo: give the slots back."""
        folio = live_folio(v, self.folio)
        return Call(v.ops.put_swap_folio(slot=self.slot, nr=len(folio.contents)), self.failed)

    @step
    def failed(self, v: KernelView) -> Next:
        """End without slots."""
        return Return(False)

    def activate_cache(self, v: KernelView, nr: int) -> None:
        """The first order-0 allocation switches the per-CPU slot cache on, unless swapoff keeps it off."""
        if nr == 1 and v[v.at.si].on:
            v[v.at.slot_cache_active] = True

    def no_slot(self, v: KernelView) -> Return:
        """Answer that no slot is to be had."""
        v.emit("slot_alloc", swp=0, ret=-12)
        return Return(False)


@attrs.define
class AddToSwap618(AddToSwap612):
    """Give a folio swap slots where slots and swap cache are one: no slot cache (6.18 and later)."""

    source: ClassVar[str] = "mm/swapfile.c folio_alloc_swap(), Linux 6.18.15"

    def activate_cache(self, v: KernelView, nr: int) -> None:
        """There is no per-CPU slot cache."""

    @step
    def insert(self, v: KernelView) -> Next:
        """Put the folio into the table words of its slots: nothing to allocate, so nothing fails."""
        insert_into_swap_cache(v, self.folio, self.slot)
        return Return(True)


@attrs.define
class AddToSwap73(AddToSwap618):
    """Give a folio swap slots; it is in the swap cache from the moment at which they are taken (7.3)."""

    source: ClassVar[str] = "mm/swapfile.c folio_alloc_swap(), Linux 7.3.4"

    @step
    def give_back(self, v: KernelView) -> Next:
        """The cgroup may not have the slots: the folio leaves the swap cache, and they are free."""
        v.emit("swapcache_del", swp=self.slot)
        return AddToSwap618.give_back(self, v)


def insert_into_swap_cache(v: KernelView, number: int, slot: int, *, dirty: bool = True) -> None:
    """Make a folio the swap cache's copy of slots that are marked as cached."""
    place = v.at.folio[number]
    folio = live_folio(v, number)
    nr = len(folio.contents)
    for s in range(slot, slot + nr):
        v[v.at.swap_cache[s]] = number
    v[place] = evolve(folio, swap=slot, swapcache=True, dirty=folio.dirty or dirty)
    v[v.at.vm.nr_swapcached] += nr
    v[v.at.mc[memcg.folio_memcg(v, folio)].swapcached] += nr
    v.emit("swapcache_add", swp=slot, ret=0)


def current_cpu(v: KernelView) -> int:
    """Return the CPU that the task runs on at this moment."""
    online = v[v.at.online_cpus]
    cpu: int = v.choose(choices.CPU, online) if len(online) > 1 else online[0]
    return cpu


# --- becoming free ---------------------------------------------------------------------------------------


@attrs.define
class SwapRangeFree612(Operation):
    """Make a run of slots free: nothing refers to them, zswap has been told where it has to be.

    slot, nr: the run.
    """

    source: ClassVar[str] = "mm/swapfile.c swap_entry_range_free(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("S8",)

    slot: int
    nr: int

    @step
    def release(self, v: KernelView) -> Next:
        """Uncharge the recorded cgroup, clear zero bit and map, and count the slots as free, last of all."""
        self.tell(v)
        self.clear(v)
        return Return()

    def tell(self, v: KernelView) -> None:
        """Tell observers."""
        v.emit("slot_free", swp=self.slot, nr=self.nr)

    def clear(self, v: KernelView) -> None:
        """Clear everything that the model keeps per slot."""
        for s in range(self.slot, self.slot + self.nr):
            charged = v[v.at.slot[s]].memcg
            if charged:
                v[v.at.mc[charged].swap] -= 1
            v[v.at.slot[s]] = FREE_SLOT
            v[v.at.zeromap[s]] = False
            v[v.at.device[s]] = UNKNOWN
        give_free(v, self.nr)


@attrs.define
class SwapRangeFree73(SwapRangeFree612):
    """Make a run of slots free and tell zswap about each of them, before any can be handed out."""

    source: ClassVar[str] = "mm/swapfile.c __swap_cluster_free_entries() and swap_range_free(), Linux 7.3.4"
    first: ClassVar[str] = "begin"

    done: int = 0
    """Slots that zswap was told about."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Start; the cluster stays locked to the end, so nobody gets a slot of the run."""
        self.tell(v)
        return self.invalidate

    @step
    def invalidate(self, v: KernelView) -> Next:
        """Tell zswap about the next slot."""
        if self.done == self.nr:
            return self.release
        self.done += 1
        return Call(v.ops.zswap_invalidate(slot=self.slot + self.done - 1), self.invalidate)

    @step
    def release(self, v: KernelView) -> Next:
        """Uncharge, clear and count the slots as free."""
        self.clear(v)
        return Return()


@attrs.define
class SwapRangeFree61(SwapRangeFree73):
    """Make a run of slots free; frontswap drops its copies of them (6.1)."""

    source: ClassVar[str] = "mm/swapfile.c swap_range_free(), Linux 6.1.192"

    def tell(self, v: KernelView) -> None:
        """Observers of 6.1 see only the flush of the slot cache."""


@attrs.define
class FreeSwapSlot612(Operation):
    """Free one slot through the CPU's return cache: zswap is told now, the slot is free at the flush."""

    source: ClassVar[str] = "mm/swap_slots.c free_swap_slot(), Linux 6.12.117"

    slot: int
    flushing: tuple[int, ...] = ()

    @step
    def invalidate(self, v: KernelView) -> Next:
        """Tell zswap; the map still says "cached", so nobody can get the slot."""
        return Call(v.ops.zswap_invalidate(slot=self.slot), self.cache)

    @step
    def cache(self, v: KernelView) -> Next:
        """Put the slot into the return cache; a full cache is flushed first, an inactive one is bypassed."""
        if not (v[v.at.slot_cache_active] and v[v.at.slot_cache_enabled]):
            self.flushing = (self.slot,)
            return self.flush
        place = v.at.slot_cache[current_cpu(v)]
        v[place], self.flushing = slot_decisions.return_slot(v[place], self.slot, v.cfg.sizes.slot_cache)
        return self.flush if self.flushing else Return()

    @step
    def flush(self, v: KernelView) -> Next:
        """Free the next slot of the flushed ones."""
        if not self.flushing:
            return Return()
        slot, self.flushing = self.flushing[0], self.flushing[1:]
        return Call(v.ops.swap_range_free(slot=slot, nr=1), self.flush)


@attrs.define
class FreeSwapSlot61(FreeSwapSlot612):
    """Free one slot through the CPU's return cache; frontswap is told only at the flush (6.1)."""

    source: ClassVar[str] = (
        "mm/swap_slots.c free_swap_slot(), mm/swapfile.c swapcache_free_entries(), Linux 6.1.192"
    )
    first: ClassVar[str] = "cache"

    @step
    def cache(self, v: KernelView) -> Next:
        """Put the slot into the return cache; a full cache is flushed first."""
        following = FreeSwapSlot612.cache(self, v)
        if self.flushing:
            v.emit("swapcache_free", nr=len(self.flushing))
        return following


@attrs.define
class FreeSwapSlot618(FreeSwapSlot612):
    """Free one slot at once (6.18 and later)."""

    source: ClassVar[str] = "mm/swapfile.c swap_entry_put_locked(), Linux 6.18.15"
    first: ClassVar[str] = "free_now"

    @step
    def free_now(self, v: KernelView) -> Next:
        """Free the slot."""
        return Call(v.ops.swap_range_free(slot=self.slot, nr=1))


@attrs.define
class PutSwapFolio612(Operation):
    """Take the swap cache's pin off slots: those without a page-table entry become free.

    slot, nr: the slots of a folio that has left the swap cache.
    A large folio's slots are freed as one run, and zswap is not told: it never held any of them.
    """

    source: ClassVar[str] = "mm/swapfile.c put_swap_folio(), Linux 6.12.117"

    slot: int
    nr: int
    next: int = 0

    @step
    def drop_pin(self, v: KernelView) -> Next:
        """Free the whole run when nothing else refers to it, else go slot by slot."""
        if self.nr > 1 and all(v[v.at.slot[s]].count == 0 for s in range(self.slot, self.slot + self.nr)):
            return Call(v.ops.swap_range_free(slot=self.slot, nr=self.nr))
        return self.drop_one

    @step
    def drop_one(self, v: KernelView) -> Next:
        """Take the pin off the next slot; without page-table entries it stays marked until it is free."""
        if self.next == self.nr:
            return Return()
        place = v.at.slot[self.slot + self.next]
        self.next += 1
        if v[place].count:
            v[place] = evolve(v[place], cache=False)
            return self.drop_one
        return Call(v.ops.free_swap_slot(slot=self.slot + self.next - 1), self.drop_one)


@attrs.define
class PutSwapFolio73(PutSwapFolio612):
    """Take the swap cache's pin off slots: runs without a page-table entry become free at once."""

    source: ClassVar[str] = "mm/swap_state.c __swap_cache_del_folio(), Linux 7.3.4"

    @step
    def drop_one(self, v: KernelView) -> Next:
        """Take the pin off slots that stay in use, free the next run of those that do not."""
        while self.next < self.nr:
            place = v.at.slot[self.slot + self.next]
            if not v[place].count:
                break
            v[place] = evolve(v[place], cache=False)
            self.next += 1
        start = self.next
        while self.next < self.nr and not v[v.at.slot[self.slot + self.next]].count:
            self.next += 1
        if start == self.next:
            return Return()
        return Call(v.ops.swap_range_free(slot=self.slot + start, nr=self.next - start), self.drop_one)


@attrs.define
class SwapPutMap612(Operation):
    """Drop one page-table entry's reference from each slot of a run.

    slot, nr: consecutive slots named by consecutive page-table entries.
    Value: whether a slot is left that only the swap cache pins: its copy can be reclaimed.
    """

    source: ClassVar[str] = "mm/swapfile.c __swap_entries_free(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    slot: int
    nr: int
    next: int = 0
    only_cache: bool = False

    @step
    def drop(self, v: KernelView) -> Next:
        """Take the whole run at once where all slots are alike and this is their last reference."""
        slots = [v[v.at.slot[s]] for s in range(self.slot, self.slot + self.nr)]
        if not self.takes_run(slots):
            return self.drop_one
        self.only_cache = slots[0].cache
        for s in range(self.slot, self.slot + self.nr):
            v[v.at.slot[s]] = evolve(v[v.at.slot[s]], count=0, cache=True)
        return Return(True) if self.only_cache else self.invalidate

    @step
    def invalidate(self, v: KernelView) -> Next:
        """Tell zswap about the next slot of the run, then free the run past the slot cache."""
        if self.next == self.nr:
            return Call(v.ops.swap_range_free(slot=self.slot, nr=self.nr), self.end)
        self.next += 1
        return Call(v.ops.zswap_invalidate(slot=self.slot + self.next - 1), self.invalidate)

    @step
    def drop_one(self, v: KernelView) -> Next:
        """Drop the reference of the next slot; the last one frees it unless the swap cache pins it."""
        if self.next == self.nr:
            return self.end
        slot = self.slot + self.next
        self.next += 1
        entry = v[v.at.slot[slot]]
        left = slot_decisions.drop_reference(entry.count, entry.cache)
        v[v.at.slot[slot]] = evolve(entry, count=left.references, cache=left.cached)
        self.only_cache = self.only_cache or left.only_cache
        return Call(v.ops.free_swap_slot(slot=slot), self.drop_one) if left.frees else self.drop_one

    @step
    def end(self, v: KernelView) -> Next:
        """Answer whether a slot is left to the swap cache alone."""
        return Return(self.only_cache)

    def takes_run(self, slots: list[SwapSlot]) -> bool:
        """Whether the run can be dropped at once: more than one slot, all with the same single reference."""
        same = same_cluster(self.slot, self.slot + self.nr - 1)
        pairs = ((s.count, s.cache) for s in slots)
        return slot_decisions.drops_at_once(self.nr, same, slots[0].cache, pairs)


@attrs.define
class SwapPutMap61(SwapPutMap612):
    """Drop one page-table entry's reference from each slot of a run, one at a time (6.1)."""

    source: ClassVar[str] = "mm/swapfile.c __swap_entry_free(), Linux 6.1.192"

    def takes_run(self, slots: list[SwapSlot]) -> bool:
        """6.1 has no batches."""
        return False


@attrs.define
class SwapPutMap618(SwapPutMap612):
    """Drop one page-table entry's reference from each slot of a run; zswap is told while the run is freed."""

    source: ClassVar[str] = "mm/swapfile.c swap_entries_put_map(), Linux 6.18.15"

    @step
    def invalidate(self, v: KernelView) -> Next:
        """Free the run."""
        return Call(v.ops.swap_range_free(slot=self.slot, nr=self.nr), self.end)


@attrs.define
class SwapPutMap73(SwapPutMap612):
    """Drop one page-table entry's reference from each slot of a run; free what is left in runs per cluster."""

    source: ClassVar[str] = "mm/swapfile.c swap_put_entries_cluster(), Linux 7.3.4"

    free_from: int = -1
    """Start of the run being collected, counted from the first slot, or -1."""

    @step
    def drop(self, v: KernelView) -> Next:
        """Go cluster by cluster, slot by slot."""
        return self.drop_one

    @step
    def drop_one(self, v: KernelView) -> Next:
        """Drop references until a run of free slots ends: at a slot in use, or at the cluster's end."""
        while self.next < self.nr:
            slot = self.slot + self.next
            if self.free_from >= 0 and not same_cluster(slot, self.slot + self.free_from):
                return self.free_run(v)
            entry = v[v.at.slot[slot]]
            left = slot_decisions.drop_reference(entry.count, entry.cache)
            if not left.frees and self.free_from >= 0:
                return self.free_run(v)
            self.next += 1
            v[v.at.slot[slot]] = evolve(entry, count=left.references, cache=left.cached)
            self.only_cache = self.only_cache or left.only_cache
            if left.frees and self.free_from < 0:
                self.free_from = self.next - 1
        return self.free_run(v) if self.free_from >= 0 else self.end

    def free_run(self, v: KernelView) -> Next:
        """Free the collected run and go on."""
        start, self.free_from = self.free_from, -1
        return Call(v.ops.swap_range_free(slot=self.slot + start, nr=self.next - start), self.drop_one)
