"""Z12: A load of a large folio looks at its first page only.

Two neighbouring slots are read as one large folio, and only one of them is in zswap. If the first is, the
load fills one page and reports success; the other page is never read. If the first is not, both are read
from the device, where the copy of the other is stale. The guard refuses a folio of more than one page and
leaves it without content: its reader gets an error, or reads page by page. All callers of the time used
single pages.
"""

import errno

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.large_swapin import DoLargeSwapPage


@attrs.define
class LoadsFirstPage(ZswapLoad73):
    """Load a folio of any size as if it were one page: only the first one is filled."""

    @step
    def check(self, v: KernelView) -> Next:
        """Miss at once if zswap never had a pool."""
        return self.find if v[v.at.zswap].ever_enabled else self.finish(v, -errno.ENOENT)


SCOPE = """
[system]
pages = 3
slots = 4
folios = 4
synchronous = true
totalram_pages = 60

[initial]
run = ["write(0, 2, 0)", "write(0, 0, 2)", "write(0, 1, 3)", "pageout(0, 2, 1)", "pageout(0, 0, 2)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="Z12",
    about=__doc__,
    source='patch v3 3/3 "mm: zswap: handle incorrect attempts to load large folios" (June 2024)',
    evidence="A",
    base="linux-7.3",
    ground={"do_swap_page": DoLargeSwapPage},
    operations={"zswap_load": LoadsFirstPage},
    breaks=("ZS-19",),
    fixed={"synchronous_device": True},
    program=(
        do("write_page", mm=0, page=2, content=0),
        do("write_page", mm=0, page=0, content=1),
        do("write_page", mm=0, page=1, content=2),
        do("madvise_pageout", mm=0, page=2),
        do("madvise_pageout", mm=0, page=0, nr=2),
        do("read_page", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-19",
)
