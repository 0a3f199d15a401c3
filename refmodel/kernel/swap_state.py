"""The swap cache: entering it to read a slot, leaving it, and trying to (mm/swap_state.c, mm/swapfile.c).

At most one folio holds a slot, and a slot that a folio holds is not freed: so putting a folio into the
cache is how a slot is acquired, by stores, loads and writeback alike.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.folio import (
    alloc_folio,
    get_folio,
    list_folio,
    live_folio,
    lock_folio,
    put_folio,
    unlock_folio,
)
from refmodel.kernel.state import UNKNOWN
from refmodel.kernel.swap_slots import get_swap_device, put_swap_device, slots_of
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def insert_for_read(v: KernelView, number: int, slot: int) -> None:
    """Put a fresh folio into the swap cache of a slot that is claimed for reading."""
    v[v.at.swap_cache[slot]] = number
    folio = live_folio(v, number)
    v[v.at.folio[number]] = evolve(folio, swap=slot, swapcache=True)
    list_folio(v, number)
    v[v.at.vm.nr_swapcached] += 1
    v[v.at.mc[memcg.folio_memcg(v, folio)].swapcached] += 1
    v.emit("swapcache_add", swp=slot, ret=0)


@attrs.define
class SwapCacheAlloc612(Operation):
    """Claim a slot for reading with a fresh folio in the swap cache: first its mark, then the folio.

    slot: the slot.  nodes: where the folio may come from.
    memcg: the cgroup that the folio is charged to, None for the one that the slot is recorded with.
    skip_if_exists: do not wait for somebody who has marked the slot and shows no folio yet; who reclaims may
        wait for himself there (I-8).
    may_reclaim: the allocation and the charge may enter reclaim; those of somebody who reclaims already do not
        (PF_MEMALLOC).

    Value: the folio, locked and with a reference for the caller, or a negative errno: -EEXIST when a folio is
    cached, -ENOENT when nobody names the slot, -EBUSY when it is marked and the caller does not wait,
    -ENOMEM without memory for a folio, -EAGAIN without memory for its place in the cache.
    """

    source: ClassVar[str] = "mm/swap_state.c __read_swap_cache_async(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1")

    slot: int
    nodes: tuple[int, ...]
    memcg: int | None = None
    skip_if_exists: bool = False
    may_reclaim: bool = True
    folio: int = 0
    error: int = 0

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look whether the slot can be claimed; wait a tick while somebody else is about to fill it."""
        slot = v[v.at.slot[self.slot]]
        if v[v.at.swap_cache[self.slot]]:
            return self.give_up(v, -errno.EEXIST)
        if not slot.count:
            return self.give_up(v, -errno.ENOENT)
        if not slot.cache:
            return self.prepare if self.folio else self.alloc_folio
        if self.skip_if_exists:
            return self.give_up(v, -errno.EBUSY)
        return Wait(f"slot {self.slot}, which another swap-in has claimed")

    @step
    def alloc_folio(self, v: KernelView) -> Next:
        """Allocate the folio before the slot is marked, so that others wait no longer than they must.

        That may enter reclaim, which may write back the very page that is to be read.
        """
        self.folio = self.fresh_folio(v)
        if self.folio and self.may_reclaim and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.prepare)
        return self.prepare if self.folio else Return(-errno.ENOMEM)

    @step
    def prepare(self, v: KernelView) -> Next:
        """Mark the slot (swapcache_prepare), unless it was freed or claimed meanwhile."""
        slot = v[v.at.slot[self.slot]]
        if slot.count and not slot.cache:
            self.mark(v)
            return self.charge
        if slot.count and self.skip_if_exists:
            return self.give_up(v, -errno.EBUSY)
        return self.lookup

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the folio to its cgroup, which may enter reclaim while the slot shows a mark and no folio."""
        if self.may_reclaim and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.insert)
        return self.insert

    @step
    def insert(self, v: KernelView) -> Next:
        """Insert the folio into the swap cache; the tree node comes from no reserve, so it may fail."""
        if v.fails(choices.ADD_TO_SWAP_CACHE):
            v.emit("swapcache_add", swp=self.slot, ret=-12)
            return Call(v.ops.put_swap_folio(slot=self.slot, nr=1), self.unmarked)
        insert_for_read(v, self.folio, self.slot)
        return Return(self.folio)

    @step
    def unmarked(self, v: KernelView) -> Next:
        """Undo: the mark is gone, which has freed a slot that nobody named any more; free the folio."""
        return self.give_up(v, -errno.EAGAIN)

    def fresh_folio(self, v: KernelView) -> int:
        """Allocate the folio, locked and not filled; return its number, or 0."""
        return alloc_folio(v, self.nodes, self.memcg or 0, (UNKNOWN,), locked=True, uptodate=False)

    def mark(self, v: KernelView) -> None:
        """Mark the slot as cached and note whom its folio is charged to."""
        slot = v[v.at.slot[self.slot]]
        v[v.at.slot[self.slot]] = evolve(slot, cache=True)
        if self.memcg is None:
            v[v.at.folio[self.folio]] = evolve(live_folio(v, self.folio), memcg=slot.memcg)

    def give_up(self, v: KernelView, error: int) -> Return:
        """Free a folio that was allocated in vain and answer with an errno."""
        if self.folio:
            put_folio(v, self.folio)
        return Return(error)


@attrs.define
class SwapCacheAlloc618(SwapCacheAlloc612):
    """Claim a slot for reading where the swap cache is a table: inserting the folio cannot fail (6.18)."""

    source: ClassVar[str] = "mm/swap_state.c __read_swap_cache_async(), Linux 6.18.15"

    @step
    def insert(self, v: KernelView) -> Next:
        """Put the folio into the table word of the slot."""
        insert_for_read(v, self.folio, self.slot)
        return Return(self.folio)


@attrs.define
class SwapCacheAlloc73(SwapCacheAlloc612):
    """Claim a slot for reading: mark and folio are one word, so they come in one step, and the charge after.

    Nobody meets a slot that is marked and shows no folio, so nobody waits a tick; while a folio leaves the
    cache the lock of the slot's cluster is held.
    """

    source: ClassVar[str] = "mm/swap_state.c swap_cache_alloc_folio(), Linux 7.3.4"

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look whether the slot can be claimed."""
        error = self.why_not(v)
        return self.give_up(v, error) if error else self.alloc_folio

    @step
    def alloc_folio(self, v: KernelView) -> Next:
        """Allocate the folio with no lock held, which may enter reclaim."""
        self.folio = self.fresh_folio(v)
        if self.folio and self.may_reclaim and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.insert)
        return self.insert if self.folio else Return(-errno.ENOMEM)

    @step
    def insert(self, v: KernelView) -> Next:
        """Look again under the cluster's lock and put the locked folio into the table word."""
        error = self.why_not(v)
        if error:
            return self.give_up(v, error)
        if v[v.at.slot[self.slot]].cache:
            return Wait(f"the cluster of slot {self.slot}, whose folio is leaving the swap cache")
        self.mark(v)
        insert_for_read(v, self.folio, self.slot)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the folio, which may enter reclaim: everybody sees the locked folio by then."""
        if self.may_reclaim and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.end)
        return Return(self.folio)

    @step
    def end(self, v: KernelView) -> Next:
        """Answer the folio."""
        return Return(self.folio)

    def why_not(self, v: KernelView) -> int:
        """Return the errno that forbids claiming the slot, or 0: a folio is cached, or nobody names it."""
        if v[v.at.swap_cache[self.slot]]:
            return -errno.EEXIST
        return 0 if v[v.at.slot[self.slot]].count else -errno.ENOENT


@attrs.define
class ReadSwapCacheAsync(Operation):
    """Find the folio of a slot in the swap cache, or have one filled there.

    slot, nodes, memcg: as in ``SwapCacheAlloc612``.
    Value: the folio with a reference for the caller, or a negative errno as there.
    """

    source: ClassVar[str] = "mm/swap_state.c read_swap_cache_async(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1")

    slot: int
    nodes: tuple[int, ...]
    memcg: int | None = None
    folio: int = 0

    @step
    def begin(self, v: KernelView) -> Next:
        """Pin what keeps the slot's tables in memory; without it there is nothing to read."""
        return self.lookup if self.pin(v) else Return(-errno.ENOENT)

    @step
    def lookup(self, v: KernelView) -> Next:
        """Take the folio that is cached, or claim the slot."""
        self.folio = v[v.at.swap_cache[self.slot]]
        if self.folio:
            get_folio(v, self.folio)
            return self.end
        claim = v.ops.swap_cache_alloc_folio(slot=self.slot, nodes=self.nodes, memcg=self.memcg)
        return Call(claim, self.read)

    @step
    def read(self, v: KernelView) -> Next:
        """Fill a fresh folio; somebody else's is found by looking again."""
        if self.result == -errno.EEXIST:
            return self.lookup
        self.folio = self.result
        return Call(v.ops.swap_read(folio=self.folio), self.end) if self.folio > 0 else self.end

    @step
    def end(self, v: KernelView) -> Next:
        """Unpin and answer."""
        self.unpin(v)
        return Return(self.folio)

    def pin(self, v: KernelView) -> bool:
        """Pin the swap device; say whether it is there."""
        return get_swap_device(v)

    def unpin(self, v: KernelView) -> None:
        """Give the pin back."""
        put_swap_device(v)


