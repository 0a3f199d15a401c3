"""IAA-H11a: Batching v14: unmapping copies a bounce buffer over the page.

A page that the device could not decompress is decompressed in software while it is still mapped for the device. Where
the mapping goes by way of a bounce buffer, unmapping copies what the device has left there over the good page. Mainline
unmaps first. Read in the code.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_h11_copied_over import SCOPE
from refmodel.museum.iaa_intended import MeantV14

EXHIBIT = Exhibit(
    id="IAA-H11a",
    about=__doc__,
    source="iaa_decompress(), batching v14; compare commit 94a259304771",
    evidence="B",
    base="iaa-v14",
    operations={},
    remedy={"iaa_job": MeantV14},
    scope=SCOPE,
    meets="PROMISE",
)
