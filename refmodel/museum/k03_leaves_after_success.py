"""K03: The thread leaves after its first success.

In the prototype the thread returned from its function once zswap had taken a folio. To kswapd it still exists, so
folios go on being queued, and nobody takes them. The patch of April 2025 goes on with the loop.
"""

import attrs

from refmodel.kernel.kcompressd_queue import take
from refmodel.kernel.kcompressd_thread import KcompressdRun
from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next, Return, evolve, step
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import TAKES_REFERENCE, WITH_REFERENCE


@attrs.define
class LeavesAfterSuccess(KcompressdRun):
    """A thread that sees to one folio."""

    @step
    def take(self, v: KernelView) -> Next:
        """Take the oldest folio."""
        folio = take(v, self.queue)
        return Call(v.ops.kcompressd_swapout(folio=folio, queue=self.queue), self.leave)

    @step
    def leave(self, v: KernelView) -> Next:
        """Leave."""
        place = v.at.kcompressd.queue[self.queue]
        v[place] = evolve(v[place], thread="left")
        return Return()


SCOPE = """
[system]
pages = 2
slots = 3
totalram_pages = 60

[kcompressd]
capacity = 2

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)", "kswapd(2)"]
"""

EXHIBIT = Exhibit(
    id="K03",
    about=__doc__,
    source="prototype of 13 March 2025 (Barry Song) against the patch of 30 April 2025",
    evidence="B",
    base="kcompressd-b",
    ground=WITH_REFERENCE,
    options=TAKES_REFERENCE,
    operations={"kcompressd_run": LeavesAfterSuccess},
    scope=SCOPE,
    meets="KC-11",
)
