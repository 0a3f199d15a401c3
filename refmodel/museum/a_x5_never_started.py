"""A-X5: Kcompressd, RFC of March 2025: whoever stops the threads stops those, too, that were never started.

A thread is started with the first folio for it. When the module goes, or a parameter is written, every thread of the
array is told to end: one that nobody has started is whatever stands in its place. Vendors look first.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import STOPS, UNLOCKED_A

SCOPE = """
[kcompressd]
capacity = 1

[[thread]]
name = "admin"
run = ["kcompressd_stop(0)"]
"""

EXHIBIT = Exhibit(
    id="A-X5",
    about=__doc__,
    source="kcompressd_deinit(), [RFC] 2/2 kcompressd, 7 March 2025; guarded in vendor copies",
    evidence="B",
    base="kcompressd-a",
    operations={},
    options=UNLOCKED_A,
    remedy=STOPS,
    breaks=("LIVE",),
    scope=SCOPE,
    meets="LIVE",
    program=(do("kcompressd_stop", queue=0),),
)
