"""G14: A fault maps its page without looking at the page-table entry again.

Two threads fault on one page. Both find its folio in the swap cache, and one after the other gets its lock.
The first maps the page and drops the count of the slot. The second has waited; unless it compares the
page-table entry with the one that it began with, it maps the page once more, over the first mapping, and drops
a count that nobody has any more.
"""

import attrs

from refmodel.kernel.mm import wait_for_ptl
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class MapsAnyway(DoSwapPage):
    """A fault on a swap entry; the entry is taken to be the same under the page-table lock."""

    @step
    def recheck(self, v: KernelView) -> Next:
        """Take the page-table lock and put the entry back that the fault began with."""
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        if not self.the_folio(v).uptodate:
            return DoSwapPage.recheck(self, v)
        v[v.at.ptl[self.mm]] = True
        v[v.at.pte[self.mm][self.page]] = evolve(self.orig)
        return self.settle()


SCOPE = """
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
number = 2
"""

EXHIBIT = Exhibit(
    id="G14",
    about=__doc__,
    source="pte_same() in do_swap_page(), mm/memory.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"do_swap_page": MapsAnyway},
    scope=SCOPE,
    meets="SD-33",
)
