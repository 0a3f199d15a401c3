"""Z31: An allocation of a store enters reclaim, which stores again.

A page is stored while memory is short, so what a store allocates must neither enter reclaim nor a filesystem:
the reclaim would come back into the store while it holds what it needs. The patch is about the entry, whose
allocation could meet a lock of the filesystem. The model has a lock of the store itself: here it is the
object's allocation, under the lock of the compression context, that reclaims another page, whose store waits
for that context.
"""

import attrs

from refmodel.kernel import choices
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class ReclaimsForObject(ZswapCompress):
    """Compress one page; the allocation of its object may enter reclaim."""

    @step
    def allocate(self, v: KernelView) -> Next:
        """Reclaim if memory is short, with the context locked."""
        if v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.allocate_at_last)
        return self.allocate_at_last

    @step
    def allocate_at_last(self, v: KernelView) -> Next:
        """Allocate the object."""
        return ZswapCompress.allocate(self, v)


SCOPE = """
[system]
pages = 2
slots = 3

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[environment]
faults = ["reclaim"]
"""

EXHIBIT = Exhibit(
    id="Z31",
    about=__doc__,
    source='patch "mm/zswap: fix potential deadlock in zswap_frontswap_store()" (Andrey Ryabinin, 2017)',
    evidence="A",
    base="linux-6.12",
    operations={"zswap_compress": ReclaimsForObject},
    scope=SCOPE,
    meets="PROGRESS",
)
