"""S04: Swapoff leaves a swap device on the list of available devices.

The list has the devices that may be written to and have a free slot. Swapoff took its device off and only then
locked it to forbid writing. The device was full: whoever frees a slot of it meanwhile finds that it may still be
written to and puts it back. Swapoff goes on and tears down a device that the list names; the allocator warns when
it meets it, and the next swapon starts the list's links afresh while they are in use. Both belong under the
device's lock.
"""

import errno
from typing import ClassVar

import attrs

from refmodel.kernel.swapon import SwapOff612
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Return, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class LeavesTheListFirst(SwapOff612):
    """Take the swap device out of use; it leaves the list before it is locked."""

    first: ClassVar[str] = "leave_list"

    @step
    def leave_list(self, v: KernelView) -> Next:
        """Take the device off the list of available devices."""
        if not v[v.at.si].on:
            return Return(-errno.EINVAL)
        v[v.at.avail_list] = False
        return self.close

    @step
    def close(self, v: KernelView) -> Next:
        """Hand out no more slots; the device is taken to be off the list."""
        v[v.at.si] = evolve(v[v.at.si], on=False)
        return self.drain_slots


SCOPE = """
[system]
pages = 2
slots = 3

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)", "pageout(0, 0, 2)"]

[[thread]]
name = "task"
run = ["zap(0, 0, 2)"]

[[thread]]
name = "admin"
run = ["swapoff"]
"""

EXHIBIT = Exhibit(
    id="S04",
    about=__doc__,
    source=(
        'commit 6fe7d6b99211 "mm/swap: fix swap_info_struct race between swapoff and get_swap_pages()" (2023)'
    ),
    evidence="A",
    base="linux-6.12",
    operations={"swapoff": LeavesTheListFirst},
    scope=SCOPE,
    meets="AVAILABLE",
)
