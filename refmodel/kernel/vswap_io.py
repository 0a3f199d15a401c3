"""Swap-out and swap-in of folios with virtual entries (mm/page_io.c, mm/memory.c, Virtual Swap Space v6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.crypto import is_zero
from refmodel.kernel.page_io import ACTIVATE, WRITTEN, EndSwapWrite, SwapRead, SwapWritepage
from refmodel.kernel.state import Folio
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.swap_slots import slots_of
from refmodel.kernel.swap_state import ReadSwapCacheAsync
from refmodel.kernel.vmscan import ShrinkFolio
from refmodel.kernel.vswap_alloc import live_cluster, put_swap_entry, tryget_swap_entry
from refmodel.kernel.vswap_backing import keeps_backing
from refmodel.kernel.vswap_free import mark_cache_only
from refmodel.kernel.vswap_state import cluster_of
from refmodel.machine import Call, Next, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class VswapShrinkFolio(ShrinkFolio):
    """Reclaim one folio of anonymous memory whose entries are virtual."""

    source: ClassVar[str] = "mm/vmscan.c shrink_folio_list(), Virtual Swap Space v6"

    @step
    def unmap(self, v: KernelView) -> Next:
        """Replace every page-table entry of the folio by a swap entry, each with a count of its own.

        An entry that was left to the swap cache is named again, so the mark of its slot is cleared (DU).
        """
        following = super().unmap(v)
        for entry in slots_of(self.the_folio(v)):
            mark_cache_only(v, entry)
        return following


@attrs.define
class SwapWriteout(SwapWritepage):
    """Swap a folio out: to nowhere, to a zero mark, to zswap, or to a slot that is allocated only then.

    folio: locked, in the swap cache, unmapped, its dirty flag just cleared.
    Value: ``WRITTEN`` (unlocked) or ``ACTIVATE`` (locked and dirty).
    """

    source: ClassVar[str] = "mm/page_io.c swap_writeout(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S1", "S3", "S4", "S5")

    @step
    def check_zero(self, v: KernelView) -> Next:
        """Keep a folio full of zeroes as marks; whatever backed its entries goes first (WO3)."""
        if self.result:
            self.change(v, locked=False)
            return Return(WRITTEN)
        folio = self.the_folio(v)
        if not all(is_zero(content) for content in folio.contents):
            return self.homogenise
        return Call(v.ops.vswap_release_backing(slot=folio.swap, nr=len(folio.contents)), self.set_zero)

    @step
    def set_zero(self, v: KernelView) -> Next:
        """Mark the entries as pages of zeroes."""
        folio = self.the_folio(v)
        for entry in slots_of(folio):
            v[v.at.zeromap[entry]] = True
        v[v.at.vm.swpout_zero] += len(folio.contents)
        v[v.at.mc[memcg.folio_memcg(v, folio)].swpout_zero] += len(folio.contents)
        self.change(v, locked=False)
        return Return(WRITTEN)

    @step
    def homogenise(self, v: KernelView) -> Next:
        """Release what an earlier cycle left, unless it is slots in a row that can be written again (WO4).

        An old zswap entry must not outlive newer bytes on the device, and a mixed range can neither be
        stored nor written as a whole.
        """
        folio = self.the_folio(v)
        nr = len(folio.contents)
        if keeps_backing(v, folio.swap, nr):
            return self.store
        return Call(v.ops.vswap_release_backing(slot=folio.swap, nr=nr), self.store)

    @step
    def after_store(self, v: KernelView) -> Next:
        """Done if zswap took it; else to a slot of the device, unless its cgroup forbids that (WO6)."""
        folio = self.the_folio(v)
        if self.result or not memcg.writeback_enabled(v, memcg.folio_memcg(v, folio)):
            return super().after_store(v)
        slots = v.ops.vswap_alloc_swap_slot(slot=folio.swap, nr=len(folio.contents))
        return Call(slots, self.after_slot)

    @step
    def after_slot(self, v: KernelView) -> Next:
        """Write the folio; without a slot it stays in memory, a large one unsplit (WO7)."""
        if self.result:
            return Call(v.ops.swap_write_device(folio=self.folio), self.written)
        self.change(v, dirty=True)
        return Return(ACTIVATE)


@attrs.define
class VswapEndSwapWrite(EndSwapWrite):
    """The device has finished writing a folio into the physical slots of its entries."""

    source: ClassVar[str] = "mm/page_io.c __end_swap_bio_write(), Virtual Swap Space v6"

    @step
    def complete(self, v: KernelView) -> Next:
        """Put the bytes on the device, or keep the folio dirty; end writeback.  The type stays SWAPFILE."""
        folio = self.the_folio(v)
        if v.fails(choices.DISK_WRITE):
            self.change(v, dirty=True, reclaim=False, writeback=False)
            return Return()
        for entry, content in zip(slots_of(folio), folio.contents, strict=True):
            v[v.at.device[v[v.at.vswap.physical[entry]]]] = content
        self.change(v, reclaim=False, writeback=False)
        return Return()


@attrs.define
class VswapSwapRead(SwapRead):
    """Fill a locked folio from whatever backs its entries, and unlock it."""

    source: ClassVar[str] = "mm/page_io.c swap_read_folio(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1")

    @step
    def read_device(self, v: KernelView) -> Next:
        """Read the physical slots from the device and unlock."""
        folio = self.the_folio(v)
        contents = tuple(v[v.at.device[v[v.at.vswap.physical[entry]]]] for entry in slots_of(folio))
        v[v.at.folio[self.folio]] = evolve(folio, contents=contents, uptodate=True, locked=False)
        v[v.at.vm.pswpin] += len(contents)
        if v.cfg.options.memcg_counts_disk:
            v[v.at.mc[memcg.folio_memcg(v, folio)].pswpin] += len(contents)
        return Return()


@attrs.define
class VswapReadSwapCacheAsync(ReadSwapCacheAsync):
    """Find the folio of a virtual entry in the swap cache, or have one filled there."""

    source: ClassVar[str] = "mm/swap_state.c read_swap_cache_async(), Virtual Swap Space v6"

    def pin(self, v: KernelView) -> bool:
        """Pin the cluster of the entry (PF1)."""
        return tryget_swap_entry(v, self.slot)

    def unpin(self, v: KernelView) -> None:
        """Drop the pin of the cluster (PF11)."""
        put_swap_entry(v, self.slot)


@attrs.define
class VswapDoSwapPage(DoSwapPage):
    """A fault on a virtual entry: pin its cluster, find or read the page, map it, unpin.

    Value: None, ``RETRY``, ``SIGBUS`` or ``OOM``.
    """

    source: ClassVar[str] = "mm/memory.c do_swap_page(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S1", "S7")

    @step
    def drop_count(self, v: KernelView) -> Next:
        """Drop the references of the page-table entries that are about to map the folio (PF9, SF3)."""
        following = super().drop_count(v)
        for place in self.entries(v):
            mark_cache_only(v, v[place].slot)
        return following

    def pin(self, v: KernelView) -> bool:
        """Pin the cluster; what backs the entry may still change (PF1).

        It is there: a page table names the entry in this very step.
        """
        live_cluster(v, cluster_of(v, self.orig.slot)[0])
        return tryget_swap_entry(v, self.orig.slot)

    def unpin(self, v: KernelView) -> None:
        """Drop the pin of the entry that the fault began with (PF11)."""
        put_swap_entry(v, self.orig.slot)

    def can_read_directly(self, v: KernelView) -> bool:
        """Whether the entry has a slot, which alone may be read privately; asked again at the claim (PF3, PF4)."""
        return v[v.at.vswap.physical[self.orig.slot]] != 0

    def should_free_swap(self, v: KernelView, folio: Folio, mapped: int = 0) -> bool:
        """Whether the swap cache copy is dropped now (PF10).

        Without slots in a row always, for such a copy cannot be used again; else as ever.
        """
        reusable = v[v.at.vswap.physical[folio.swap]] and keeps_backing(v, folio.swap, len(folio.contents))
        return not reusable or super().should_free_swap(v, folio, mapped)
