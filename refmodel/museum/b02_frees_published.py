"""B02: A page that cannot be published frees the whole folio's entries, although earlier ones are visible.

Some pages of a large folio are in the tree already when publishing the next one fails. The local clean-up
frees the objects and entries of all pages of the store; then the exit of the store walks the slots of the
folio, finds the published entries and frees them again. The series had this in its batches; here the unit
is the folio that 6.18 and 7.3 store page by page. The two ranges must be disjoint: published pages are
undone by the outer exit only.
"""

import attrs

from refmodel.kernel import zsmalloc
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import free_entry_memory, live_entry
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class FreesPublished(ZswapStore73):
    """Store a folio; a failed publication frees every entry that the store has made."""

    @step
    def free_object(self, v: KernelView) -> Next:
        """Free objects and entries of the pages before, which are published, and then those of this page."""
        first = self.the_folio(v).swap
        for slot in range(first, first + self.index):
            entry = v[v.at.tree[slot]]
            zsmalloc.free(v, live_entry(v, entry).handle)
            free_entry_memory(v, entry)
        return ZswapStore73.free_object(self, v)


SCOPE = """
[system]
pages = 4
slots = 8
folios = 5
entries = 5
objects = 5
max_order = 2
totalram_pages = 60

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)"]

[environment]
faults = ["xa_store"]
"""

EXHIBIT = Exhibit(
    id="B02",
    about=__doc__,
    source='changelog v5 to v6 of "zswap compression batching", zswap_store_folio() (2025)',
    evidence="B",
    base="linux-7.3",
    operations={"zswap_store": FreesPublished},
    breaks=("LIVE",),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"xa_store": (0, 1)}, mm=0, page=0, nr=4),
    ),
    scope=SCOPE,
    meets="LIVE",
)
