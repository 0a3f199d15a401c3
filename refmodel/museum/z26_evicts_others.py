"""Z26: A cgroup that may not use zswap evicts the pages of others.

A store checks the limit of its cgroup, and on failure shrinks before it rejects. As long as all cgroups
shared one list, that evicted whoever was coldest: a cgroup with a limit of 0 emptied the pool of everybody
else, one page for each page of its own that was swapped out. The remedy: over a cgroup's limit shrink only
that cgroup, and where there is no list of its own, reject at once.
"""

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store import ZswapStore612
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class ShrinksAnybody(ZswapStore612):
    """Store a page; over the cgroup's limit the first cgroup with something to evict pays for it."""

    @step
    def check_memcg_limit(self, v: KernelView) -> Next:
        """Ask whether the owner may use zswap; if not, shrink as if all shared one list."""
        self.objcg = memcg.folio_objcg(v, self.the_folio(v))
        if not self.objcg or memcg.may_zswap(v, self.objcg):
            return self.check_pool_limit
        listed = [m for m, nodes in enumerate(v.at.lru) if any(v[place] for place in nodes)]
        if not listed:
            return self.reject
        return Call(v.ops.shrink_memcg(memcg=listed[-1]), self.after_memcg_shrink)


EXHIBIT = Exhibit(
    id="Z26",
    about=__doc__,
    source='commit 0bdf0efa180a "zswap: do not shrink if cgroup may not zswap" (2023)',
    evidence="A",
    base="linux-6.12",
    operations={"zswap_store": ShrinksAnybody},
    breaks=("LIMIT-OWN",),
    program=(
        do("write_page", mm=1, page=0, content=1),
        do("madvise_pageout", mm=1, page=0),
        do("set_memcg", memcg=1, control="zswap.max", value="0"),
        do("write_page", mm=0, page=0, content=2),
        do("madvise_pageout", mm=0, page=0),
    ),
)
