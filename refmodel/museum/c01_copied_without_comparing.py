"""C01: Bounce buffer copied out without comparing with the size of the destination.

The crypto layer had a software compressor write into a scratch buffer of its own, of 32 pages, and copied the result
to the caller. The caller has said how long its destination is, but lzo did not look at that: of a page that does not
compress it made more, and all of that was copied. Zswap met it when a patch of December 2023 ("mm/zswap: change dstmem
size to one page") halved its buffer of two pages; syzbot found it in linux-next. The fix compares first: what is longer
is an error (-ENOSPC), nothing is copied, and zswap refuses the page. The patch was taken back.
"""

from typing import ClassVar

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.zswap_compress import ZswapCompress, ZswapCompress61
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.z34_buffer_of_one_page import SCOPE


@attrs.define
class OnePageDestination(ZswapCompress61):
    """Compress one page; the buffer has one page, as in that patch."""

    buffer: ClassVar[int] = PAGE_SIZE


@attrs.define
class CopiesAll(OnePageDestination):
    """Compress one page; whatever the scratch buffer holds is copied to the destination."""

    def write_overlong(self, length: int) -> None:
        """Copy the whole result out of the scratch buffer, whose length nobody compares with anything."""
        ZswapCompress.write_overlong(self, length)


EXHIBIT = Exhibit(
    id="C01",
    about=__doc__,
    source="commit 744e1885922a crypto: scomp - fix req->dst buffer overflow (2023)",
    evidence="A",
    base="linux-6.1",
    ground={"zswap_compress": OnePageDestination},
    operations={"zswap_compress": CopiesAll},
    scope=SCOPE,
    meets="BUG",
)
