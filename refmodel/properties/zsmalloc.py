"""The page accounting of the pools' allocator."""

from __future__ import annotations

from refmodel.kernel.allocators import Zsmalloc
from refmodel.kernel.zsmalloc_classes import EMPTY
from refmodel.properties.index import Index, row
from refmodel.properties.property import state_property


@state_property(
    "ZSM-1",
    source="mm/zsmalloc.c zs_get_total_pages(), zs_pool_stats, Linux 6.12.117",
    requirements=("Z1",),
    bug="pages_for_nothing",
)
def pool_pages(index: Index) -> str | None:
    """A pool has the pages of the zspages that hold its objects, and nr_zspages counts those of all pools."""
    v = index.v
    allocator = v.cfg.allocator
    if not isinstance(allocator, Zsmalloc):
        return None
    expected = [0] * len(v.at.pool_pages)
    for (pool, size_class), held in index.zspages.items():
        expected[pool] += held.bit_count() * allocator.rules[size_class].pages_per_zspage
    found = row(v, v.at.pool_pages)
    if found != expected:
        return f"the pools have {found} pages; expected {expected}, those of the zspages with objects"
    total = v[v.at.vm.nr_zspages]
    if total == sum(found):
        return None
    return f"nr_zspages is {total}; expected {sum(found)}, the pages of all pools"


@state_property(
    "ZSM-2",
    source="mm/zsmalloc.c zs_free(), free_zspage(), Linux 6.12.117",
    requirements=("Z1",),
    bug="zspage_kept",
)
def zspages_of_classes(index: Index) -> str | None:
    """A size class has exactly the zspages that hold an object of it."""
    v = index.v
    if not isinstance(v.cfg.allocator, Zsmalloc):
        return None
    for (pool, size_class), expected in index.zspages.items():
        found = v[v.at.zs_class[pool][size_class]].ids
        if found != expected:
            where = f"size class {size_class} of pool {pool}"
            return f"{where} has the zspages {found:#b} (bit n: zspage n); expected {expected:#b}"
    for pool in v[v.at.pool_list]:
        states = row(v, v.at.zs_class[pool])
        found, expected = (
            len(states) - states.count(EMPTY),
            sum(pool == number for number, _ in index.zspages),
        )
        if found != expected:
            return f"pool {pool} has zspages in {found} size classes; expected {expected}, those with objects"
    return None
