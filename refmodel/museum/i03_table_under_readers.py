"""I03: Look-up table cleared and rebuilt under its readers.

When a queue comes or goes the driver empties the tables of all CPUs and then fills them again. A CPU that selects a
queue meanwhile finds none, and its job fails with -ENODEV although queues are there; for zswap a page cannot be read.
"""

from refmodel.kernel.iaa_bind import IaaBindV9
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import UnbindWaits

SCOPE = """
[iaa]
queues = [1, 1]
unbound = ["wq0.1"]

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]

[[thread]]
name = "admin"
run = ["iaa_bind(1)"]
"""

EXHIBIT = Exhibit(
    id="I03",
    about=__doc__,
    source="crypto: iaa - Fix race condition when probing IAA devices (2025); rebalance_wq_table(), Linux 6.12.117",
    evidence="A",
    base="iaa-6.12",
    operations={},
    remedy={"iaa_bind": IaaBindV9, "iaa_unbind": UnbindWaits},
    released_in=("iaa-7.3",),
    scope=SCOPE,
    meets="IAA-19",
)
