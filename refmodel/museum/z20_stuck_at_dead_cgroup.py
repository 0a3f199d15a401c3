"""Z20: The global shrinker gives up because of one dead cgroup.

The shrinker walks the tree of cgroups. At one that is offline it counts a failure and starts again from the
root, where it soon meets the same cgroup. After 16 failures it stops, and the cgroup behind, whose pages
fill the pool, has never been tried. The remedy skips dead cgroups without counting.
"""

import attrs

from refmodel.kernel.config import MAX_RECLAIM_RETRIES
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_shrink import ShrinkWorker612
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class StartsAgainAtDead(ShrinkWorker612):
    """Shrink one cgroup after the other; a dead one is a failure and sends the walk back to the root."""

    @step
    def advance(self, v: KernelView) -> Next:
        """Move the cursor to the next cgroup, dead or alive."""
        self.memcg = (v[v.at.next_shrink] + 2) % (len(v.at.memcg) + 1) - 1
        v[v.at.next_shrink] = self.memcg
        if self.memcg < 0:
            self.failures += 1
            return self.end if self.failures == MAX_RECLAIM_RETRIES else self.look_again
        if v[v.at.memcg[self.memcg]].online:
            return Call(v.ops.shrink_memcg(memcg=self.memcg), self.after_shrink)
        v[v.at.next_shrink] = -1
        self.failures += 1
        return self.end if self.failures == MAX_RECLAIM_RETRIES else self.look_again


EXHIBIT = Exhibit(
    id="Z20",
    about=__doc__,
    source='patch v4 1/2 "mm: zswap: fix global shrinker memcg iteration" (Takero Funaki, July 2024)',
    evidence="A",
    base="linux-6.12",
    operations={"shrink_worker": StartsAgainAtDead},
    breaks=("ZS-25",),
    program=(
        do("write_page", mm=1, page=0, content=1),
        do("write_page", mm=1, page=1, content=2),
        do("madvise_pageout", mm=1, page=0),
        do("memcg_offline", memcg=1),
        do("set_param", name="max_pool_percent", value="0"),
        do("madvise_pageout", mm=1, page=1),
        do("shrink_worker"),
    ),
)
