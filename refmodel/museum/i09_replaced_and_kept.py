"""I-9: A store that replaces an entry does not free it.

A page was stored and stayed in the swap cache, because a fault had found its folio. Its process writes it,
and it is swapped out again, to the same slot: the store puts an entry where one is already, and gets the
former one back in the same step. That one is in no tree any more. Unless the store frees it, it stays on
its list with its object and its charge, and writeback may pick it.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class KeepsReplaced(ZswapStore73):
    """Store a folio; what stood at its slots before is forgotten."""

    @step
    def free_old(self, v: KernelView) -> Next:
        """Go on."""
        return self.charge


SCOPE = """
[system]
slots = 3
totalram_pages = 60

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)", "write(0, 0, 3)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="I-9",
    about=__doc__,
    source="zswap_store_page(), mm/zswap.c 7.3.4",
    evidence="B",
    base="linux-7.3",
    operations={"zswap_store": KeepsReplaced},
    scope=SCOPE,
    meets="ZS-1",
)
