"""ZR-N: Nobody tells zram that a swap slot is free.

A block device does not know which of its blocks a file system or swap still needs. Without the notification zram keeps
the page of every slot until the slot is written again, and its memory grows with what was ever swapped out at a time,
not with what is. The hook came in 2010, when the driver was compcache; a device without it loses nothing but memory.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_free import ZramSlotFreeNotify
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class TellsNobody(ZramSlotFreeNotify):
    """A swap slot is free, and zram is not told."""

    @step
    def free(self, v: KernelView) -> Next:
        """Do nothing."""
        return Return()


SCOPE = """
[system]
slots = 3
folios = 3
enabled = false

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["zap(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="ZR-N",
    about=__doc__,
    source="swap_slot_free_notify of struct block_device_operations, include/linux/blkdev.h, Linux 6.12",
    evidence="B",
    base="zram-7.3",
    operations={"zram_slot_free_notify": TellsNobody},
    scope=SCOPE,
    meets="ZR-4",
    fixed={"initial_pool": False, "zswap_enabled": False},
    breaks=("ZR-4",),
    program=(
        do("write_page", mm=0, page=0, content=2),
        do("madvise_pageout", mm=0, page=0, nr=1),
        do("zap_pages", mm=0, page=0, nr=1),
    ),
)
