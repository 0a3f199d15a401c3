"""Pool pages after two CPUs used the allocator at once.

Which of two allocations got the lock of a size class first, and whether both made a zspage, shows in no
event.  From then on the pages of a pool are inferred to lie between what its objects need at least and
what they can take at most.
"""

from __future__ import annotations

from refmodel.kernel.allocators import Zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView

PAGES_OF = {"vm.nr_zspages": 1, "zs.pool_total_size": PAGE_SIZE}
"""Counters of pool pages, with what they count a page as."""

NOTE = "pool pages are compared within bounds after two CPUs allocated at once: their order shows in no event"


def bounds(v: KernelView) -> tuple[int, int]:
    """Return the least and the most pages that the live objects of all pools can take."""
    rules = v.cfg.allocator
    assert isinstance(rules, Zsmalloc), "recordings on several CPUs are of kernels with zsmalloc"
    objects: dict[tuple[int, int], int] = {}
    for place in v.at.zs_object:
        stored = v[place]
        if stored is not None:
            objects[stored.pool, stored.size_class] = objects.get((stored.pool, stored.size_class), 0) + 1
    least = most = 0
    for (_, index), count in objects.items():
        shape = rules.shapes[index]
        least += -(-count // shape.objs_per_zspage) * shape.pages_per_zspage
        most += count * shape.pages_per_zspage
    return least, most
