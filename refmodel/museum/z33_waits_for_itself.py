"""Z33: A swap-in reclaims into zswap and waits for itself.

A swap-in marks its slot, and charges its folio before anybody can see that folio. The charge enters reclaim,
the shrinker of zswap picks the entry of this very slot and asks for its folio: the slot is marked, nobody
shows a folio, so it waits for the one who set the mark. That is its own caller. The guard lets a writeback
give up at a slot that somebody is bringing in.
"""

import attrs

from refmodel.kernel.swap_state import SwapCacheAlloc612
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class WaitsForAnybody(SwapCacheAlloc612):
    """Claim a slot for reading; whoever has marked it is waited for."""

    @step
    def lookup(self, v: KernelView) -> Next:
        """Look whether the slot can be claimed, for a writeback as for a fault."""
        self.skip_if_exists = False
        return SwapCacheAlloc612.lookup(self, v)


SCOPE = """
[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]

[environment]
faults = ["reclaim"]
"""

EXHIBIT = Exhibit(
    id="Z33",
    about=__doc__,
    source="comment in __read_swap_cache_async(), mm/swap_state.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"swap_cache_alloc_folio": WaitsForAnybody},
    scope=SCOPE,
    meets="PROGRESS",
)
