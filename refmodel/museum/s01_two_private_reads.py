"""S01: Two faults read one slot into private folios, and the slower one maps an old page.

On a synchronous device a fault reads into a folio of its own and does not enter the swap cache. Two threads
fault on one page. The first maps its folio, frees the slot, writes the page; the page is swapped out again and
is given the same slot. The page-table entry looks as before, so the second fault believes that nothing has
happened and maps the bytes that it read at first. The remedy marks the slot while it is read privately, and
whoever finds the mark takes the fault again.
"""

import attrs

from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class ReadsWithoutClaim(DoSwapPage):
    """A fault on a swap entry; a private read leaves no mark on the slot."""

    @step
    def prepare(self, v: KernelView) -> Next:
        """Read at once."""
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), swap=self.orig.slot, lru=True)
        return Call(v.ops.swap_read(folio=self.folio), self.count_fault)

    @step
    def back_out(self, v: KernelView) -> Next:
        """Throw the folio away; there is no claim to give up."""
        private, self.direct = self.direct, False
        following = DoSwapPage.back_out(self, v)
        self.direct = private
        return following

    @step
    def drop_count(self, v: KernelView) -> Next:
        """Drop the slot's count, which frees a slot that nothing else names."""
        if self.direct:
            return Call(v.ops.swap_put_map(slot=self.orig.slot, nr=1), self.map)
        return DoSwapPage.drop_count(self, v)

    @step
    def unlock(self, v: KernelView) -> Next:
        """Drop the locks."""
        private, self.direct = self.direct, False
        following = DoSwapPage.unlock(self, v)
        self.direct = private
        return following


SCOPE = """
[system]
synchronous = true
enabled = false

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "slow"
run = ["read(0, 0)"]

[[thread]]
name = "fast"
run = ["write(0, 0, 3)", "pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="S01",
    about=__doc__,
    source='patch v3 "mm/swap: fix race when skipping swapcache" (February 2024)',
    evidence="A",
    base="linux-6.18",
    operations={"do_swap_page": ReadsWithoutClaim},
    scope=SCOPE,
    meets="PROMISE",
)
