"""IAA-H1: Linux 6.12 and 7.3: the descriptors of a queue are freed under a job.

The removal of a queue stops submissions and lets the device drain it, but it does not wait for who looks at a
completion record, sleeps for a descriptor or has one that is not submitted yet. Descriptors and records are freed, and
the job goes on with them. Read in the code; the cover of batching v13 says that three of its patches together fix a
race of removal.
"""

from refmodel.kernel.iaa_bind import IaaBindV9
from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import UnbindWaits

SCOPE = """
[iaa]
queues = [1]

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]

[[thread]]
name = "admin"
run = ["iaa_unbind(0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H1",
    about=__doc__,
    source="iaa_crypto_remove() and idxd_drv_disable_wq(), Linux 6.12.117 and 7.3.4",
    evidence="B",
    base="iaa-6.12",
    operations={},
    remedy={"iaa_bind": IaaBindV9, "iaa_unbind": UnbindWaits},
    released_in=("iaa-7.3",),
    scope=SCOPE,
    meets="LIVE",
)
