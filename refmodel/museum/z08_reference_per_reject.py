"""Z08: Linux 6.1: every rejected store takes a pool reference, one run of the shrinker drops one.

A store that finds the pool full takes a reference to the oldest pool and queues its shrink work. If the
work was queued already, nobody gives the reference back: the run drops one. The pool is never released. The
remedy puts the reference back when queueing says that the work is pending; it did not reach 6.1.192.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import change_pool_ref
from refmodel.kernel.zswap_store import ZswapStore61
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class PutsReferenceBack(ZswapStore61):
    """Store a page; a reference that was taken for work which was queued before is dropped."""

    @step
    def check_pool_limit(self, v: KernelView) -> Next:
        """Refuse the page if the pool is full, as ever, and keep one reference for one run."""
        hits, queued = v[v.at.zs.pool_limit_hit], v[v.at.shrink_work].pools
        following = ZswapStore61.check_pool_limit(self, v)
        oldest = v[v.at.pool_list][-1:]
        if v[v.at.zs.pool_limit_hit] > hits and oldest and oldest[0] in queued:
            change_pool_ref(v, oldest[0], -1)
        return following


SCOPE = """
[system]
pages = 3
slots = 5
folios = 4

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)", "write(0, 2, 4)", "pageout(0, 0, 1)", "max_pool_percent(0)"]

[[thread]]
name = "task"
run = ["pageout(0, 1, 1)"]

[[thread]]
name = "other"
run = ["pageout(0, 2, 1)"]
"""

EXHIBIT = Exhibit(
    id="Z08",
    about=__doc__,
    source='commit 969d63e1af3b "mm: zswap: fix pool refcount bug around shrink_worker()" (2023)',
    evidence="A",
    base="linux-6.1",
    operations={},
    remedy={"zswap_store": PutsReferenceBack},
    breaks=("ZS-10",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("write_page", mm=0, page=1, content=2),
        do("write_page", mm=0, page=2, content=3),
        do("madvise_pageout", mm=0, page=0),
        do("set_param", name="max_pool_percent", value="0"),
        do("madvise_pageout", mm=0, page=1, nr=2),
    ),
    scope=SCOPE,
    meets="ZS-10",
)
