"""G16: A fault does not ask whether the folio that it has locked is still the slot's.

A writeback puts an empty folio into the swap cache of its slot, finds that the slot has another entry by now,
and takes the folio out again. A fault that has found the folio meanwhile waits for its lock and has a
reference, so the folio stays in memory, but it is nobody's and was never filled. Unless the fault looks into
the swap cache again, it takes this for a page that could not be read: its process is killed, although zswap
has the page.
"""

import attrs

from refmodel.kernel.mm import wait_for_ptl
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class TrustsTheFolio(DoSwapPage):
    """A fault on a swap entry; a folio that was found in the swap cache is taken to be there still."""

    @step
    def recheck(self, v: KernelView) -> Next:
        """Look at the page-table entry alone."""
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        same = v[v.at.pte[self.mm][self.page]] == self.orig
        if same and not self.the_folio(v).uptodate:
            self.answer = "SIGBUS"
            return self.back_out
        return DoSwapPage.recheck(self, v)


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
run = ["read(0, 0)", "pageout(0, 1, 1)", "pageout(0, 0, 1)", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="G16",
    about=__doc__,
    source="comment in do_swap_page(), mm/memory.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"do_swap_page": TrustsTheFolio},
    scope=SCOPE,
    meets="PROMISE",
)
