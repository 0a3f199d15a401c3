"""A-X3: Kcompressd, RFC of March 2025: two kswapds append to one queue at the same time.

Each node has a kswapd, and all of them share the queues. A kfifo is safe for one producer: both find the same end, both
write there, and the queue ends behind the one that is slower. The bio of the other is lost: its folio stays under
writeback for ever. The author admitted it on 10 March; a vendor puts a gate before each queue. With one node there is
one producer.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.kcompressd_intended import UNLOCKED_A, ZEROED

SCOPE = """
[system]
nodes = 2
pages = 2
slots = 3
folios = 3
synchronous = true
enabled = false

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
    id="A-X3",
    about=__doc__,
    source="[RFC] 2/2 kcompressd, 7 March 2025, and its author's reply of 10 March 2025",
    evidence="A",
    base="kcompressd-a",
    operations={},
    options=UNLOCKED_A,
    remedy_options=ZEROED,
    scope=SCOPE,
    meets="KC-22",
)
