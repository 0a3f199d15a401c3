"""G2: Writeback isolates the entry and cannot put it back.

The callback of the LRU walk rotates an entry before it writes it back, and leaves the unlinking to the
function that frees entries; a comment explains why. If it took the entry off the list instead, then
after a writeback that failed it could not put it back, for it cannot know whether the entry still
exists. The page would stay in zswap, out of reach of every shrinker.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_shrink import ListLruWalk
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class Isolates(ListLruWalk):
    """Walk an LRU list, taking each entry off before it is written back."""

    @step
    def visit(self, v: KernelView) -> Next:
        """Look at the head as ever, but isolate what is going to be written back."""
        following = ListLruWalk.visit(self, v)
        if isinstance(following, Call):
            place = v.at.lru[self.memcg][self.nid]
            v[place] = v[place][:-1]
        return following


SCOPE = """
[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)", "shrinker_scan(1, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="G2",
    about=__doc__,
    source="comment in shrink_memcg_cb(), mm/zswap.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"list_lru_walk": Isolates},
    breaks=("ZS-4",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("shrink_memcg", memcg=1),
        do("shrink_memcg", {"alloc_folio": (1,)}, memcg=1),
    ),
    scope=SCOPE,
    meets="ZS-4",
)
