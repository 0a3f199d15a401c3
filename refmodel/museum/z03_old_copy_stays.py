"""Z03: A failed re-store leaves the older copy to be loaded or written back later.

A page is stored, read back without leaving zswap, dirtied and swapped out to the same slot. This time the
store fails, for whatever reason, and the caller writes the newer bytes to the device. Unless the older copy
is dropped, it is still found by the next load, and a later writeback puts it over the newer bytes. Up to
6.1 the frontswap layer dropped the older copy before every store; the commit that removed the layer lost
that, and the remedy erases the slot's entry whenever a store fails.
"""

from typing import ClassVar

import attrs

from refmodel.kernel.zswap_store import ZswapStore61
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class KeepsOldCopy(ZswapStore61):
    """Store a page without dropping the slot's older copy first."""

    first: ClassVar[str] = "check_enabled"


SCOPE = """
[system]
slots = 3

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)", "write(0, 0, 3)", "pageout(0, 0, 1)"]

[environment]
faults = ["compress"]
"""

EXHIBIT = Exhibit(
    id="Z03",
    about=__doc__,
    source='patch v2 "mm: zswap: fix potential memory corruption on duplicate store" (September 2023)',
    evidence="A",
    base="linux-6.1",
    operations={"zswap_store": KeepsOldCopy},
    breaks=("ZS-20",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", mm=0, page=0),
        do("write_page", mm=0, page=0, content=2),
        do("madvise_pageout", {"compress": (1,)}, mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
