"""IAA-H12b: Batching v8: a batch never ends while jobs are completed by interrupts.

With sync_mode async_irq even a job that is to be polled asks for an interrupt, and its request remembers no descriptor.
The poll finds nothing to look at and takes that for a device that is not done, for ever, with the mutex of its CPU.
Read in the code; in v14 who polls gets no interrupt.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_h12_never_told import SCOPE
from refmodel.museum.iaa_intended import MeantV9, PollPuts

EXHIBIT = Exhibit(
    id="IAA-H12b",
    about=__doc__,
    source="iaa_compress() and iaa_comp_poll(), batching v8",
    evidence="B",
    base="iaa-v8",
    operations={},
    remedy={"iaa_job": MeantV9, "iaa_poll": PollPuts},
    released_in=("iaa-v5",),
    scope=SCOPE,
    meets="PROGRESS",
)
