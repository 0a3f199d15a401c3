"""K05: Kcompressd, April 2025: the queue has no reference to its folios.

Lock and swap cache keep a folio that waits. But the thread gives the lock up and then wakes who sleeps for it, which
looks at the folio once more. Kswapd, or a later scan, may lock the folio in between, take it out of the swap cache and
free it. The descendants take a reference before the folio can be seen in the queue, and give it back last of all. Seen
nowhere as a crash: the use after the unlocking is derived (UNVERIFIED).
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import TAKES_REFERENCE, WITH_REFERENCE

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
    id="K05",
    about=__doc__,
    source="kcompressd-unofficial 0.4 against 0.5 (June 2025)",
    evidence="B",
    base="kcompressd-b",
    operations={},
    remedy=WITH_REFERENCE,
    remedy_options=TAKES_REFERENCE,
    scope=SCOPE,
    meets="LIVE",
)
