"""IAA-H11: Batching v13: unmapping copies a bounce buffer over the page.

A page that the device could not decompress is decompressed in software while it is still mapped for the device. Where
the mapping goes by way of a bounce buffer, unmapping copies what the device has left there over the good page. Mainline
unmaps first. Read in the code.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import MeantV13

SCOPE = """
[iaa]
queues = [1]
statuses = ["analytics_error"]

[[thread]]
name = "task"
run = ["iaa_decompress(0, 2)"]

[environment]
faults = ["iaa_status", "iaa_bounce"]
"""

EXHIBIT = Exhibit(
    id="IAA-H11",
    about=__doc__,
    source="iaa_decompress(), batching v13; compare commit 94a259304771",
    evidence="B",
    base="iaa-v13",
    operations={},
    remedy={"iaa_job": MeantV13},
    scope=SCOPE,
    meets="PROMISE",
)
