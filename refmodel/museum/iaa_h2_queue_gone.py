"""IAA-H2: Linux 6.12: a page cannot be read once the last queue has gone, and the kernel stops.

The last queue is unbound while pages are stored that a device has compressed. Whoever reads one finds the driver
off: -ENODEV, although a software deflate stands by and decompresses what a device cannot. Zswap of 6.12 has no way to
report an error and stops (BUG_ON). Read in the code; the series goes to software.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import Meant612

SCOPE = """
[system]
slots = 3

[iaa]
queues = [1]

[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)", "iaa_unbind(0)"]

[[thread]]
name = "task"
run = ["read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H2",
    about=__doc__,
    source="iaa_comp_adecompress(), iaa_crypto_main.c, and zswap_decompress(), mm/zswap.c, Linux 6.12.117",
    evidence="B",
    base="iaa-6.12",
    operations={},
    remedy={"iaa_job": Meant612},
    scope=SCOPE,
    meets="BUG",
)
