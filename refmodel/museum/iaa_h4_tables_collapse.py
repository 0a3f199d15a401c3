"""IAA-H4: Batching v13: after a queue was unbound all CPUs have the first queue ever found.

The removal turns the driver off and makes the tables twice meanwhile. A driver that is off gives every CPU one queue,
the first that it has ever seen, for the self-tests of its algorithm; that stays until the next queue is bound. If the
first queue is the one that went, every compression fails and software decompresses everything. Read in the code; v14
is assumed to be the same (UNVERIFIED).
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import UnbindPrunes

SCOPE = """
[iaa]
queues = [1, 1]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]

[[thread]]
name = "admin"
run = ["iaa_unbind(0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H4",
    about=__doc__,
    source="iaa_crypto_remove() and rebalance_wq_table(), batching v13",
    evidence="B",
    base="iaa-v13",
    operations={},
    remedy={"iaa_unbind": UnbindPrunes},
    released_in=("iaa-v14",),
    scope=SCOPE,
    meets="IAA-20",
)
