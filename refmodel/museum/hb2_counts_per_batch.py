"""HB-2: Batching v4 accounts for whole batches, late, and as if each were one page.

v4 publishes all pages of a batch and accounts for them afterwards: one charge of all their bytes, one addition to
the count of stored pages, one to the pages swapped out. The charge counts as one page of the cgroup, but each entry
takes one back when it is freed. The entries are on their lists before they are accounted, so a writeback takes
back what was never counted, and so does the exit of a store that fails within a batch. And the pages of a batch
stay counted as swapped out when a later batch of the folio fails. Later postings account page by page, between
tree and list, and count once a folio. Read in the patch, under the assumption that no other one of v4 changes the
charge.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store_batch import ZswapStoreV4
from refmodel.kernel.zswap_store_pages import ZswapStorePages
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class CountsPerFolio(ZswapStoreV4):
    """Store a folio; its pages count as swapped out when all of them are stored."""

    @step
    def all_counted(self, v: KernelView) -> Next:
        """Count the pages of the folio."""
        return ZswapStoreV4.count(self, v)


SCOPE = """
[system]
pages = 4
slots = 8
folios = 5
entries = 5
objects = 5
max_order = 2
totalram_pages = 60
batch = 2

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="HB-2",
    about=__doc__,
    source="zswap_batch_store(), zswap compression batching v4 10/10",
    evidence="B",
    base="batching-v4",
    operations={},
    remedy={"zswap_store": CountsPerFolio, "zswap_store_pages": ZswapStorePages},
    batch=2,
    breaks=("ZS-8", "ZS-16", "BT-7", "BT-13"),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0, nr=4),
    ),
    scope=SCOPE,
    meets="ZS-8",
)
