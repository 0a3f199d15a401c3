"""Z19b: A failed decompression is answered with "not here".

The page is in zswap and cannot be decompressed. A load that answers "not here" sends its caller to the
device, where nothing or an older page is, and the reader gets that without an error. The review named
this answer as forbidden: owned and failed is a case of its own.
"""

import errno

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class FailureIsMiss(ZswapLoad73):
    """Load a page; what cannot be decompressed counts as not being here."""

    @step
    def decompressed(self, v: KernelView) -> Next:
        """On failure answer that the page is not here, and the device is read."""
        return self.count_load if self.result else self.finish(v, -errno.ENOENT)


SCOPE = """
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
number = 2

[environment]
faults = ["decompress"]
"""

EXHIBIT = Exhibit(
    id="Z19b",
    about=__doc__,
    source='review of "zswap: do not crash the kernel on decompression failure", v1 to v4 (2025)',
    evidence="A",
    base="linux-7.3",
    operations={"zswap_load": FailureIsMiss},
    breaks=("ZS-19",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", {"decompress": (1,)}, mm=0, page=0),
    ),
    scope=SCOPE,
    meets="PROMISE",
)
