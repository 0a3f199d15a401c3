"""Z01: Writeback puts an old page over a slot that has a newer one.

Writeback picks an entry from its list, copies the number of its slot and lets go of the list: from there on
it holds nothing. Meanwhile the page is swapped in, and the slot is filled again, by the same page or by
another one. Writeback then gets hold of the slot, decompresses the entry that it remembers and writes it:
the next reader of the slot gets old bytes. The remedy looks again, once the slot is held, whether it still
has this very entry.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_writeback import ZswapWriteback612
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class TrustsItsMemory(ZswapWriteback612):
    """Write an entry back; what the slot has is not looked at again."""

    @step
    def recheck(self, v: KernelView) -> Next:
        """Take whatever the slot has out of the tree."""
        v[v.at.tree[self.slot]] = 0
        return self.decompress


SCOPE = """
[system]
pages = 2
slots = 3
totalram_pages = 60

[initial]
run = [
    "shrinker_enabled(1)", "write(0, 0, 1)", "write(0, 1, 2)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)",
]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)", "pageout(0, 1, 1)", "pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="Z01",
    about=__doc__,
    source='commit 04fc7816089c "mm: fix zswap writeback race condition" (2023)',
    evidence="A",
    base="linux-6.12",
    operations={"zswap_writeback_entry": TrustsItsMemory},
    scope=SCOPE,
    meets="LIVE",
)
