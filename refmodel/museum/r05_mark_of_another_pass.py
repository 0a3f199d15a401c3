"""R05: A pass takes the mark of another pass for its own.

A pass marks a slot, reads it and lets go of it. The slot is freed, which takes the mark away, and written again;
another pass selects the new page and sets the same mark. The first pass comes back, sees the mark, and leaves the slot
to the block that has the old page. One pass at a time is the remedy. It was found before slots were let go of; here
both passes are writeback, where the patch speaks of recompression and writeback.
"""

import errno

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_state import ZramPass
from refmodel.kernel.zram_writeback import ZramWritebackBatch
from refmodel.machine import Next, Return, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class TwoAtATime(ZramWritebackBatch):
    """A pass of writeback that lets another one begin."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin, if there is a backing device."""
        if not v.at.zram.block:
            return Return(-errno.ENODEV)
        return self.scan

    @step
    def write(self, v: KernelView) -> Next:
        """Write the page, and wait for it: what the passes share otherwise is beside the point."""
        place = v.at.zram.block[self.block]
        v[place] = evolve(v[place], content=self.bounce)
        return self.publish

    @step
    def free_ctl(self, v: KernelView) -> Next:
        """There is no control block."""
        v[v.at.zram.ctl] = ZramPass()
        return self.end


SCOPE = """
[system]
slots = 2
folios = 3
enabled = false

[zram]
backing = 2

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)", "zram_idle"]

[[thread]]
name = "one"
run = ["zram_writeback(idle)"]

[[thread]]
name = "two"
run = ["zram_idle", "zram_writeback(idle)"]

[[thread]]
name = "task"
run = ["write(0, 0, 3)", "pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="R05",
    about=__doc__,
    source='"zram: permit only one post-processing operation at a time", Sergey Senozhatsky, September 2024',
    evidence="A",
    base="zram-7.3",
    operations={"zram_writeback": TwoAtATime},
    scope=SCOPE,
    meets="ZS-18",
)
