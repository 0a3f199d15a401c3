"""K01: The queue receives bytes of the folio instead of its address.

The prototype of kcompressd copied the first bytes of the folio into its queue, where the address of the folio
belonged. The thread takes what it finds for a folio. The patch of April 2025 has the address, and a test for room.
Posted as built, not as run.
"""

import attrs

from refmodel.kernel.kcompressd_submit import SwapWritepageB
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, evolve, step
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import TAKES_REFERENCE, WITH_REFERENCE


@attrs.define
class QueuesBytes(SwapWritepageB):
    """Swap a folio out as kswapd; the queue gets something else."""

    @step
    def enqueue(self, v: KernelView) -> Next:
        """Append what stands in the folio, which is the number of no folio."""
        place = v.at.kcompressd.queue[self.queue]
        v[place] = evolve(v[place], fifo=(*v[place].fifo, len(v.at.folio) - 1))
        v[v.at.kcompressd.count.pending] += 1
        return self.wake


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
    id="K01",
    about=__doc__,
    source="prototype of 13 March 2025 (Barry Song) against the patch of 30 April 2025",
    evidence="B",
    base="kcompressd-b",
    ground=WITH_REFERENCE,
    options=TAKES_REFERENCE,
    operations={"kswapd_writepage": QueuesBytes},
    scope=SCOPE,
    meets="KC-1",
)
