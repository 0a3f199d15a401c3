"""HB-5: Batching v12 to v14 take a result as long as a page for a compressed one, and later for a raw one.

An entry of PAGE_SIZE bytes holds the page itself: so says its length to whoever loads it. The store keeps a page raw
when the compressor reports an error. It does not ask whether a success is as long as a page. Such a result would
be stored as it is, and copied back as if it were the page. A success of length 0 would end in the allocator, which
refuses it, so the whole folio would be refused. Released kernels test for both. UNVERIFIED: the postings assume that
no compressor reports such a success, which a reviewer doubted, and nobody has shown one.
"""

from errno import EINVAL

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress_pages import ZswapCompressPagesV12
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do
from refmodel.profiles.batching import PROPOSALS


@attrs.define
class TestsTheLength(ZswapCompressPagesV12):
    """Compress a batch; a result that saves nothing, or that is nothing, counts as an error."""

    @step
    def look(self, v: KernelView) -> Next:
        """Turn every length that no compressed page can have into an error."""
        self.result = tuple([-EINVAL if n == 0 or n >= PAGE_SIZE else n for n in self.result])
        return ZswapCompressPagesV12.look(self, v)


SCOPE = """
[system]
slots = 3
lengths = [4096]

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="HB-5",
    about=__doc__,
    source="zswap_compress(), zswap compression batching v12 23/23 to v14 26/26, and the review of v13",
    evidence="B",
    base="batching-v14",
    released_in=("batching-v12", "batching-v13", *(made.name for made in PROPOSALS)),
    operations={},
    remedy={"zswap_compress_pages": TestsTheLength},
    lengths=(4096,),
    breaks=("ZS-18", "BT-14"),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
