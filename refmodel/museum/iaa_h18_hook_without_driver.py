"""IAA-H18: Batching v14: the hook of a batch runs without its driver.

The last queue goes while a compressor of zswap is there. The driver refuses the batch before it has put the context of
the batch in the place of the caller's wait queue, and the hook takes the one for the other. Read in the code.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import TellsErrors

SCOPE = """
[iaa]
queues = [2]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress_batch(0, 2)"]

[[thread]]
name = "admin"
run = ["iaa_unbind(0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H18",
    about=__doc__,
    source="acomp_batch_parallel() and iaa_comp_batch_completed(), batching v14 15/26 and 16/26",
    evidence="B",
    base="iaa-v14",
    operations={},
    remedy={"iaa_batch": TellsErrors},
    scope=SCOPE,
    meets="BUG",
)
