"""G1: An entry goes on its LRU list before it is complete.

Store and invalidate are kept away from a half-made entry by the folio lock, and writeback by the entry
not being on a list yet; a comment in zswap_store says so. With the LRU step moved forward, writeback can
pick an entry that names no slot, no pool and no owner. A single actor sees the entry on the wrong list,
for the list is found through the owner.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_store import ZswapStore73, lru_add
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class ListsTooEarly(ZswapStore73):
    """Store a folio; writeback can see an entry before slot, pool and owner stand in it."""

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the page and put its half-made entry on a list."""
        ZswapStore73.charge(self, v)
        return self.list_half_made

    @step
    def list_half_made(self, v: KernelView) -> Next:
        """Put the entry on the list that an entry without owner belongs on: the root's."""
        entry = live_entry(v, self.entry)
        lru_add(v, self.entry, entry, entry.slab_nid)
        return self.init_entry

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Go on with the next page: the entry is listed already."""
        self.index += 1
        return self.alloc_entry if self.index < len(self.the_folio(v).contents) else self.count


SCOPE = """
[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="G1",
    about=__doc__,
    source="comment in zswap_store(), mm/zswap.c 6.12.117; asked again for v12 of batching",
    evidence="B",
    base="linux-7.3",
    operations={"zswap_store": ListsTooEarly},
    breaks=("ZS-5", "ZS-29"),
    program=(do("write_page", mm=0, page=0, content=1), do("madvise_pageout", mm=0, page=0)),
    scope=SCOPE,
    meets="ZS-15",
)
