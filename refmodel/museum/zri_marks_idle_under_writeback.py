"""ZR-I: Slots under writeback are marked idle like all others.

Writeback marks the slot that it has read as idle, and the slot's next user takes the mark away: so the mark says that
the slot still holds what was read. Whoever marks all slots idle meanwhile gives the mark back to a slot that was
written again, and writeback leaves the new page to the block of the old one. The kernel leaves slots under
writeback alone when it marks slots idle, and says why in a comment.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_slot import wait_for_slot
from refmodel.kernel.zram_writeback import ZramIdle
from refmodel.machine import Next, Return, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class MarksAll(ZramIdle):
    """Mark every slot idle."""

    @step
    def mark(self, v: KernelView) -> Next:
        """Mark the next slot with a page in the pool."""
        index = self.index + 1
        if index == len(v.at.zram.slot):
            return Return(0)
        waits = wait_for_slot(v, index)
        if waits is not None:
            return waits
        place = v.at.zram.slot[index]
        if v[place].size:
            v[place] = evolve(v[place], idle=True)
        self.index = index
        return self.mark


SCOPE = """
[system]
slots = 4
folios = 3
enabled = false

[zram]
backing = 1

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)", "willneed(0, 0)", "read(0, 0)", "zram_idle"]

[[thread]]
name = "writeback"
run = ["zram_writeback(idle)"]

[[thread]]
name = "marker"
run = ["zram_idle"]

[[thread]]
name = "task"
run = ["write(0, 0, 3)", "pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="ZR-I",
    about=__doc__,
    source="drivers/block/zram/zram_drv.c, comment in writeback_store(), Linux 6.12",
    evidence="B",
    base="zram-6.12",
    operations={"zram_idle": MarksAll},
    scope=SCOPE,
    meets="ZS-18",
)
