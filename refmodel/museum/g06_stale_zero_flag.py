"""G6: The zero flag of an earlier swap-out survives a later one.

A page of zeroes was swapped out as a flag of its slot. The page is read, written with other bytes and
swapped out to the same slot. Unless the flag is cleared first, the next reader is given zeroes without
any backend being asked.
"""

import attrs

from refmodel.kernel.crypto import is_zero
from refmodel.kernel.page_io import SwapWritepage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class KeepsZeroFlag(SwapWritepage):
    """Swap a folio out; flags are set for zeroes and never cleared."""

    @step
    def check_zero(self, v: KernelView) -> Next:
        """Swap zeroes out as ever; leave the flags alone for anything else."""
        folio = self.the_folio(v)
        if self.result or all(is_zero(content) for content in folio.contents):
            return SwapWritepage.check_zero(self, v)
        return self.store


SCOPE = """
[system]
slots = 3

[initial]
run = ["write(0, 0, 0)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)", "write(0, 0, 2)", "pageout(0, 0, 1)", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="G6",
    about=__doc__,
    source="comment in swap_writepage(), mm/page_io.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"swap_writepage": KeepsZeroFlag},
    breaks=("ZS-18",),
    program=(
        do("write_page", mm=0, page=0, content=0),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", mm=0, page=0),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
