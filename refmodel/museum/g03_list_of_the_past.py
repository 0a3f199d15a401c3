"""G3: An entry is taken off the list of a cgroup that was looked up too early.

Freeing an entry takes it off the list of its owner's cgroup. If that cgroup is looked up first, and the cgroup
goes offline before the removal, its entries have moved to the parent's list: the removal finds nothing on the
list that it looks at, and the freed entry stays on the other one. So the cgroup is looked up in the removal
itself, and the list that the entry is found on is the one that counts.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import ZswapEntryFree73, entry_memcg, live_entry
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class LooksUpEarly(ZswapEntryFree73):
    """Free an entry; its list is chosen before it is locked."""

    group: int = 0

    @step
    def lru_del(self, v: KernelView) -> Next:
        """Look up the cgroup."""
        self.group = entry_memcg(v, live_entry(v, self.entry))
        return self.unlink

    @step
    def unlink(self, v: KernelView) -> Next:
        """Take the entry off the list of that cgroup."""
        place = v.at.lru[self.group][live_entry(v, self.entry).slab_nid]
        v[place] = tuple(e for e in v[place] if e != self.entry)
        return self.free_object


SCOPE = """
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]

[[thread]]
name = "admin"
run = ["memcg_offline(1)"]
"""

EXHIBIT = Exhibit(
    id="G3",
    about=__doc__,
    source="comment in zswap_lru_add(), mm/zswap.c 6.12.117",
    evidence="B",
    base="linux-7.3",
    operations={"zswap_entry_free": LooksUpEarly},
    scope=SCOPE,
    meets="LIVE",
)
