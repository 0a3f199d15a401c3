"""G9: Virtual swap: the first pages of a folio keep their compressed copies when a later one fails.

Each page of a large folio has its descriptor point to a zswap entry as soon as it is stored. If a later page
cannot be stored, the folio goes to the device as a whole, and what the first pages have must be released. The
condition stands outside the branch of the failure, and the review found it hard to see.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.vswap_zswap import VswapZswapStore
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class KeepsFirstPages(VswapZswapStore):
    """Store a folio; after a failure its entries are left as they are."""

    @step
    def homogenise(self, v: KernelView) -> Next:
        """Go on."""
        return self.refused


SCOPE = """
[system]
pages = 4
slots = 9
folios = 5
entries = 5
objects = 5
max_order = 2
totalram_pages = 60
vswap_cluster_size = 8

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)"]

[environment]
faults = ["alloc_entry"]
"""

EXHIBIT = Exhibit(
    id="G9",
    about=__doc__,
    source="review of RFC v2 2/7 of virtual swap (June 2026)",
    evidence="B",
    base="vswap-v6",
    operations={"zswap_store": KeepsFirstPages},
    breaks=("SD-11", "ZS-1", "ZS-4"),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"alloc_entry": (0, 1)}, mm=0, page=0, nr=4),
    ),
    scope=SCOPE,
    meets="ZS-1",
)
