"""G5: Writeback stays forbidden while zswap is off.

A cgroup can forbid that its pages go from zswap to the device. While zswap as a whole is disabled it takes no
page, and a page that may not go to the device either could go nowhere: it is put back into memory, dirty, and
nothing of the cgroup can be reclaimed. So the question is answered with "allowed" as long as zswap is off.
"""

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.page_io import ACTIVATE, SwapWritepage
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class AsksTheCgroupAlone(SwapWritepage):
    """Swap a folio out; the cgroup is asked whether zswap is on or not."""

    @step
    def after_store(self, v: KernelView) -> Next:
        """Keep what zswap did not take and the cgroup forbids to write."""
        folio = self.the_folio(v)
        allowed = all(v[v.at.memcg[m]].zswap_writeback for m in memcg.ancestors(v, folio.memcg))
        if self.result or allowed:
            return SwapWritepage.after_store(self, v)
        self.change(v, dirty=True)
        return Return(ACTIVATE)


EXHIBIT = Exhibit(
    id="G5",
    about=__doc__,
    source="comment in mem_cgroup_zswap_writeback_enabled(), mm/memcontrol.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"swap_writepage": AsksTheCgroupAlone},
    breaks=("OFF-WRITES",),
    program=(
        do("set_memcg", memcg=1, control="zswap.writeback", value="0"),
        do("set_param", name="enabled", value="0"),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
)
