"""IAA-S15a: Batching v14: a page is kept raw although its cgroup forbids writeback.

Zswap asks whether the call has failed before it refuses a batch whose owner may not keep pages raw. What fails on the
device is not told by the call, only by the length of its page; so the batch is taken, and that page is stored as it
is. It uses a page of memory, and can never leave. Read in the code; in v13 the call tells.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.iaa_intended import TellsErrors

EXHIBIT = Exhibit(
    id="IAA-S15a",
    about=__doc__,
    source="acomp_batch_parallel(), batching v14 15/26, and zswap_compress(), 26/26",
    evidence="B",
    base="iaa-v14",
    operations={},
    remedy={"iaa_batch": TellsErrors},
    sizes={"max_batch": 2},
    batch=2,
    breaks=("BT-14b",),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("set_memcg", memcg=1, control="zswap.writeback", value="0"),
        do("madvise_pageout", {"iaa_status": (1,)}, mm=0, page=0, nr=4),
    ),
)
