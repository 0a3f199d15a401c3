"""IAA-H2a: Linux 7.3: a page cannot be read once the last queue has gone.

The last queue is unbound while pages are stored that a device has compressed. Whoever reads one finds the driver
off: -ENODEV, although software decompresses what cannot be mapped. Zswap counts a failure and the process dies of a
page that is whole (SIGBUS). Read in the code.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_h2_queue_gone import SCOPE
from refmodel.museum.iaa_intended import Meant73

EXHIBIT = Exhibit(
    id="IAA-H2a",
    about=__doc__,
    source="iaa_comp_adecompress(), iaa_crypto_main.c, Linux 7.3.4",
    evidence="B",
    base="iaa-7.3",
    operations={},
    remedy={"iaa_job": Meant73},
    scope=SCOPE,
    meets="PROMISE",
)
