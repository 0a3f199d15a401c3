"""G15: A fault takes its reference to a folio of the swap cache only after it has the lock.

A fault finds a folio in the swap cache and waits for its lock. Reclaim has that lock: it has just written the
folio out, sees no reference but its own, takes the folio out of the swap cache and frees it. The fault then
locks memory that is something else by now. So a look-up in the swap cache takes a reference in the same step,
and reclaim's removal freezes the number of references.
"""

import attrs

from refmodel.kernel.folio import get_folio
from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Wait, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class RefersLate(DoSwapPage):
    """A fault on a swap entry; a folio that was found in the swap cache is taken to stay."""

    found: bool = False

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look into the swap cache and take no reference yet."""
        self.folio = v[v.at.swap_cache[self.orig.slot]]
        self.found = bool(self.folio)
        return self.lock_folio if self.found else DoSwapPage.lookup(self, v)

    @step
    def lock_folio(self, v: KernelView) -> Next:
        """Lock the folio, then take the reference."""
        following = DoSwapPage.lock_folio(self, v)
        if self.found and not isinstance(following, Wait):
            get_folio(v, self.folio)
            self.found = False
        return following


SCOPE = """
[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="G15",
    about=__doc__,
    source="filemap_get_folio() in swap_cache_get_folio(), mm/swap_state.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"do_swap_page": RefersLate},
    scope=SCOPE,
    meets="LIVE",
)
