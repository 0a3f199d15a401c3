"""S13: A device that says it is synchronous completes a read later.

A page has gone from zram to its backing device, which is an ordinary disk. Zram still says that its reads are
synchronous, so the fault takes the return of the submission for the end of the read: it maps a page that is not filled,
or frees it while the disk is about to write there. Linux took the mark away in 2018 where there was a backing device;
later kernels have it again, and the reader waits for that read.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_read import ZramRead
from refmodel.machine import Next, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class TrustsTheMark(ZramRead):
    """Read a page without waiting for the backing device."""

    @step
    def submit(self, v: KernelView) -> Next:
        """Have the backing device read the block, and be done."""
        place = v.at.zram.block[self.block]
        v[place] = evolve(v[place], io="read", folio=self.folio, index=self.index, failed=False)
        return self.touch


SCOPE = """
[system]
slots = 3
folios = 3
enabled = false

[zram]
backing = 1

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)", "zram_idle", "zram_writeback(idle)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="S13",
    about=__doc__,
    source='"zram: remove BD_CAP_SYNCHRONOUS_IO with writeback feature", commit 4f7a7beaee77 (2018)',
    evidence="A",
    base="zram-6.12",
    operations={"zram_read": TrustsTheMark},
    scope=SCOPE,
    meets="PROMISE",
)
