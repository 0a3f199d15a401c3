"""Z19d: Writeback erases an entry that it could not decompress and writes the folio.

Writeback fails to decompress the entry, erases it all the same and submits the folio that it could not
fill. What the device holds then is what the page frame happened to hold. The remedy leaves the entry in
place and takes the folio out of the swap cache.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_writeback import ZswapWriteback73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class WritesAnyway(ZswapWriteback73):
    """Write an entry back, whether it could be decompressed or not."""

    @step
    def decompressed(self, v: KernelView) -> Next:
        """Go on; a failure was counted and is otherwise ignored."""
        return self.erase


SCOPE = """
[system]
slots = 3

[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)"]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]

[environment]
faults = ["decompress"]
"""

EXHIBIT = Exhibit(
    id="Z19d",
    about=__doc__,
    source='"zswap: do not crash the kernel on decompression failure", v1 to v4 (2025)',
    evidence="A",
    base="linux-7.3",
    operations={"zswap_writeback_entry": WritesAnyway},
    breaks=("ZS-18",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("shrink_memcg", memcg=1),
        do("shrink_memcg", {"decompress": (1,)}, memcg=1),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
