"""I-15: A store holds no reference to its pool while another pool becomes the current one.

A store picks the current pool and compresses into it, which takes time. An administrator chooses another
compressor: the former pool loses its initial reference, and if it has no entry it is destroyed. A reference
for the length of the store keeps it. Each page of the folio then takes one of its own.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import change_pool_ref
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class BorrowsPool(ZswapStore73):
    """Store a folio into a pool that nothing keeps."""

    @step
    def get_pool(self, v: KernelView) -> Next:
        """Look at the current pool."""
        following = ZswapStore73.get_pool(self, v)
        if self.pool:
            change_pool_ref(v, self.pool, -1)
        return following

    @step
    def put_pool(self, v: KernelView) -> Next:
        """There is nothing to give back."""
        return self.reject

    @step
    def count(self, v: KernelView) -> Next:
        """Count the pages; there is no reference to give back."""
        change_pool_ref(v, self.pool, +1)
        return ZswapStore73.count(self, v)


SCOPE = """
[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "admin"
run = ["compressor(tokens-2)"]
"""

EXHIBIT = Exhibit(
    id="I-15",
    about=__doc__,
    source="zswap_store() and zswap_pool_current_get(), mm/zswap.c 7.3.4",
    evidence="B",
    base="linux-7.3",
    operations={"zswap_store": BorrowsPool},
    scope=SCOPE,
    meets="BUG",
)
