"""K7: A queued write is skipped because no page table names its slot, and the page stays clean.

Under writeback a folio is not locked: a fault finds it in the swap cache, maps it, and drops the count of its slot. A
thread that takes count 0 for "nobody needs it" and ends the write without one leaves a folio that is mapped, clean and
nowhere written. The next scan drops it, and the process reads what the device held before. The rule is safe where the
thread has the lock and the folio becomes dirty as it loses its slots. Found by exploring the model; the thread only
called cancelling challenging.
"""

import attrs

from refmodel.kernel.kcompressd_queue import complete, put_bio
from refmodel.kernel.kcompressd_thread import KcompressdSwapoutA
from refmodel.kernel.swap_slots import slots_of
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class SkipsWhatNobodyNames(KcompressdSwapoutA):
    """Write a folio to zram, unless no page table names its slot."""

    @step
    def compress(self, v: KernelView) -> Next:
        """End the write without one."""
        if any(v[v.at.slot[slot]].count for slot in slots_of(self.the_folio(v))):
            return self.end_write
        complete(v, self.queue, self.folio)
        put_bio(v, self.folio)
        self.change(v, writeback=False, reclaim=False)
        return self.release


SCOPE = """
[system]
slots = 3
folios = 3
synchronous = true
enabled = false

[kcompressd]
capacity = 2

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)", "reclaim(1)"]

[[thread]]
name = "task"
run = ["read(0, 0)", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="K7",
    about=__doc__,
    source='open question of "Improve Zram by separating compression context from kswapd" (March 2025)',
    evidence="B",
    base="kcompressd-a-zeroed",
    operations={"kcompressd_swapout": SkipsWhatNobodyNames},
    scope=SCOPE,
    meets="ZS-18",
)
