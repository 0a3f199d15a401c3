"""S11: A swap charge is taken from one cgroup and recorded with another.

The folio that is swapped out belongs to a cgroup that has gone offline, so its nearest living ancestor is
charged. The slot is recorded with the id of the dead cgroup. When the slot is freed, the dead cgroup is
uncharged: its counter falls below zero, and the ancestor's never comes back. It was repaired, broken again
by the resolution of a merge conflict, and repaired again.
"""

import attrs

from refmodel.kernel.folio import live_folio
from refmodel.kernel.state import SwapSlot
from refmodel.kernel.swap_slots import AddToSwap612
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class RecordsTheDead(AddToSwap612):
    """Give a folio swap slots; the cgroup that is charged and the one that is recorded may differ."""

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the nearest living ancestor, unless that is the root; record the folio's own cgroup."""
        folio = live_folio(v, self.folio)
        charged = folio.memcg
        while not v[v.at.memcg[charged]].online:
            charged = v[v.at.memcg[charged]].parent
        nr = len(folio.contents)
        if charged:
            v[v.at.mc[charged].swap] += nr
        for s in range(self.slot, self.slot + nr):
            v[v.at.slot[s]] = SwapSlot(cache=True, memcg=folio.memcg)
        v.emit("slot_alloc", swp=self.slot, ret=0)
        return self.insert


SCOPE = """
[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "admin"
run = ["memcg_offline(1)"]
"""

EXHIBIT = Exhibit(
    id="S11",
    about=__doc__,
    source='commit 73f839b6d2ed "mm: memcontrol: fix swap counter leak from offline cgroup" (2025)',
    evidence="A",
    base="linux-6.12",
    operations={"add_to_swap": RecordsTheDead},
    breaks=("SD-12",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("memcg_offline", memcg=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="SD-12",
)
