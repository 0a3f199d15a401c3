"""B03: Pages that were stored before the one that failed are forgotten.

Each page of a large folio is charged, counted and given a pool reference when it is published. If a later
page fails and the store only reports failure, or walks back over the failing batch alone, the earlier pages
stay in zswap, charged, while the folio goes to the device. Their stale copies can be loaded, or written
back over newer bytes. The question came up in the review of v12 of the batching series; there, as in 6.18 and 7.3,
the walk over all slots of the folio is what makes it right.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store import queue_shrink_work
from refmodel.kernel.zswap_store_batch import ZswapStoreV12
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class ForgetsPrefix(ZswapStoreV12):
    """Store a folio; unwinding begins behind the pages that the batches have taken on."""

    @step
    def reject(self, v: KernelView) -> Next:
        """Refuse the folio and erase what lies behind the batch that failed."""
        if v[v.at.reached_full]:
            queue_shrink_work(v)
        return self.erase_page


EXHIBIT = Exhibit(
    id="B03",
    about=__doc__,
    source="review of v12 22/23 of the batching series (Yosry Ahmed, October 2025)",
    evidence="A",
    base="batching-v12",
    operations={"zswap_store": ForgetsPrefix},
    breaks=("ZS-20", "ZS-29"),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"xa_store": (0, 1)}, mm=0, page=0, nr=4),
    ),
)
