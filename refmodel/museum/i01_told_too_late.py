"""I-1: A slot can be handed out before zswap has dropped what it has of it.

When a slot becomes free zswap erases its entry. That comes first, while the slot is still marked as in use. With
the order turned round the next swap-out can be given the slot and store a page there: the invalidation then
erases the newer entry, the only copy of that page, or leaves the older one at a slot that nobody uses.
"""

import attrs

from refmodel.kernel.swap_slots import SwapRangeFree73
from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next, Return, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class TellsAfterwards(SwapRangeFree73):
    """Make a run of slots free, and tell zswap about each of them after that."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Uncharge, clear and count the slots as free."""
        self.tell(v)
        self.clear(v)
        return self.invalidate

    @step
    def invalidate(self, v: KernelView) -> Next:
        """Tell zswap about the next slot."""
        if self.done == self.nr:
            return Return()
        self.done += 1
        return Call(v.ops.zswap_invalidate(slot=self.slot + self.done - 1), self.invalidate)


SCOPE = """
[system]
pages = 2

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["zap(0, 0, 1)"]

[[thread]]
name = "other"
run = ["pageout(0, 1, 1)", "read(0, 1)"]
"""

EXHIBIT = Exhibit(
    id="I-1",
    about=__doc__,
    source="__swap_cluster_free_entries() and swap_range_free(), mm/swapfile.c 7.3.4",
    evidence="B",
    base="linux-7.3",
    operations={"swap_range_free": TellsAfterwards},
    scope=SCOPE,
    meets="ZS-13",
)
