"""B01: Entries that are allocated in bulk land on the LRU list of the wrong node.

The list of an entry was found through the memory of the entry itself, which an ordinary allocation takes
from the page's node. Bulk allocation takes it from the node of the CPU that reclaims. Then the shrinker of
the page's node finds nothing to free, and the shrinker of the other node writes back pages that are not its
own and reports them as freed there. The remedy keeps the page's node in the entry. As the released kernels
have it, the list may differ from the page's node only when memory was short (H-11); the demonstration rules
that out.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store import ZswapStore73, alloc_entry
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do

CPU_NODE = 0
"""The node of the CPU that reclaims."""


@attrs.define
class AllocatesAtCpu(ZswapStore73):
    """Store a folio; entries come from the node of the CPU."""

    @step
    def alloc_entry(self, v: KernelView) -> Next:
        """Allocate the entry of the next page without saying for which node."""
        self.entry = alloc_entry(v, CPU_NODE)
        return self.compress if self.entry else self.put_pool


EXHIBIT = Exhibit(
    id="B01",
    about=__doc__,
    source="review of v12 22/23 of the batching series (Yosry Ahmed and Nhat Pham, October 2025)",
    evidence="A",
    base="linux-7.3",
    operations={"zswap_store": AllocatesAtCpu},
    breaks=("PLACE",),
    demands=("PLACE",),
    never=("entry_node",),
    program=(
        do("bind", process=0, nid=1),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
)