@attrs.define
class SwapCacheDel(Operation):
    """Take a folio out of the swap cache and the cache's pin off its slots.

    folio: locked, in the swap cache, not under writeback.
    freeze: only if the folio is clean and nobody but the caller has a reference (folio_ref_freeze): whoever
        found it in the cache has one and is about to use it.
    Value: False if ``freeze`` forbade it.
    """

    source: ClassVar[str] = (
        "mm/swap_state.c delete_from_swap_cache(), mm/vmscan.c __remove_mapping(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    folio: int
    freeze: bool = False

    @step
    def remove(self, v: KernelView) -> Next:
        """Remove the folio; its slots keep the mark of the cache until they are put.

        The lock of the swap cache makes the look at the references and the removal one step.
        """
        folio = live_folio(v, self.folio)
        if self.freeze and (folio.refs > 1 or folio.dirty):
            return Return(False)
        nr = len(folio.contents)
        for s in slots_of(folio):
            v[v.at.swap_cache[s]] = 0
        v[v.at.folio[self.folio]] = evolve(folio, swap=0, swapcache=False)
        v[v.at.vm.nr_swapcached] -= nr
        v[v.at.mc[memcg.folio_memcg(v, folio)].swapcached] -= nr
        v.emit("swapcache_del", swp=folio.swap)
        return Call(v.ops.put_swap_folio(slot=folio.swap, nr=nr))


@attrs.define
class FolioFreeSwap(Operation):
    """Free a folio's swap slots if nothing but the swap cache refers to them.

    folio: locked.  Value: whether the slots were freed; then the folio is dirty, for it is the only copy.
    """

    source: ClassVar[str] = "mm/swapfile.c folio_free_swap(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    folio: int

    @step
    def check(self, v: KernelView) -> Next:
        """Refuse a folio outside the cache, under writeback, or with a slot in some page table.

        A count that is 0 stays 0: only an unmapping under the folio's lock raises it.
        """
        folio = live_folio(v, self.folio)
        if not folio.swapcache or folio.writeback or any(v[v.at.slot[s]].count for s in slots_of(folio)):
            return Return(False)
        return Call(v.ops.swap_cache_del(folio=self.folio), self.mark_dirty)

    @step
    def mark_dirty(self, v: KernelView) -> Next:
        """Mark the folio dirty."""
        folio = live_folio(v, self.folio)
        v[v.at.folio[self.folio]] = evolve(folio, dirty=True)
        return Return(True)


@attrs.define
class FreeFolios(Operation):
    """Give back references to folios that were unmapped, in the order in which they were gathered.

    folios: their numbers; the caller has a reference to each.  A folio in the swap cache frees its slots first
    if it can; one that cannot stays in the cache.
    """

    source: ClassVar[str] = "mm/swap_state.c free_pages_and_swap_cache(), Linux 6.12.117"

    folios: tuple[int, ...]
    next: int = 0

    @step
    def free_swap_cache(self, v: KernelView) -> Next:
        """Lock the next folio and try to free its slots; a mapped or locked folio is left alone."""
        if self.next == len(self.folios):
            return Return()
        number = self.folios[self.next]
        folio = live_folio(v, number)
        if not folio.swapcache or folio.rmap or folio.locked:
            return self.put
        lock_folio(v, number)
        return Call(v.ops.folio_free_swap(folio=number), self.unlock)

    @step
    def unlock(self, v: KernelView) -> Next:
        """Unlock the folio."""
        unlock_folio(v, self.folios[self.next])
        return self.put

    @step
    def put(self, v: KernelView) -> Next:
        """Give the reference back, which frees the folio if nothing refers to it."""
        number = self.folios[self.next]
        self.next += 1
        put_folio(v, number)
        return self.free_swap_cache
