"""Z11: Rolling back a partly stored large folio uncharges pages that were never charged.

Pages of a large folio are published one by one, but charged and counted at the end of the folio. When one
of them fails, the published ones are freed by the ordinary routine, which uncharges each and counts it out.
The memory cgroup and the counter end below their true values. The remedy takes charge and count for each
page when it is published, so that freeing it is the exact inverse.
"""

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import change_pool_ref, live_entry
from refmodel.kernel.zswap_store import ZswapStore73
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class ChargesLate(ZswapStore73):
    """Store a folio; charges and counts wait for its last page."""

    @step
    def charge(self, v: KernelView) -> Next:
        """Take the entry's pool reference and leave the rest for later."""
        change_pool_ref(v, self.pool, +1)
        return self.init_entry

    @step
    def count(self, v: KernelView) -> Next:
        """Charge and count every page of the folio."""
        folio = self.the_folio(v)
        for slot in range(folio.swap, folio.swap + len(folio.contents)):
            length = live_entry(v, v[v.at.tree[slot]]).length
            if self.objcg:
                memcg.charge_zswap(v, self.objcg, length)
            v[v.at.zs.stored_pages] += 1
            v[v.at.zs.stored_incompressible_pages] += length == PAGE_SIZE
        return ZswapStore73.count(self, v)


SCOPE = """
[system]
pages = 4
slots = 8
folios = 5
entries = 5
objects = 5
max_order = 2
totalram_pages = 60

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)"]

[environment]
faults = ["xa_store"]
"""

EXHIBIT = Exhibit(
    id="Z11",
    about=__doc__,
    source='commit 63895d20d63b "mm/zswap: fix inconsistency when zswap_store_page() fails" (2025)',
    evidence="A",
    base="linux-6.18",
    operations={"zswap_store": ChargesLate},
    breaks=("ZS-1", "ZS-8", "ZS-16"),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"xa_store": (0, 1)}, mm=0, page=0, nr=4),
    ),
    scope=SCOPE,
    meets="ZS-1",
)
