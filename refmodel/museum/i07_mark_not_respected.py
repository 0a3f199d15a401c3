"""I-7: A writeback claims a slot that a fault reads privately.

On a synchronous device a fault reads into a folio of its own. The mark of the slot is all that others see of it:
no folio stands in the swap cache. A writeback that looks for a folio only puts its own there, writes the entry
out and frees it, while the fault is decompressing that entry. So a slot with a mark and no folio is somebody's,
and writeback gives up on it.
"""

import errno

import attrs

from refmodel.kernel.swap_state import SwapCacheAlloc612
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class LooksForFolios(SwapCacheAlloc612):
    """Claim a slot for reading; a mark without a folio means nothing."""

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look for a folio, and for somebody who names the slot."""
        if v[v.at.swap_cache[self.slot]]:
            return self.give_up(v, -errno.EEXIST)
        if not v[v.at.slot[self.slot]].count:
            return self.give_up(v, -errno.ENOENT)
        return self.prepare if self.folio else self.alloc_folio

    @step
    def prepare(self, v: KernelView) -> Next:
        """Mark the slot, unless it was freed or has a folio by now."""
        if not v[v.at.slot[self.slot]].count or v[v.at.swap_cache[self.slot]]:
            return self.lookup
        self.mark(v)
        return self.charge


SCOPE = """
[system]
synchronous = true

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
    id="I-7",
    about=__doc__,
    source="swapcache_prepare() in __read_swap_cache_async(), mm/swap_state.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"swap_cache_alloc_folio": LooksForFolios},
    scope=SCOPE,
    meets="LIVE",
)
