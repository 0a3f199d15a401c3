"""IAA-H6: Batching v9: a queue that was unbound stays in the tables.

The queues of a device by type are not pruned when one of them goes, so the next tables name it again. Its jobs find no
queue behind the name: compression fails. Bound again it stands there twice. Read in the code.
"""

from refmodel.museum.exhibit import Exhibit
from refmodel.museum.iaa_intended import PollPuts, UnbindPrunesV9

SCOPE = """
[iaa]
queues = [1, 1]
tries = 1

[[thread]]
name = "task"
run = ["iaa_compress(0, 2)"]

[[thread]]
name = "admin"
run = ["iaa_unbind(0)"]
"""

EXHIBIT = Exhibit(
    id="IAA-H6",
    about=__doc__,
    source="remove_iaa_wq() and map_iaa_device_wqs(), batching v9 06/19",
    evidence="B",
    base="iaa-v9",
    operations={},
    remedy={"iaa_unbind": UnbindPrunesV9, "iaa_poll": PollPuts},
    released_in=("iaa-v5", "iaa-v8"),
    scope=SCOPE,
    meets="IAA-20",
)
