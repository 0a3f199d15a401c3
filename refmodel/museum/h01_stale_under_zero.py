"""H-1: Linux 6.12 to 7.3: a stale copy in zswap survives under the zero flag and comes back.

A page is stored in zswap and stays in the swap cache because somebody holds its folio. Its process finds
it there, fills it with zeroes, and it is swapped out again: the zero flag is set, and zswap is not
asked, so the old copy stays. Reads are right as long as the flag is looked at. But a writeback of the
old copy puts a folio with the old bytes into the swap cache, where a fault in that window finds it. Seen
on unmodified 6.12.117, 6.18.15 and 7.3.4; no report and no remedy are known.
"""

import attrs

from refmodel.kernel.crypto import is_zero
from refmodel.kernel.kcompressd_submit import SwapWritepageA
from refmodel.kernel.page_io import SwapWritepage
from refmodel.kernel.reclaim_batch import SwapWritepageBegin
from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import AsksLimitB, AsksLimitC
from refmodel.profiles.batching import POSTINGS, PROPOSALS


@attrs.define
class InvalidatesUnderZero(SwapWritepage):
    """Swap a folio out; zeroes go to the zero map only after zswap has dropped what it had."""

    told: int = 0

    @step
    def check_zero(self, v: KernelView) -> Next:
        """Tell zswap about every slot before the flags are set."""
        folio = self.the_folio(v)
        zero = all(is_zero(content) for content in folio.contents)
        if not self.result and zero and self.told < len(folio.contents):
            slot = folio.swap + self.told
            self.told += 1
            return Call(v.ops.zswap_invalidate(slot=slot), self.check_again)
        return SwapWritepage.check_zero(self, v)

    @step
    def check_again(self, v: KernelView) -> Next:
        """Go on where zswap was told."""
        self.result = False
        return self.check_zero


def _invalidating(writepage: type[SwapWritepage]) -> type[SwapWritepage]:
    """Return the same for a swap-out that goes on otherwise after the look for zeroes."""
    steps = {"check_zero": InvalidatesUnderZero.check_zero, "check_again": InvalidatesUnderZero.check_again}
    made: type[SwapWritepage] = attrs.make_class(
        f"{writepage.__name__}Invalidates",
        {"told": attrs.field(default=0, type=int)},
        bases=(writepage,),
        class_body={"__doc__": InvalidatesUnderZero.__doc__, "__module__": __name__, **steps},
        slots=True,
    )
    return made


AsksLimitBInvalidates = _invalidating(AsksLimitB)
AsksLimitCInvalidates = _invalidating(AsksLimitC)
SwapWritepageAInvalidates = _invalidating(SwapWritepageA)
SwapWritepageBeginInvalidates = _invalidating(SwapWritepageBegin)

SCOPE = """
[system]
slots = 3

[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)", "write(0, 0, 0)", "pageout(0, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)", "shrinker_scan(1, 0, 1)", "shrinker_scan(1, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="H-1",
    about=__doc__,
    source="swap_writepage(), mm/page_io.c 6.12.117, and zswap_writeback_entry(), mm/zswap.c",
    evidence="B",
    base="linux-6.12",
    released_in=("linux-6.18", "linux-7.3", *(made.name for made in (*POSTINGS, *PROPOSALS))),
    operations={},
    remedy={"swap_writepage": InvalidatesUnderZero},
    forms={
        AsksLimitB: AsksLimitBInvalidates,
        AsksLimitC: AsksLimitCInvalidates,
        SwapWritepageA: SwapWritepageAInvalidates,
        SwapWritepageBegin: SwapWritepageBeginInvalidates,
    },
    breaks=("ZS-18",),
    sizes={"processes": 1, "pages": 1, "memcgs": 1, "nodes": 1},
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"folio_held": (1,)}, mm=0, page=0),
        do("read_page", mm=0, page=0),
        do("write_page", mm=0, page=0, content=0),
        do("madvise_pageout", mm=0, page=0),
        do("shrink_memcg", memcg=1),
        do("shrink_memcg", memcg=1),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
