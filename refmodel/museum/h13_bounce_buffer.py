"""H-13: Linux 6.1: without memory for a bounce buffer the reader gets a device block.

The allocator of 6.1 may not be slept on while an object is mapped, so a load copies the object into a
buffer that it allocates without waiting. If that fails, the hook of zswap fails, and its caller takes
every failure for a miss: it reads a device block that was never written for this page. Read in the code
of the released kernel; nobody has reported it from practice.
"""

import errno

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import ZswapLoad61
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class SaysThatItFailed(ZswapLoad61):
    """Load a page; a failure of the hook is told from a miss."""

    @step
    def done(self, v: KernelView) -> Next:
        """Hand the error on: the reader gets it instead of a device block."""
        ZswapLoad61.done(self, v)
        return Return(self.error and -errno.EIO)


SCOPE = """
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
number = 2

[environment]
faults = ["bounce_buffer"]
"""

EXHIBIT = Exhibit(
    id="H-13",
    about=__doc__,
    source="zswap_frontswap_load(), __frontswap_load() and swap_readpage(), Linux 6.1.192",
    evidence="B",
    base="linux-6.1",
    operations={},
    remedy={"zswap_load": SaysThatItFailed},
    breaks=("ZS-19",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", {"bounce_buffer": (1,)}, mm=0, page=0),
    ),
    scope=SCOPE,
    meets="PROMISE",
)
