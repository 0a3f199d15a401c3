"""G4: The global shrinker's cursor is left on a cgroup that goes offline.

The cursor remembers where the shrinker stopped, and holds a reference. A cgroup that goes offline moves the
cursor on, once. Without that the dead cgroup stays pinned by a cursor that nothing moves until the pool is
full again. A comment explains this, and why one cgroup may be skipped.
"""

import attrs

from refmodel.kernel.memcg_offline import MemcgOffline612
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class LeavesCursor(MemcgOffline612):
    """Take a cgroup offline and leave the cursor where it is."""

    @step
    def clean_cursor(self, v: KernelView) -> Next:
        """Go on at once."""
        return self.reparent_objcgs


SCOPE = """
[system]
pages = 2
slots = 4
folios = 4

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)", "pageout(0, 0, 1)", "max_pool_percent(0)"]

[[thread]]
name = "task"
run = ["pageout(0, 1, 1)"]

[[thread]]
name = "admin"
run = ["memcg_offline(1)"]
"""

EXHIBIT = Exhibit(
    id="G4",
    about=__doc__,
    source="comment in shrink_worker(), mm/zswap.c 6.12.117; second half of Z20",
    evidence="B",
    base="linux-6.12",
    operations={"memcg_offline": LeavesCursor},
    breaks=("CURSOR",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("write_page", mm=0, page=1, content=2),
        do("madvise_pageout", mm=0, page=0),
        do("set_param", name="max_pool_percent", value="0"),
        do("madvise_pageout", mm=0, page=1),
        do("shrink_worker"),
        do("memcg_offline", memcg=1),
    ),
    scope=SCOPE,
    meets="CURSOR",
)
