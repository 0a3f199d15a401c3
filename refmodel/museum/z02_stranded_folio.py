"""Z02: The abort branch of writeback strands a locked, referenced folio.

Writeback puts a fresh folio into the swap cache and then finds that it has to give up. The branch takes
the folio out of the swap cache and returns, but neither unlocks nor puts it: one page is lost each time,
and nothing crashes. The commit is about giving up because the slot has another entry by then, which takes
somebody who swaps pages in and out meanwhile; since 6.15 a failed decompression takes the same branch.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_writeback import ZswapWriteback73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class StrandsFolio(ZswapWriteback73):
    """Write an entry back; giving up forgets the folio."""

    @step
    def put_folio(self, v: KernelView) -> Next:
        """Forget to unlock the folio and to drop the reference that its allocation gave."""
        return self.finish(v, self.error)


SCOPE = """
[system]
pages = 2
slots = 3
totalram_pages = 60

[initial]
run = [
    "shrinker_enabled(1)", "write(0, 0, 2)", "write(0, 1, 3)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)",
]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)", "pageout(0, 1, 1)", "pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="Z02",
    about=__doc__,
    source='commit e3b63e966cac "mm: zswap: fix missing folio cleanup in writeback race path" (2024)',
    evidence="A",
    base="linux-7.3",
    operations={"zswap_writeback_entry": StrandsFolio},
    breaks=("FOLIO", "REFS"),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("shrink_memcg", memcg=1),
        do("shrink_memcg", {"decompress": (1,)}, memcg=1),
    ),
    scope=SCOPE,
    meets="FOLIO",
)
