"""C-stop: Kcompressd, a port of the descendants: a thread that is stopped leaves its folios in the queue.

The thread asks first whether it is to end, and then whether there are folios. When its node goes, what waits is never
seen to: the ring is freed, the folios stay locked, and whoever needs their pages sleeps for ever. The patch of April
2025 empties the queue before it asks. Derived from the code, reported by nobody (UNVERIFIED).
"""

from refmodel.kernel.kcompressd_thread import KcompressdRun
from refmodel.museum.exhibit import Exhibit

SCOPE = """
[kcompressd]
capacity = 2

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)"]

[[thread]]
name = "admin"
run = ["kcompressd_stop(0)"]
"""

EXHIBIT = Exhibit(
    id="C-stop",
    about=__doc__,
    source="a vendor's mm/page_io.c based on Linux 6.1 with the design of kcompressd-unofficial",
    evidence="B",
    base="kcompressd-c",
    operations={},
    remedy={"kcompressd_run": KcompressdRun},
    scope=SCOPE,
    meets="KC-18",
)
