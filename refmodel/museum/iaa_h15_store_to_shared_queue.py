"""IAA-H15: Batching v13: a plain store submits a job to a shared queue.

Jobs that ask for no interrupt are submitted with MOVDIR64B whatever the queue is. A shared queue has to be asked with
ENQCMD, which can be refused. The job is lost, and who waits for it waits for ever. Read in the code; what a device does
with such a store is UNVERIFIED.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import MeantV13

SCOPE = """
[iaa]
queues = [{ size = 1, mode = "shared", threshold = 1 }]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H15",
    about=__doc__,
    source="iaa_submit_desc_movdir64b(), batching v10 to v14",
    evidence="B",
    base="iaa-v13",
    operations={},
    remedy={"iaa_job": MeantV13},
    scope=SCOPE,
    meets="IAA-2",
)
