"""G10: Virtual swap: a compressed copy is written back although there is no slot for it.

A virtual slot gets a physical one only when something is written. The device may be full, or gone. Writeback
that goes on without a slot has taken the compressed copy away and writes the page to nowhere: its next reader
finds nothing. So it gives up as soon as it has no slot, and the copy stays.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.vswap_zswap import VswapZswapWriteback
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class WritesToNowhere(VswapZswapWriteback):
    """Write an entry back, with a slot or without."""

    @step
    def after_slot(self, v: KernelView) -> Next:
        """Take the entry out of the descriptor and go on."""
        v[v.at.tree[self.slot]] = 0
        return self.decompress


SCOPE = """
[initial]
run = [
    "swapoff", "shrinker_enabled(1)", "write(0, 0, 2)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)",
]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="G10",
    about=__doc__,
    source="RFC v2 2/7 of virtual swap (June 2026), zswap_writeback_entry()",
    evidence="B",
    base="vswap-v6",
    operations={"zswap_writeback_entry": WritesToNowhere},
    scope=SCOPE,
    meets="SD-8",
)
