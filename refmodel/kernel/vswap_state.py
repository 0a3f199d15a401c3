"""Virtual swap: what the descriptors of swapped-out pages are made of (mm/vswap.c, Virtual Swap Space v6).

Page tables name virtual entries; a descriptor says where the bytes of an entry are.  The model keeps a
descriptor as the join of rows that all have the virtual entry as their index:

| descriptor field | component |
|---|---|
| swap count n, cache pin k, recorded memcg id | ``slot[entry]`` (count, cache, memcg) |
| swap cache folio | ``swap_cache[entry]`` |
| type S and the physical slot | ``vswap.physical[entry]`` |
| type Z | ``zeromap[entry]`` |
| type C and the zswap entry | ``tree[entry]`` |
| type F | allocated, and none of the three above |
| not allocated | clear bit in the bitmap of the entry's ``vswap.cluster`` |

The type is therefore derived; that it is exactly one is property SD-1.  Only what lies on the swap device
has a physical slot: ``device``, ``vswap.rmap`` and ``vswap.allocated`` count in slots, offset 0 unused.
Virtual entry 0 is never handed out, so 0 means "no entry" and "no slot" alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import attrs

from refmodel.kernel.vswap_decisions import cluster_and_index
from refmodel.machine import Layout, Place, component

if TYPE_CHECKING:
    from refmodel.kernel.config import Config
    from refmodel.kernel.table import KernelView


class Backing(StrEnum):
    """Where the bytes of a virtual entry are; UNALLOCATED stands for an entry without a descriptor."""

    UNALLOCATED = "U"
    SWAPFILE = "S"
    ZERO = "Z"
    ZSWAP = "C"
    FOLIO = "F"


@component
class VswapCluster:
    """A run of virtual entries that are allocated together and share one lock.

    order: of the folios that it serves, for as long as it lives.
    count: allocated entries.
    cached: it is reserved to one CPU.
    full: it was found without room, so it is on no list; freeing entries puts it back.
    refs: count, plus one while cached, plus one per pin of a fault; at 0 the cluster is freed.
    bitmap: bit i set: entry i of the cluster is allocated.
    """

    order: int
    count: int = 0
    cached: bool = False
    full: bool = False
    refs: int = 0
    bitmap: int = 0


@component
class RmapWord:
    """The reverse map of one physical slot.

    entry: the virtual entry that has the slot, or 0.
    cache_only: no page table names the entry, only the swap cache holds it, so the slot can be taken.
    """

    entry: int = 0
    cache_only: bool = False


NO_ENTRY = RmapWord()


@attrs.frozen
class VswapPlaces:
    """Places of virtual swap; without it the rows are empty."""

    cluster: Sequence[Place[VswapCluster | None]]
    cpu_cluster: Sequence[Sequence[Place[int | None]]]
    """[cpu][order]: the cluster that is reserved to the CPU, or None."""
    partial: Sequence[Place[tuple[int, ...]]]
    """[order]: clusters with room that no CPU has, first to be tried first."""
    physical: Sequence[Place[int]]
    """[entry]: physical slot, or 0."""
    rmap: Sequence[Place[RmapWord]]
    """[slot]"""
    allocated: Place[int]
    """Bit s set: physical slot s is handed out.  Bit 0 is always set."""
    id_refs: Sequence[Place[int]]
    """[memcg]: references to its id that descriptors hold."""
    used: Place[int]
    """debugfs vswap/used: allocated entries."""
    alloc_reject: Place[int]
    """debugfs vswap/alloc_reject: pages that got no entry."""


def virtual_entries(config: Config) -> int:
    """Return how many virtual entries there are, entry 0 included.

    Raises ValueError when a cluster cannot hold a folio of the largest order.
    """
    size, clusters = config.sizes.vswap_cluster_size, config.sizes.vswap_clusters
    if size.bit_count() != 1 or size < 1 << config.sizes.max_order:
        raise ValueError(
            f"vswap_cluster_size {size}: expected a power of two of at least {1 << config.sizes.max_order} "
            f"entries, the pages of a folio of max_order {config.sizes.max_order}"
        )
    return size * clusters


def describe_vswap(layout: Layout, config: Config, slots: int) -> VswapPlaces:
    """Lay out virtual swap: no cluster exists, no physical slot is handed out.

    slots: offsets of the swap device, offset 0 included.
    """
    size, there = config.sizes, config.options.virtual_swap
    orders = size.max_order + 1 if there else 0
    return VswapPlaces(
        cluster=layout.row("vswap.cluster", size.vswap_clusters if there else 0, None),
        cpu_cluster=layout.grid("vswap.cpu_cluster", size.cpus if there else 0, orders, None),
        partial=layout.row("vswap.partial", orders, ()),
        physical=layout.row("vswap.physical", virtual_entries(config) if there else 0, 0),
        rmap=layout.row("vswap.rmap", slots if there else 0, NO_ENTRY),
        allocated=layout.one("vswap.allocated", 1),
        id_refs=layout.row("vswap.id_refs", size.memcgs + 1 if there else 0, 0),
        used=layout.counter("vswap.used"),
        alloc_reject=layout.counter("vswap.alloc_reject", grows=True),
    )


# --- descriptors ------------------------------------------------------------------------------------------


@attrs.frozen
class Descriptor:
    """One descriptor as the kernel keeps it, put together for a reader.

    slot: physical slot.  zswap: number of the zswap entry.  folio: swap cache folio.  Each is 0 if none.
    count: page-table entries that name the entry (n).  cached: pin of the swap cache (k).
    """

    entry: int
    backing: Backing
    slot: int
    zswap: int
    folio: int
    count: int
    cached: bool
    memcg: int


def cluster_of(v: KernelView, entry: int) -> tuple[int, int]:
    """Return the cluster of a virtual entry and the entry's number in it."""
    return cluster_and_index(entry, v.cfg.sizes.vswap_cluster_size)


def is_allocated(v: KernelView, entry: int) -> bool:
    """Whether a virtual entry has a descriptor."""
    number, index = cluster_of(v, entry)
    cluster = v[v.at.vswap.cluster[number]]
    return cluster is not None and bool(cluster.bitmap >> index & 1)


def allocated_entries(v: KernelView) -> Iterator[int]:
    """Yield the virtual entries that have a descriptor, ascending."""
    size = v.cfg.sizes.vswap_cluster_size
    for number, place in enumerate(v.at.vswap.cluster):
        cluster = v[place]
        bitmap = cluster.bitmap if cluster else 0
        while bitmap:
            yield number * size + (bitmap & -bitmap).bit_length() - 1
            bitmap &= bitmap - 1


def backing(v: KernelView, entry: int) -> Backing:
    """Return where the bytes of a virtual entry are."""
    if v[v.at.vswap.physical[entry]]:
        return Backing.SWAPFILE
    if v[v.at.zeromap[entry]]:
        return Backing.ZERO
    if v[v.at.tree[entry]]:
        return Backing.ZSWAP
    return Backing.FOLIO if is_allocated(v, entry) else Backing.UNALLOCATED


def descriptor(v: KernelView, entry: int) -> Descriptor:
    """Return the descriptor of a virtual entry."""
    slot = v[v.at.slot[entry]]
    return Descriptor(
        entry=entry,
        backing=backing(v, entry),
        slot=v[v.at.vswap.physical[entry]],
        zswap=v[v.at.tree[entry]],
        folio=v[v.at.swap_cache[entry]],
        count=slot.count,
        cached=slot.cache,
        memcg=slot.memcg,
    )
