"""The pool's allocator as zswap sees it: handles, sizes, pages (mm/zsmalloc.c, mm/zpool.c).

Page accounting is exact (``refmodel.kernel.allocators``).  Migration and compaction are left out.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from refmodel.kernel import choices
from refmodel.kernel.state import ZsObject
from refmodel.kernel.table import lowest_free
from refmodel.kernel.zram_state import POOL
from refmodel.machine import evolve

if TYPE_CHECKING:
    from refmodel.kernel.allocators import Allocator
    from refmodel.kernel.table import KernelView

HEADER_BYTES = 8
"""Bytes in front of an object that can be evicted: its slot number (struct zswap_header, 6.1)."""


def allocator_of(v: KernelView, pool: int) -> Allocator:
    """Return the allocator of a pool that exists; zram's is zsmalloc."""
    if pool == POOL:
        return v.cfg.allocators["zsmalloc"]
    record = v[v.at.pool[pool]]
    assert record is not None
    return v.cfg.allocators[record.zpool]


def header_bytes(v: KernelView, pool: int) -> int:
    """Return the bytes that zswap of 6.1 puts in front of an object of a pool."""
    return HEADER_BYTES if allocator_of(v, pool).evicts else 0


def malloc(v: KernelView, pool: int, size: int, data: Any, nid: int) -> int:
    """Allocate an object of ``size`` bytes in a pool; return its handle, or a negative errno.

    nid: the node that its memory should come from.

    -ENOMEM when there is no memory for the handle (there are ``Sizes.objects``) or for pages; the size
    errors are the allocator's own.  Nothing is kept on failure (zs_malloc, mm/zsmalloc.c, 6.12.117).
    """
    allocator, used = allocator_of(v, pool), v[v.at.objects_used]
    observed, index, handle = allocator.observed, allocator.class_of(size), lowest_free(used)
    if index < 0:
        return refuse(v, size, index, observed=observed)
    place = v.at.zs_class[pool][index]
    state = v[place]
    if handle == len(v.at.zs_object) or (
        allocator.needs_memory(state, size) and v.fails(choices.ALLOC_OBJECT)
    ):
        return refuse(v, size, -errno.ENOMEM, observed=observed)
    v[place], where, pages = allocator.place(state, index, size)
    v[v.at.objects_used] = used | 1 << handle
    v[v.at.zs_object[handle]] = ZsObject(pool, size, index, where, data, nid)
    if pages:
        count_pages(v, pool, pages, counted=observed)
    if observed:
        v.emit("zs_malloc", size=size, ret=0, h=handle)
    return handle


def refuse(v: KernelView, size: int, error: int, *, observed: bool) -> int:
    """Answer a request for ``size`` bytes with a negative errno, and tell observers if they see such calls."""
    if observed:
        v.emit("zs_malloc", size=size, ret=error)
    return error


def write_header(v: KernelView, handle: int, slot: int) -> None:
    """Put the slot of an object in front of it, for whoever evicts it (6.1)."""
    stored = v[v.at.zs_object[handle]]
    assert stored is not None
    v[v.at.zs_object[handle]] = evolve(stored, slot=slot)


def free(v: KernelView, handle: int) -> None:
    """Free an object (zs_free).

    Raises LookupError when the handle leads nowhere: a double free, which no correct run reaches.
    """
    stored = v[v.at.zs_object[handle]]
    if stored is None:
        raise LookupError(f"zsmalloc handle {handle}: freed although it leads to no object")
    allocator = allocator_of(v, stored.pool)
    observed = allocator.observed
    if observed:
        v.emit("zs_free", h=handle, nid=stored.nid)
    place = v.at.zs_class[stored.pool][stored.size_class]
    v[place], pages = allocator.remove(v[place], stored.size_class, stored.zspage)
    v[v.at.zs_object[handle]] = None
    v[v.at.objects_used] &= ~(1 << handle)
    if pages:
        count_pages(v, stored.pool, -pages, counted=observed)


def count_pages(v: KernelView, pool: int, pages: int, *, counted: bool) -> None:
    """Note that an allocator took pages for a pool, or gave pages back (negative).

    counted: whether nr_zspages counts them.
    """
    v[v.at.pool_pages[pool]] += pages
    if counted:
        v[v.at.vm.nr_zspages] += pages


def update_total_size(v: KernelView) -> None:
    """Remember how many pages the pools on the list have (zswap_update_total_size, mm/zswap.c, 6.1).

    The limit is judged by the remembered number, which is one page too high after zbud has evicted a page:
    the last object goes before the page does.
    """
    v[v.at.pool_total_size] = sum(v[v.at.pool_pages[pool]] for pool in v[v.at.pool_list])


def slot_at(v: KernelView, pool: int, where: int) -> int:
    """Return the slot in the header of the object that lies somewhere in a pool that evicts (6.1).

    Raises LookupError when no object lies there.
    """
    for place in v.at.zs_object:
        stored = v[place]
        if stored is not None and (stored.pool, stored.zspage) == (pool, where):
            return stored.slot
    raise LookupError(f"pool {pool}: no object at {where}; ask for the places that its allocator names")
