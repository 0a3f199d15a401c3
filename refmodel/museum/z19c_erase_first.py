"""Z19c: A load erases the entry before it decompresses it.

The load takes the entry out of the tree, then fails to decompress it. Its own reader gets an error. A
second reader of the slot finds no entry and is sent to the device, silently. The entry may be erased
only after its page was decompressed.
"""

import errno

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.machine import Call, Next, Return, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class ErasesFirst(ZswapLoad73):
    """Load a page; its entry is gone whatever comes of it."""

    @step
    def find(self, v: KernelView) -> Next:
        """Take the entry out of the tree before looking at its bytes."""
        place = v.at.tree[self.the_folio(v).swap]
        self.entry, v[place] = v[place], 0
        if not self.entry:
            return self.finish(v, -errno.ENOENT)
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.decompressed)

    @step
    def decompressed(self, v: KernelView) -> Next:
        """Free an entry that could not be decompressed."""
        if self.result:
            return self.count_load
        return Call(v.ops.zswap_entry_free(self.entry), self.failed)

    @step
    def failed(self, v: KernelView) -> Next:
        """Answer the first reader with an error."""
        return Return(-errno.EIO)


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
    id="Z19c",
    about=__doc__,
    source='review of "zswap: do not crash the kernel on decompression failure", v1 to v4 (2025)',
    evidence="A",
    base="linux-7.3",
    operations={"zswap_load": ErasesFirst},
    breaks=("ZS-18", "ZS-29"),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", {"decompress": (1,)}, mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
