"""The page accounting of the pools' allocators."""

from __future__ import annotations

from typing import Any

from refmodel.kernel.allocators import Allocator, Zbud, Zsmalloc
from refmodel.kernel.zram_state import POOL
from refmodel.properties.index import Index, row
from refmodel.properties.property import state_property


@state_property(
    "ZSM-1",
    source="mm/zsmalloc.c zs_get_total_pages(), mm/zbud.c zbud_get_pool_size(), Linux 6.12.117",
    requirements=("Z1",),
    bug="pages_for_nothing",
)
def pool_pages(index: Index) -> str | None:
    """A pool has the pages in which its objects lie, and nr_zspages counts those of all zsmalloc pools."""
    v = index.v
    expected = [0] * len(v.at.pool_pages)
    zsmalloc = 0
    for (pool, size_class), held in index.places.items():
        allocator = _allocator(index, pool)
        pages = _pages(allocator, size_class, held)
        expected[pool] += pages
        zsmalloc += pages if isinstance(allocator, Zsmalloc) else 0
    found = row(v, v.at.pool_pages)
    if found != expected:
        return f"the pools have {found} pages; expected {expected}, those in which their objects lie"
    total = v[v.at.vm.nr_zspages]
    return (
        None if total == zsmalloc else f"nr_zspages is {total}; expected {zsmalloc}, the pages of all pools"
    )


@state_property(
    "ZSM-2",
    source="mm/zsmalloc.c zs_free(), free_zspage(), mm/zbud.c zbud_free(), Linux 6.12.117",
    requirements=("Z1",),
    bug="zspage_kept",
)
def places_of_objects(index: Index) -> str | None:
    """An allocator thinks taken the places where objects lie, and no others."""
    v = index.v
    for (pool, size_class), expected in index.places.items():
        found = _taken(_allocator(index, pool), v[v.at.zs_class[pool][size_class]])
        if found != expected:
            where = f"size class {size_class} of pool {pool}"
            return f"{where} has the places {found:#b} taken (bit n: place n); expected {expected:#b}"
    for pool in v[v.at.pool_list]:
        allocator = _allocator(index, pool)
        if allocator is None:
            continue
        states = row(v, v.at.zs_class[pool][: allocator.classes])
        found, expected = len(states) - states.count(allocator.empty), sum(p == pool for p, _ in index.places)
        if found != expected:
            return f"pool {pool} has objects in {found} size classes; expected {expected}"
    return None


def _allocator(index: Index, pool: int) -> Allocator | None:
    """Return the allocator of a pool, None if the pool was destroyed; zram's is zsmalloc."""
    if pool == POOL:
        return index.v.cfg.allocators["zsmalloc"]
    record = index.v[index.v.at.pool[pool]]
    return None if record is None else index.v.cfg.allocators[record.zpool]


def _pages(allocator: Allocator | None, size_class: int, held: int) -> int:
    """Return the pages in which objects lie at the places of a map."""
    match allocator:
        case Zsmalloc():
            return held.bit_count() * allocator.shapes[size_class].pages_per_zspage
        case Zbud():
            return sum(bool(held >> place & 3) for place in range(0, held.bit_length(), 2))
    return 0


def _taken(allocator: Allocator | None, state: Any) -> int:
    """Return the map of the places that an allocator thinks taken."""
    match allocator:
        case Zsmalloc():
            return int(state.ids)
        case Zbud():
            buddies = [(page.first_chunks, page.last_chunks) if page else (0, 0) for page in state.pages]
            return sum(bool(chunks) << i for i, chunks in enumerate(c for pair in buddies for c in pair))
    return 0
