"""IAA-H12: Batching v9: a batch never ends while jobs are completed by interrupts.

With sync_mode async_irq even a job that is to be polled asks for an interrupt, and its request remembers no descriptor.
The poll finds nothing to look at and takes that for a device that is not done, for ever, with the mutex of its CPU.
Read in the code; in v14 who polls gets no interrupt.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import MeantV9, PollPuts, TakesSoftware

SCOPE = """
[iaa]
queues = [2]
sync_mode = "async_irq"
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress_batch(0, 2)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H12",
    about=__doc__,
    source="iaa_compress() and iaa_comp_poll(), batching v9",
    evidence="B",
    base="iaa-v9",
    operations={},
    remedy={"iaa_job": MeantV9, "iaa_poll": PollPuts, "iaa_batch": TakesSoftware},
    scope=SCOPE,
    meets="PROGRESS",
)
