"""Z22: The global shrinker does nothing when memory cgroups are disabled.

Without memory cgroups the iterator over the tree yields nothing at all. The shrinker takes that for the end
of a pass without a candidate, counts a failure each time and gives up after 16 of them, so a full pool
stays full. The remedy shrinks the one list that there is.
"""

import attrs

from refmodel.kernel.config import MAX_RECLAIM_RETRIES
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_shrink import ShrinkWorker612
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class NeedsCgroups(ShrinkWorker612):
    """Shrink one cgroup after the other; there is none."""

    @step
    def advance(self, v: KernelView) -> Next:
        """Take "nothing" for the end of a pass."""
        if len(v.at.memcg) > 1:
            return ShrinkWorker612.advance(self, v)
        self.failures += 1
        return self.end if self.failures == MAX_RECLAIM_RETRIES else self.look_again


EXHIBIT = Exhibit(
    id="Z22",
    about=__doc__,
    source='patch "mm/zswap: fix global shrinker when memory cgroup is disabled" (Hao Jia, June 2026)',
    evidence="A",
    base="linux-6.12",
    operations={"shrink_worker": NeedsCgroups},
    breaks=("ZS-25",),
    sizes={"memcgs": 0},
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("write_page", mm=0, page=1, content=2),
        do("madvise_pageout", mm=0, page=0),
        do("set_param", name="max_pool_percent", value="0"),
        do("madvise_pageout", mm=0, page=1),
        do("shrink_worker"),
    ),
)
