"""Z34: Destination buffer sized for one page although a device may emit more.

A compressor is offered one page, and a result that is longer is refused. How long the buffer really is, is another
matter: a page that does not compress becomes longer, and not every compressor looks at what it is offered. Hardware
may not, says a comment, and lzo did not before 6.15. So the buffer of a CPU has two pages in 6.12. In a buffer of one
the end of the result is written over whatever stands behind it. From 6.18 on the buffer has one page: all compressors
look by then.
"""

from typing import ClassVar

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.museum.exhibit import Exhibit


@attrs.define
class OnePageBuffer(ZswapCompress):
    """Compress one page into a buffer that is as long as what the compressor is offered."""

    buffer: ClassVar[int] = PAGE_SIZE


SCOPE = """
[system]
lengths = [4421]  # what lzo makes of a page at most

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="Z34",
    about=__doc__,
    source="comment in zswap_compress(), mm/zswap.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"zswap_compress": OnePageBuffer},
    scope=SCOPE,
    meets="BUG",
)
