"""IAA-H10: Linux 7.3: a descriptor is given back while the device has its job.

After a million looks at a completion record the driver gives up, turns itself off and frees the descriptor. The device
may still end the job: it then writes to the record and the buffers of whoever has the descriptor by then. Read in the
code; only the driver's being off keeps the descriptor from being handed out again.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import Meant73

SCOPE = """
[iaa]
queues = [1]

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]

[environment]
faults = ["iaa_spin"]
"""

EXHIBIT = Exhibit(
    id="IAA-H10",
    about=__doc__,
    source="check_completion(), Linux 7.3.4",
    evidence="B",
    base="iaa-7.3",
    operations={},
    remedy={"iaa_job": Meant73},
    scope=SCOPE,
    meets="IAA-5",
)
