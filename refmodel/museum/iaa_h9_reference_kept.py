"""IAA-H9: Batching v5 to v9: every job that is polled keeps a reference on its queue.

A job takes a reference when it selects its queue. Who waits in place drops it at the end; the poll frees the
descriptor and forgets the reference. The queue can never be taken away cleanly again. Read in the code; v13 has the
missing put.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import PollPuts

SCOPE = """
[iaa]
queues = [2]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress_batch(0, 2)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H9",
    about=__doc__,
    source="iaa_comp_poll(), batching v9 09/19",
    evidence="B",
    base="iaa-v9",
    operations={},
    remedy={"iaa_poll": PollPuts},
    released_in=("iaa-v5", "iaa-v8"),
    scope=SCOPE,
    meets="IAA-11",
)
