"""Z05: The list walk looks at an entry after it has let go of the list.

The walk isolates an entry from its LRU list and drops the lock of the list, as it must, for writing back may
sleep. Only then does it read the entry's slot, by way of the entry and of the tree that has it. Swapoff, or
whoever else invalidates the slot, has freed both by then. The remedy copies the number of the slot while the
lock is held, uses nothing but that number to pin slot and device, and looks at the entry again only after the
tree was found to have it still.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_shrink import ListLruWalk
from refmodel.machine import Call, Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class ReadsAfterUnlock(ListLruWalk):
    """Walk an LRU list; of the entry that is to be written back only the address is kept over the unlock."""

    @step
    def visit(self, v: KernelView) -> Next:
        """Look at the head as ever, and drop the lock."""
        following = ListLruWalk.visit(self, v)
        return self.read_slot if isinstance(following, Call) else following

    @step
    def read_slot(self, v: KernelView) -> Next:
        """Read the slot number from the entry, with no lock held."""
        self.slot = live_entry(v, self.entry).swpentry
        return Call(v.ops.zswap_writeback_entry(entry=self.entry, slot=self.slot), self.after_writeback)


SCOPE = """
[initial]
run = ["shrinker_enabled(1)", "write(0, 0, 2)", "pageout(0, 0, 1)", "shrinker_scan(1, 0, 1)"]

[[thread]]
name = "shrinker"
run = ["shrinker_scan(1, 0, 1)"]

[[thread]]
name = "admin"
run = ["swapoff"]
"""

EXHIBIT = Exhibit(
    id="Z05",
    about=__doc__,
    source='patch v2 2/3 "mm/zswap: fix race between lru writeback and swapoff" (January 2024)',
    evidence="A",
    base="linux-6.12",
    operations={"list_lru_walk": ReadsAfterUnlock},
    scope=SCOPE,
    meets="LIVE",
)
