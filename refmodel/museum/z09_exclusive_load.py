"""Z09: An exclusive load destroys the only copy when the read bypasses the swap cache.

A slot of a synchronous device with one user is read into a private folio. The load frees the entry, the
fault then finds its page-table entry changed and throws the folio away, and the next fault reads a
device block that was never written. The remedy: a load takes the only copy only for a folio in the swap
cache.
"""

import errno

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import ZswapLoad612
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class AlwaysExclusive(ZswapLoad612):
    """Load a page and free its entry, whoever the folio belongs to."""

    @step
    def find(self, v: KernelView) -> Next:
        """Take the entry out of the tree, also for a private folio."""
        place = v.at.tree[self.the_folio(v).swap]
        self.entry, v[place] = v[place], 0
        if not self.entry:
            return self.finish(v, -errno.ENOENT)
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.count_load)

    @step
    def free_entry(self, v: KernelView) -> Next:
        """Free the entry, although a private folio may be thrown away."""
        self.set_uptodate(v, dirty=True)
        return Call(v.ops.zswap_entry_free(self.entry), self.done)


SCOPE = """
[system]
synchronous = true

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]
number = 2

[environment]
faults = ["fault_retry"]
budget = 1
"""

EXHIBIT = Exhibit(
    id="Z09",
    about=__doc__,
    source='commit 25cd241408a2 "mm: zswap: fix data loss on SWP_SYNCHRONOUS_IO devices" (2024)',
    evidence="A",
    base="linux-6.12",
    operations={"zswap_load": AlwaysExclusive},
    breaks=("ZS-19",),
    fixed={"synchronous_device": True},
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", {"fault_retry": (1,)}, mm=0, page=0),
    ),
    scope=SCOPE,
    meets="PROMISE",
)
