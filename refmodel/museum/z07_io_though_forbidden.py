"""Z07: The shrinker starts I/O for an allocation that forbids it.

Who works on I/O allocates memory with GFP_NOIO: reclaim may free what it can, but start no I/O, for that could
need what the allocation's caller holds. The shrinker of zswap did not look at this. The report is of a worker of
bcachefs whose bio device mapper clones: reclaim for the clone writes a page back, and waits for a bio that goes out
only when the worker's own submission is over. Here the device is zram, which allocates a page's object while it
holds the compression stream of its CPU. The page comes from zswap's worker, which is not in reclaim itself; the
shrinker writes another page, which waits for that stream.
"""

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_write import ZramWrite
from refmodel.kernel.zswap_shrink import ShrinkerCount
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class ReclaimsForObject(ZramWrite):
    """Write one page to its slot, for a task that is not in reclaim: the allocation of its object may reclaim."""

    @step
    def allocate(self, v: KernelView) -> Next:
        """Reclaim without I/O (GFP_NOIO) if memory is short; the stream is held, for its holder may sleep."""
        if v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(gfp_has_io_fs=False), self.allocate_at_last)
        return self.allocate_at_last

    @step
    def allocate_at_last(self, v: KernelView) -> Next:
        """Allocate the object."""
        return ZramWrite.allocate(self, v)


@attrs.define
class CountsAnyway(ShrinkerCount):
    """Tell the memory-pressure shrinker how many entries are worth a try, whoever is short of memory."""

    def may_count(self, v: KernelView) -> bool:
        """Whether the shrinker is on and the cgroup allows writeback."""
        return v[v.at.zswap].shrinker_enabled and memcg.writeback_enabled(v, self.memcg)


SCOPE = """
[system]
pages = 3
slots = 4
totalram_pages = 60
folios = 5

[zram]

[initial]
run = [
    "shrinker_enabled(1)", "write(0, 0, 2)", "write(0, 1, 3)", "write(0, 2, 1)", "pageout(0, 0, 2)",
    "shrinker_scan(1, 0, 2)", "max_pool_percent(0)",
]

[[thread]]
name = "task"
# One word fills the page: to write it, which is done in reclaim, zram allocates nothing.
run = ["pageout(0, 2, 1)"]

[environment]
faults = ["reclaim"]
# Who is in reclaim does not enter it again.
budget = 1
background = ["worker"]
"""

EXHIBIT = Exhibit(
    id="Z07",
    about=__doc__,
    source='commit 30fb6a8d9e33 "mm: zswap: fix writeback shinker GFP_NOIO/GFP_NOFS recursion" (2024)',
    evidence="A",
    base="zram-7.3",
    ground={"zram_write": ReclaimsForObject},
    operations={"shrinker_count": CountsAnyway},
    scope=SCOPE,
    meets="PROGRESS",
)
