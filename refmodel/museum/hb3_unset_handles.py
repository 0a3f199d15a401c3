"""HB-3: Batching v10 to v13 look at handles that nobody has set.

The entries of a batch are allocated in bulk, or one by one where the bulk fails, and initialised when all are there.
If the fall-back fails at the second entry or later, the clean-up of the batch looks at the handles of those before,
to free their objects. None is set yet: what the memory held before is taken for a handle, and somebody else's object
is freed, or memory that is none. v9 sets each handle with its allocation; v14 frees the entries where the
allocation fails, without looking at them.
"""

from refmodel.kernel.zswap_store_pages import ZswapStorePagesV14
from refmodel.museum.exhibit import Exhibit, do

SCOPE = """
[system]
pages = 4
slots = 8
folios = 5
entries = 5
objects = 5
max_order = 2
totalram_pages = 60

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)", "read(0, 0)"]

[environment]
faults = ["alloc_bulk", "alloc_entry"]
"""

EXHIBIT = Exhibit(
    id="HB-3",
    about=__doc__,
    source="zswap_store_pages(), zswap compression batching v10 24/25 to v13 21/22",
    evidence="B",
    base="batching-v13",
    released_in=("batching-v10", "batching-v11", "batching-v12"),
    operations={},
    remedy={"zswap_store_pages": ZswapStorePagesV14},
    breaks=("LIVE",),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"alloc_bulk": (1,), "alloc_entry": (0, 1)}, mm=0, page=0, nr=4),
    ),
    scope=SCOPE,
    meets="LIVE",
)
