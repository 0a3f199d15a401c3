"""KI-18: Kcompressd, RFC of March 2025: a folio goes into a ring that is being freed.

Kswapd asks whether folios may be queued, and appends one. Whoever writes a parameter forbids it, stops the threads,
empties the rings and frees them. Nothing keeps the second from coming between the two halves of the first: the folio
then is in a ring that nobody has, under writeback for ever. A lock around both, or stopping kswapd first, as the patch
of April 2025 does, excludes it. Derived from the code, reported by nobody (UNVERIFIED).
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import STOPS, UNLOCKED_A

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
run = ["write(0, 0, 2)", "kswapd(1)", "write(0, 1, 3)"]

[[thread]]
name = "kswapd"
run = ["kswapd(2)"]

[[thread]]
name = "admin"
run = ["kcompressd_stop(0)"]
"""

EXHIBIT = Exhibit(
    id="KI-18",
    about=__doc__,
    source="schedule_bio_write(), kcompressd_deinit(), [RFC] 2/2 kcompressd, 7 March 2025",
    evidence="B",
    base="kcompressd-a",
    operations={},
    options=UNLOCKED_A,
    remedy=STOPS,
    scope=SCOPE,
    meets="KC-18",
)
