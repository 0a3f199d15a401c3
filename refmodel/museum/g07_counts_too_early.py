"""G7: Slots count as free before they are cleaned up.

Swapoff takes "no slot in use" as the permission to tear the device down. So the number of slots in use is
lowered last of all, after zswap was told about every slot of the run, with a barrier in between. With the
order turned round swapoff can free the trees of zswap while an entry is still to be erased from them.
"""

from typing import ClassVar

import attrs

from refmodel.kernel.swap_slots import SwapRangeFree73
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class CountsFirst(SwapRangeFree73):
    """Make a run of slots free, beginning with the number of free slots."""

    first: ClassVar[str] = "count"

    @step
    def count(self, v: KernelView) -> Next:
        """Count the slots as free; they are still marked, so nobody gets one."""
        v[v.at.si] = evolve(v[v.at.si], free=v[v.at.si].free + self.nr)
        return self.begin

    @step
    def release(self, v: KernelView) -> Next:
        """Uncharge and clear; the slots were counted before."""
        v[v.at.si] = evolve(v[v.at.si], free=v[v.at.si].free - self.nr)
        return SwapRangeFree73.release(self, v)


SCOPE = """
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["zap(0, 0, 1)"]

[[thread]]
name = "admin"
run = ["swapoff"]
"""

EXHIBIT = Exhibit(
    id="G7",
    about=__doc__,
    source="comment in swap_range_free(), mm/swapfile.c 6.12.117",
    evidence="B",
    base="linux-7.3",
    operations={"swap_range_free": CountsFirst},
    scope=SCOPE,
    meets="BUG",
)
