"""A-X7: Kcompressd, RFC of March 2025: a thread that cannot be started takes its ring along.

The first folio of a queue starts its thread. If that fails, kswapd compresses what waits, and frees the ring for good:
memory was short for a moment, and the queue cannot be used until the module is loaded again. A vendor empties the ring
and keeps it, so that the next folio tries once more.
"""

from refmodel.kernel.kcompressd_submit import KcompressdSubmitBio
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import UNLOCKED_A

SCOPE = """
[system]
synchronous = true
enabled = false

[kcompressd]
capacity = 1

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)"]

[environment]
faults = ["start_thread"]
"""

EXHIBIT = Exhibit(
    id="A-X7",
    about=__doc__,
    source="schedule_bio_write(), [RFC] 2/2 kcompressd, 7 March 2025; mended in a vendor copy",
    evidence="B",
    base="kcompressd-a",
    operations={},
    options=UNLOCKED_A,
    remedy={"kcompressd_submit": KcompressdSubmitBio},
    breaks=("KC-RING",),
    scope=SCOPE,
    meets="KC-RING",
    fixed={"synchronous_device": True, "zswap_enabled": False, "initial_pool": False},
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("kswapd", {"start_thread": (1,)}, folio=1),
    ),
)
