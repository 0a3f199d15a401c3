"""K02: Kswapd queues a folio and does not wake the thread.

The prototype put the folio into the queue and returned. The thread sleeps until somebody wakes it, so the folio stays
in its queue, locked, and whoever needs the page sleeps with it. The patch of April 2025 wakes after every folio.
"""

import attrs

from refmodel.kernel.kcompressd_submit import SwapWritepageB
from refmodel.kernel.page_io import WRITTEN
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import TAKES_REFERENCE, WITH_REFERENCE


@attrs.define
class WakesNobody(SwapWritepageB):
    """Swap a folio out as kswapd; nobody is told."""

    @step
    def wake(self, v: KernelView) -> Next:
        """Return."""
        return Return(WRITTEN)


SCOPE = """
[kcompressd]
capacity = 2

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)"]
"""

EXHIBIT = Exhibit(
    id="K02",
    about=__doc__,
    source="prototype of 13 March 2025 (Barry Song) against the patch of 30 April 2025",
    evidence="B",
    base="kcompressd-b",
    ground=WITH_REFERENCE,
    options=TAKES_REFERENCE,
    operations={"kswapd_writepage": WakesNobody},
    scope=SCOPE,
    meets="KC-11",
)
