"""IAA-H17: Linux 6.12: concurrent software decompressions share one transform.

What a device cannot decompress goes to one software transform that all CPUs share without a lock. Two that are in it at
a time write over each other's state, and a process reads garbage. Read in the code; the author names it as the cause of
a crash in the changes of the series since v5. 7.3 gives each request its own, the series has a mutex.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import Meant612

SCOPE = """
[system]
cpus = 2

[iaa]
queues = [2]
statuses = ["analytics_error"]

[[thread]]
name = "one"
run = ["iaa_decompress(0, 2)"]

[[thread]]
name = "other"
run = ["iaa_decompress(1, 2)"]

[environment]
faults = ["iaa_status"]
fixed = ["cpu"]
"""

EXHIBIT = Exhibit(
    id="IAA-H17",
    about=__doc__,
    source="deflate_generic_decompress(), iaa_crypto_main.c, Linux 6.12.117",
    evidence="B",
    base="iaa-6.12",
    operations={},
    remedy={"iaa_job": Meant612},
    scope=SCOPE,
    meets="PROMISE",
)
