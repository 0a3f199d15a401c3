"""Z02: The abort branch of writeback strands a locked, referenced folio.

Writeback puts a fresh folio into the swap cache and then finds that it has to give up. The branch takes
the folio out of the swap cache and returns, but neither unlocks nor puts it: one page is lost each time,
and nothing crashes. The commit is about giving up because the entry has changed, which takes three
actors; since 6.15 a failed decompression takes the same branch, so a single actor gets there.
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


EXHIBIT = Exhibit(
    id="Z02",
    about=__doc__,
    source='commit e3b63e966cac "mm: zswap: fix missing folio cleanup in writeback race path" (2024)',
    evidence="A",
    base="linux-7.3",
    operations={"zswap_writeback_entry": StrandsFolio},
    breaks=("FOLIO",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("shrink_memcg", memcg=1),
        do("shrink_memcg", {"decompress": (1,)}, memcg=1),
    ),
)
