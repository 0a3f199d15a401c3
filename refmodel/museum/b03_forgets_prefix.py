"""B03: Pages that were stored before the one that failed are forgotten.

Each page of a large folio is charged, counted and given a pool reference when it is published. If a later
page fails and the store only reports failure, or walks back over the failing page alone, the earlier pages
stay in zswap, charged, while the folio goes to the device. Their stale copies can be loaded, or written
back over newer bytes. The question came up in the review of v12 of the batching series; there, as here, the
walk over all slots of the folio is what makes it right.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store import ZswapStore73, queue_shrink_work
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class ForgetsPrefix(ZswapStore73):
    """Store a folio; unwinding begins at the page that failed."""

    @step
    def reject(self, v: KernelView) -> Next:
        """Refuse the folio and erase from the failing page on."""
        if v[v.at.reached_full]:
            queue_shrink_work(v)
        return self.erase_page


EXHIBIT = Exhibit(
    id="B03",
    about=__doc__,
    source="review of v12 22/23 of the batching series (Yosry Ahmed, October 2025)",
    evidence="A",
    base="linux-7.3",
    operations={"zswap_store": ForgetsPrefix},
    breaks=("ZS-20", "ZS-29"),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"xa_store": (0, 1)}, mm=0, page=0, nr=4),
    ),
)
