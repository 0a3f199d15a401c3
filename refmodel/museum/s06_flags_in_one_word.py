"""S06: Clearing the zero flags of some slots loses the flag of their neighbour.

The zero flags of neighbouring slots share a word. Slots that become free have their flags cleared by reading
the word, masking it and writing it back. A page of zeroes that is swapped out in between sets its own flag in
that word, and the write takes it away: the page exists nowhere any more. Comments say why the flags are set
and cleared one by one, atomically.
"""

import attrs

from refmodel.kernel.swap_slots import SwapRangeFree73
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class WritesTheWordBack(SwapRangeFree73):
    """Make a run of slots free; their zero flags are cleared in a copy of the word."""

    word: tuple[bool, ...] = ()
    """The flags of all slots, as they were."""

    @step
    def release(self, v: KernelView) -> Next:
        """Read the word."""
        self.word = tuple(v[flag] for flag in v.at.zeromap)
        return self.write_back

    @step
    def write_back(self, v: KernelView) -> Next:
        """Write it back without the flags of the run, and free the slots."""
        for slot, flag in enumerate(self.word):
            v[v.at.zeromap[slot]] = flag
        return SwapRangeFree73.release(self, v)


SCOPE = """
[system]
pages = 2
slots = 3
totalram_pages = 60

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 0)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["zap(0, 0, 1)"]

[[thread]]
name = "other"
run = ["reclaim(2)", "read(0, 1)"]
"""

EXHIBIT = Exhibit(
    id="S06",
    about=__doc__,
    source="comments in swap_range_free(), mm/swapfile.c, and swap_writepage(), mm/page_io.c 6.12.117",
    evidence="B",
    base="linux-6.18",
    operations={"swap_range_free": WritesTheWordBack},
    scope=SCOPE,
    meets="ZS-18",
)
