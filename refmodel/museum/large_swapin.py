"""A caller that some exhibits need: a fault that reads a large folio from swap.

The released kernels read single pages as long as zswap was ever enabled, so that no load has to deal with
a large folio (H-10).  The guards that deal with it all the same are for callers like this one.
"""

import attrs

from refmodel.kernel.folio import put_folio
from refmodel.kernel.mm import new_folio
from refmodel.kernel.state import UNKNOWN
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.swap_slots import insert_into_swap_cache
from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next, evolve, step


@attrs.define
class DoLargeSwapPage(DoSwapPage):
    """A fault on a swap entry that reads an aligned pair of pages at once where it can.

    Where the read refuses a pair, the pages are read one by one.
    """

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look into the swap cache; on a miss read a pair if there is one, or go on as ever."""
        following = DoSwapPage.lookup(self, v)
        return self.alloc_pair if not self.folio and self.first_of_pair(v) else following

    @step
    def alloc_pair(self, v: KernelView) -> Next:
        """Claim both slots with one folio of order 1, or read a single page if that is too late."""
        first = self.first_of_pair(v)
        if not first:
            return self.read_in
        self.direct = False
        self.folio = new_folio(v, self.mm, (UNKNOWN, UNKNOWN), locked=True, uptodate=False)
        for slot in (first, first + 1):
            v[v.at.slot[slot]] = evolve(v[v.at.slot[slot]], cache=True)
        insert_into_swap_cache(v, self.folio, first, dirty=False)
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), lru=True)
        return Call(v.ops.swap_read(folio=self.folio), self.after_large_read)

    @step
    def after_large_read(self, v: KernelView) -> Next:
        """Give a folio up that could not be read as a whole."""
        if self.the_folio(v).uptodate:
            return self.count_fault
        return Call(v.ops.swap_cache_del(folio=self.folio), self.read_single)

    @step
    def read_single(self, v: KernelView) -> Next:
        """Read the one page that the fault is about."""
        put_folio(v, self.folio)
        return self.read_in

    def first_of_pair(self, v: KernelView) -> int:
        """Return the first of two slots that two neighbouring pages name and nobody holds, or 0."""
        page, row = self.page & ~1, v.at.pte[self.mm]
        first = v[row[page]].slot
        if not first or first % 2 or v[row[page + 1]].slot != first + 1:
            return 0
        return 0 if any(v[v.at.slot[slot]].cache for slot in (first, first + 1)) else first
