"""The swap cache: leaving it, and trying to (mm/swap_state.c, mm/swapfile.c).

At most one folio holds a slot, and a slot that a folio holds is not freed: so putting a folio into the
cache is how a slot is acquired, by stores, loads and writeback alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.folio import live_folio
from refmodel.kernel.swap_slots import slots_of
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def free_folio(v: KernelView, number: int) -> None:
    """Give a folio that nothing refers to back to the page allocator."""
    v[v.at.folio[number]] = None
    v[v.at.folios_used] &= ~(1 << number)


@attrs.define
class SwapCacheDel(Operation):
    """Take a folio out of the swap cache and the cache's pin off its slots.

    folio: locked, in the swap cache, not under writeback.
    """

    source: ClassVar[str] = "mm/swap_state.c delete_from_swap_cache(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("S1",)

    folio: int

    @step
    def remove(self, v: KernelView) -> Next:
        """Remove the folio; its slots keep the mark of the cache until they are put."""
        folio = live_folio(v, self.folio)
        nr = len(folio.contents)
        for s in slots_of(folio):
            v[v.at.swap_cache[s]] = 0
        v[v.at.folio[self.folio]] = evolve(folio, swap=0, swapcache=False)
        v[v.at.vm.nr_swapcached] -= nr
        v[v.at.mc[folio.memcg].swapcached] -= nr
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
        """Refuse a folio outside the cache, under writeback, or with a slot in some page table."""
        folio = live_folio(v, self.folio)
        if not folio.swapcache or folio.writeback or any(v[v.at.slot[s]].count for s in slots_of(folio)):
            return Return(False)
        return Call(v.ops.swap_cache_del(folio=self.folio), then=self.mark_dirty)

    @step
    def mark_dirty(self, v: KernelView) -> Next:
        """Mark the folio dirty."""
        folio = live_folio(v, self.folio)
        v[v.at.folio[self.folio]] = evolve(folio, dirty=True)
        return Return(True)


@attrs.define
class FreeFolios(Operation):
    """Drop the last references to folios that were unmapped, in the order in which they were gathered.

    folios: their numbers.  A folio in the swap cache frees its slots first if it can; one that cannot
    stays in the cache.
    """

    source: ClassVar[str] = "mm/swap_state.c free_pages_and_swap_cache(), Linux 6.12.117"

    folios: tuple[int, ...]
    next: int = 0

    @step
    def free_swap_cache(self, v: KernelView) -> Next:
        """Try to free the next folio's slots; a mapped or locked folio is left alone."""
        if self.next == len(self.folios):
            return Return()
        folio = v[v.at.folio[self.folios[self.next]]]
        if folio is not None and folio.swapcache and not folio.rmap and not folio.locked:
            return Call(v.ops.folio_free_swap(folio=self.folios[self.next]), then=self.put)
        return self.put

    @step
    def put(self, v: KernelView) -> Next:
        """Free the folio if nothing refers to it."""
        number = self.folios[self.next]
        self.next += 1
        folio = v[v.at.folio[number]]
        if folio is not None and not folio.rmap and not folio.swapcache:
            free_folio(v, number)
        return self.free_swap_cache
