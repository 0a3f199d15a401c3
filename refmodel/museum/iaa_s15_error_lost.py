"""IAA-S15: Batching v14: what fails on the device is not told.

The hook that polls a batch reports a failure as a negative length of the request. The length is an unsigned field, and
the test whether it is negative is never true, so the call returns success; only a job whose submission fails is told.
Who may not keep a page raw keeps it. Read in the code.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.iaa_intended import TellsErrors

EXHIBIT = Exhibit(
    id="IAA-S15",
    about=__doc__,
    source="acomp_batch_parallel(), batching v14 15/26",
    evidence="B",
    base="iaa-v14",
    operations={},
    remedy={"iaa_batch": TellsErrors},
    breaks=("IAA-41",),
    program=(do("iaa_call_batch", {"iaa_status": (1,)}, cpu=0, op="compress", contents=(1, 2)),),
)
