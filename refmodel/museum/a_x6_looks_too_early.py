"""A-X6: Kcompressd, RFC of March 2025: kswapd looks whether the thread sleeps before its folio can be seen.

Kswapd writes to the ring and then looks at the state of the thread, without a barrier between the two; the thread says
that it sleeps and then looks at the ring once more. A CPU with a store buffer may do the look first: kswapd sees a
thread that runs, the thread an empty ring, and nobody wakes anybody until the next folio comes. Here kswapd's look is
a step before its write. Whoever wakes always takes the lock of a wait queue, as the patch of April 2025 does, is safe.
Derived from the code, reported by nobody (UNVERIFIED).
"""

import attrs

from refmodel.kernel.kcompressd_state import Run
from refmodel.kernel.kcompressd_submit import KcompressdSubmitBio
from refmodel.kernel.table import KernelView
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class LooksTooEarly(KcompressdSubmitBio):
    """Submit a locked folio to zram; what is said of the thread is older than the folio in the ring."""

    seen: Run = "running"

    @step
    def submit(self, v: KernelView) -> Next:
        """Start writeback."""
        KcompressdSubmitBio.submit(self, v)
        return self.look

    @step
    def look(self, v: KernelView) -> Next:
        """Look whether the thread sleeps."""
        self.seen = v[v.at.kcompressd.queue[0]].thread
        return self.choose_queue

    @step
    def kick(self, v: KernelView) -> Next:
        """Wake the thread if it slept then."""
        return Return() if self.seen == "running" else KcompressdSubmitBio.kick(self, v)


SCOPE = """
[system]
pages = 2
slots = 3
folios = 3
synchronous = true
enabled = false

[kcompressd]
capacity = 2

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)", "kswapd(2)"]
"""

EXHIBIT = Exhibit(
    id="A-X6",
    about=__doc__,
    source="schedule_bio_write(), kcompressd_thread(), [RFC] 2/2 kcompressd, 7 March 2025",
    evidence="B",
    base="kcompressd-a-zeroed",
    operations={"kcompressd_submit": LooksTooEarly},
    scope=SCOPE,
    meets="KC-11",
)
