"""From any legal slots or cluster: what a step leaves is legal again.

Each contract runs a real step on a system of which only the part in question is there.  The part is built from unknown
values that obey its invariant, whether a run leads to them or not; afterwards the invariant has to hold again.
"""

from __future__ import annotations

from types import SimpleNamespace

from refmodel.engines.contract import breaks
from refmodel.engines.part_of_system import called, part_of_system
from refmodel.kernel import swap_slots, vswap_alloc, vswap_free
from refmodel.kernel.state import SwapSlot
from refmodel.kernel.table import KernelView
from refmodel.kernel.vswap_state import VswapCluster
from refmodel.machine import Call, Next, evolve

SLOTS = 2
"""Slots that lose a reference together."""

CLUSTER = 4
"""Entries of a cluster."""

USED = 3
"""Entries of a cluster that can be in use when one of them is freed: the first ones."""

# --- a slot's references ----------------------------------------------------------------------------------


def dropping_references_frees_every_slot_once(
    slots: tuple[tuple[int, bool], ...],
) -> tuple[tuple[SwapSlot, ...], int]:
    """From any slots in use: each loses one reference, and as many are freed as had no other holder.

    Source: mm/swapfile.c swap_put_entries_cluster(), Linux 7.3.4
    Requirement: S1
    Random: SLOTS = 16

    pre: len(slots) == SLOTS
    pre: all(1 <= count <= 4 for count, _cached in slots)
    post: all(_[0][k].count == slots[k][0] - 1 for k in range(SLOTS))
    post: _[1] == sum(1 for count, cached in slots if count == 1 and not cached)
    """
    v = part_of_system([None, *[SwapSlot(count, cached) for count, cached in slots]], slot=range(SLOTS + 1))
    put = swap_slots.SwapPutMap73(slot=1, nr=SLOTS)
    freed = 0
    for _ in range(2 * SLOTS):
        if put.next < SLOTS or put.free_from >= 0:
            call = called(put.drop_one(v))
            freed += call[1]["nr"] if call else 0
    return tuple([v[slot] for slot in range(1, SLOTS + 1)]), freed


@breaks(dropping_references_frees_every_slot_once, swap_slots.SwapPutMap73.drop_one)
def frees_all_it_has_seen(self: swap_slots.SwapPutMap73, v: KernelView) -> Next:
    """The whole run is freed, whoever refers to it, and no count goes down."""
    self.next = self.nr
    return Call(v.ops.swap_range_free(slot=self.slot, nr=self.nr))


# --- a cluster of virtual entries -------------------------------------------------------------------------


def _cluster(bitmap: int, cached: bool) -> VswapCluster:
    """Return a cluster as its invariant has it."""
    count = bin(bitmap).count("1")
    return VswapCluster(order=0, count=count, cached=cached, refs=count + cached, bitmap=bitmap)


def _clusters(bitmap: int, cached: bool) -> KernelView:
    """Return a system with one cluster, of number 1, on no list."""
    cfg = SimpleNamespace(sizes=SimpleNamespace(vswap_cluster_size=CLUSTER))
    vswap = SimpleNamespace(cluster=[None, 0], partial=[1])
    folio = SimpleNamespace(contents=(0,), memcg=0)
    components = [_cluster(bitmap, cached), (), folio, *[None] * 2 * CLUSTER]
    return part_of_system(components, cfg=cfg, vswap=vswap, folio=[2], slot=range(3, 3 + 2 * CLUSTER))


def a_cluster_counts_what_it_hands_out(bitmap: int, cached: bool) -> tuple[bool, VswapCluster]:
    """From any legal cluster: an entry is handed out exactly if one is free, and bitmap, count and references agree.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S1, S2
    Random: CLUSTER = 512

    pre: 0 <= bitmap < 2**CLUSTER
    post: _[0] == (bitmap != 2**CLUSTER - 1)
    post: _[1].count == bin(_[1].bitmap).count("1") == bin(bitmap).count("1") + _[0]
    post: _[1].refs == _[1].count + cached
    """
    v = _clusters(bitmap, cached)
    taken = vswap_alloc.FolioAllocSwap(folio=0).take_run(v, 1)
    return taken, v[0]


@breaks(a_cluster_counts_what_it_hands_out, vswap_alloc.FolioAllocSwap.take_run)
def forgets_the_count(self: vswap_alloc.FolioAllocSwap, v: KernelView, number: int) -> bool:
    """The entry is taken although there is none, the count stays, and a reference too many is taken."""
    v[0] = evolve(v[0], bitmap=2**CLUSTER - 1, refs=v[0].refs + 2)
    return True


def a_cluster_goes_with_its_last_reference(bitmap: int, cached: bool, index: int) -> VswapCluster | None:
    """From any legal cluster: freeing an entry clears its bit, its count and its reference; without any it is gone.

    Source: mm/vswap.c vswap_free_nr(), Virtual Swap Space v6
    Requirement: S1, S2
    Random: CLUSTER = 512, USED = 512

    pre: 0 <= bitmap < 2**USED
    pre: 0 <= index < USED
    pre: bitmap // 2**index % 2 == 1
    post: (_ is None) == (bitmap == 2**index and not cached)
    post: implies(_ is not None, _.bitmap == bitmap - 2**index)
    post: implies(_ is not None, _.count == bin(_.bitmap).count("1") and _.refs == _.count + cached)
    """
    v = _clusters(bitmap, cached)
    vswap_free.VswapFree(slot=CLUSTER + index, nr=1).clear_bits(v)
    left: VswapCluster | None = v[0]
    return left


@breaks(a_cluster_goes_with_its_last_reference, vswap_free.VswapFree.clear_bits)
def keeps_the_cluster(self: vswap_free.VswapFree, v: KernelView) -> None:
    """The cluster stays for ever, and all its entries with it."""


@breaks(a_cluster_goes_with_its_last_reference, vswap_free.VswapFree.clear_bits)
def drops_a_reference_twice(self: vswap_free.VswapFree, v: KernelView) -> None:
    """The entry is gone, its count stays, and the cluster loses two references."""
    v[0] = evolve(v[0], bitmap=v[0].bitmap & ~(1 << self.slot - CLUSTER), refs=v[0].refs - 2)
