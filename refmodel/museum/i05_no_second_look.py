"""I-5: A folio is put into the swap cache of a slot without looking at the slot again.

A swap-in that finds no folio allocates one, with no lock held. Somebody else may have put a folio there by
then, filled it, mapped it and dropped it again. The slot is looked at a second time, in the step that inserts
the folio: only who still finds it empty, and named by a page table, has acquired it. Without that two folios
claim one slot, and its bytes may be in the one that nobody finds.
"""

import attrs

from refmodel.kernel.swap_state import SwapCacheAlloc73, insert_for_read
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class InsertsUnseen(SwapCacheAlloc73):
    """Claim a slot for reading; what was seen before the allocation is taken to hold."""

    @step
    def insert(self, v: KernelView) -> Next:
        """Put the locked folio into the table word."""
        self.mark(v)
        insert_for_read(v, self.folio, self.slot)
        return self.charge


SCOPE = """
[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)"]

[[thread]]
name = "reader"
run = ["read(0, 0)"]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="I-5",
    about=__doc__,
    source="swap_cache_alloc_folio(), mm/swap_state.c 7.3.4",
    evidence="B",
    base="linux-7.3",
    operations={"swap_cache_alloc_folio": InsertsUnseen},
    scope=SCOPE,
    meets="LIVE",
)
