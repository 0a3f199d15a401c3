"""KI-9: Kcompressd, April 2025: the kswapd of a node without CPUs appends to the queue of another node.

The queue is that of the node whose CPU kswapd runs on, not that of its own. A node without CPUs has a kswapd all the
same, and it runs somewhere: so two of them append to one queue, which is made for one. A folio that is lost there stays
locked for ever. The port of the descendants to 6.1 has a lock around the ring. Derived from the code, reported by
nobody (UNVERIFIED).
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import TAKES_REFERENCE, WITH_REFERENCE

SCOPE = """
[system]
nodes = 2
pages = 2
slots = 3
folios = 3
totalram_pages = 60

[kcompressd]
capacity = 2
kswapds = 2

[initial]
run = ["write(0, 0, 2)", "write(0, 1, 3)"]

[[thread]]
name = "kswapd0"
run = ["kswapd(1)"]

[[thread]]
name = "kswapd1"
run = ["kswapd(2)"]
"""

EXHIBIT = Exhibit(
    id="KI-9",
    about=__doc__,
    source="kcompressd_store(), [PATCH] mm: Add Kcompressd, 30 April 2025; lib/kfifo.c, Linux 6.12.117",
    evidence="B",
    base="kcompressd-b",
    operations={},
    remedy=WITH_REFERENCE,
    remedy_options=TAKES_REFERENCE,
    scope=SCOPE,
    meets="KC-22",
)
