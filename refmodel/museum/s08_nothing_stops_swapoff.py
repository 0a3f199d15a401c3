"""S08: A swap-in runs on while swapoff takes its tables away.

A fault reads a slot number from the page table and goes on without any lock. Swapoff brings the page back,
finds that no slot is in use any more and frees the device's tables. The fault then looks into a map that is
gone. The remedy lets a swap-in begin with a reference to the device, which is refused once swapoff has ended
its use, and lets swapoff wait for the references that there are.
"""

import attrs

from refmodel.kernel.swap_fault import DoSwapPage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class PinsNothing(DoSwapPage):
    """A fault on a swap entry; the tables of the device are taken to stay."""

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look into the tables, which swapoff may have freed."""
        if not v[v.at.si].claimed:
            raise LookupError("the tables of the swap device: used after swapoff freed them")
        return DoSwapPage.lookup(self, v)

    def pin(self, v: KernelView) -> bool:
        """Go on at once."""
        return True

    def unpin(self, v: KernelView) -> None:
        """There is nothing to give back."""


SCOPE = """
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]

[[thread]]
name = "admin"
run = ["swapoff"]
"""

EXHIBIT = Exhibit(
    id="S08",
    about=__doc__,
    source='commit eb085574a752 "mm, swap: fix race between swapoff and some swap operations" (2019)',
    evidence="A",
    base="linux-6.12",
    operations={"do_swap_page": PinsNothing},
    scope=SCOPE,
    meets="LIVE",
)
