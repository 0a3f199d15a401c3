"""IAA-H2b: Batching v9: a page cannot be read once the last queue has gone.

A decompression for which no descriptor comes goes to software; one for which there is no queue ends with -ENODEV. So
what a device has compressed cannot be read when its last queue has gone. Read in the code of v9; of v8 and of the
allocation of v5 the same is assumed (UNVERIFIED). From v10 on software takes over here, too.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_h2_queue_gone import SCOPE
from refmodel.museum.iaa_intended import MeantV9

EXHIBIT = Exhibit(
    id="IAA-H2b",
    about=__doc__,
    source="iaa_comp_adecompress(), batching v9",
    evidence="B",
    base="iaa-v9",
    operations={},
    remedy={"iaa_job": MeantV9},
    released_in=("iaa-v5", "iaa-v8"),
    scope=SCOPE,
    meets="PROMISE",
)
