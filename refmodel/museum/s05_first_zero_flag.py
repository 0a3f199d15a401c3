"""S05: A range is taken for zeroes or not by the flag of its first slot.

Two neighbouring slots are read as one large folio; the second page is all zeroes and was never written,
its slot has a flag. The check looks at the flag of the first slot only, finds it clear, and the device is
read for both pages. The remedy answers how far a flag holds and refuses a range of mixed kind.
"""

import attrs

from refmodel.kernel.page_io import SwapRead
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.large_swapin import DoLargeSwapPage


@attrs.define
class AsksFirstFlag(SwapRead):
    """Fill a folio; the zero flag of its first slot speaks for all."""

    @step
    def check_zero(self, v: KernelView) -> Next:
        """Look at one flag."""
        folio = self.the_folio(v)
        if v[v.at.zeromap[folio.swap]]:
            return SwapRead.check_zero(self, v)
        v.emit("swap_read", swp=folio.swap, nr=len(folio.contents), nid=folio.nid)
        return self.load


SCOPE = """
[system]
pages = 3
slots = 4
folios = 4
synchronous = true
enabled = false

[initial]
run = ["write(0, 2, 0)", "write(0, 0, 2)", "write(0, 1, 0)", "pageout(0, 2, 1)", "pageout(0, 0, 2)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="S05",
    about=__doc__,
    source='patch v9 1/3 "mm: Fix swap_read_folio_zeromap() for large folios with partial zeromap" (2024)',
    evidence="A",
    base="linux-6.12",
    ground={"do_swap_page": DoLargeSwapPage},
    operations={"swap_read": AsksFirstFlag},
    breaks=("ZS-19",),
    fixed={"synchronous_device": True, "initial_pool": False, "zswap_enabled": False},
    program=(
        do("write_page", mm=0, page=2, content=0),
        do("write_page", mm=0, page=0, content=1),
        do("write_page", mm=0, page=1, content=0),
        do("madvise_pageout", mm=0, page=2),
        do("madvise_pageout", mm=0, page=0, nr=2),
        do("read_page", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-19",
)
