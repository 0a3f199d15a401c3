"""R03: A completion wakes a pass that has freed what it waits in.

The completion of a write to the backing device puts its request on a list and then wakes the pass, whose wait queue is
in its control block. Between the two the pass may take the request from the list, find that no write is under way any
more, end, and free the control block. The fix lets the block live until completions that have begun are over.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_state import ZramPass
from refmodel.kernel.zram_writeback import ZramWritebackBatch
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class FreesAtOnce(ZramWritebackBatch):
    """A pass of writeback that frees its control block as soon as it has seen to every write."""

    @step
    def free_ctl(self, v: KernelView) -> Next:
        """Free the control block."""
        v[v.at.zram.ctl] = ZramPass()
        return self.end


SCOPE = """
[system]
slots = 3
folios = 3
enabled = false

[zram]
backing = 1

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)", "zram_idle"]

[[thread]]
name = "writeback"
run = ["zram_writeback(idle)"]
"""

EXHIBIT = Exhibit(
    id="R03",
    about=__doc__,
    source='"zram: fix use-after-free in zram_writeback_endio", commit bf62f69574b1 (2026, since 6.19)',
    evidence="A",
    base="zram-7.3",
    operations={"zram_writeback": FreesAtOnce},
    scope=SCOPE,
    meets="BUG",
)
