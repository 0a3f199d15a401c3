"""A-X1: Kcompressd, RFC of March 2025: nobody sets the state of a thread that was not started.

The array of threads is allocated and not zeroed. What stands there by chance is neither "not started" nor "sleeping",
so kswapd takes the thread for a running one, and neither starts nor wakes it. All queues fill, and their folios stay
under writeback for ever. Vendors zero the array.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import ZEROED

SCOPE = """
[system]
synchronous = true
enabled = false

[kcompressd]
capacity = 2

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "kswapd"
run = ["kswapd(1)"]
"""

EXHIBIT = Exhibit(
    id="A-X1",
    about=__doc__,
    source="[RFC] 2/2 kcompressd, 7 March 2025; fixed in vendor copies",
    evidence="B",
    base="kcompressd-a",
    operations={},
    remedy_options=ZEROED,
    scope=SCOPE,
    meets="KC-11",
)
