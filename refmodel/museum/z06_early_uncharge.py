"""Z06: The owner's reference is dropped before the LRU removal that needs it.

Freeing an entry uncharges its owner and drops the owner's reference, and only then takes the entry off
its LRU list, which it finds through the owner. If that was the last reference and the cgroup goes away
in between, the owner is used after it was freed. One actor shows the wrong order; the crash takes a
second one.
"""

from typing import ClassVar

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import ZswapEntryFree, live_entry
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class LetsOwnerGoFirst(ZswapEntryFree):
    """Free an entry, its charge first."""

    first: ClassVar[str] = "uncharge"

    @step
    def uncharge(self, v: KernelView) -> Next:
        """Take the charge back and drop the owner, perhaps for the last time."""
        entry = live_entry(v, self.entry)
        if entry.objcg:
            memcg.uncharge_zswap(v, entry.objcg, entry.length)
        return self.lru_del

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Drop the pool reference; the owner is gone already."""
        ZswapEntryFree.put_pool(self, v)
        return self.free_metadata


EXHIBIT = Exhibit(
    id="Z06",
    about=__doc__,
    source='patch "mm: zswap: fix objcg use-after-free in entry destruction" (January 2024)',
    evidence="A",
    base="linux-6.12",
    operations={"zswap_entry_free": LetsOwnerGoFirst},
    breaks=("ZS-16",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", mm=0, page=0),
    ),
)
