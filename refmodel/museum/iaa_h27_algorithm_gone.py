"""IAA-H27: Batching v13: the algorithm goes with the last queue, under a pool that needs it.

The last queue takes the registration of the algorithm with it, although zswap still has transforms of it. A job asks
for the registration before it asks for anything else, so neither a device nor software decompresses: what was stored
cannot be read until a queue is bound again. Read in the code. That the context of the driver is freed under its users
as well, the model does not have.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_h2_queue_gone import SCOPE
from refmodel.museum.iaa_intended import MeantV13

EXHIBIT = Exhibit(
    id="IAA-H27",
    about=__doc__,
    source="iaa_crypto_remove() and iaa_comp_adecompress_main(), batching v13",
    evidence="B",
    base="iaa-v13",
    operations={},
    remedy={"iaa_job": MeantV13},
    scope=SCOPE,
    meets="PROMISE",
)
