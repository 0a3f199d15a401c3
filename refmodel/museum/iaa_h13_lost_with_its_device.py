"""IAA-H13: All batches: a device that halts takes the CPU of its pollers with it.

The poll of a batch goes round the jobs in flight until all are done, without a limit and without sleeping. A device
that has halted ends none of them, so the CPU is stuck with its mutexes held. Read in the code; the same is true of
6.12, where a single job looks without end.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import GivesUpHalted

SCOPE = """
[iaa]
queues = [2]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress_batch(0, 2)"]

[[thread]]
name = "hardware"
run = ["iaa_halt(0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H13",
    about=__doc__,
    source="iaa_comp_poll() and acomp_batch_parallel(), batching v14",
    evidence="B",
    base="iaa-v14-halt",
    operations={},
    remedy={"iaa_batch": GivesUpHalted},
    scope=SCOPE,
    meets="PROGRESS",
)
