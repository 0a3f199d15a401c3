"""B02: A page that cannot be published frees the whole batch, although earlier pages of it are visible.

Some pages of the batch are in the tree and on their lists when publishing the next one fails. The clean-up of v4
frees the objects and entries of all pages of the batch; then the exit of the store walks the slots of the folio,
finds the published entries and frees them again, and writeback may come across them in between. The two ranges must
be disjoint: published pages are undone by the outer exit only. Later postings begin their clean-up at the page that
failed.
"""

from refmodel.kernel.zswap_store_pages import ZswapStorePages
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.hb2_counts_per_batch import CountsPerFolio

SCOPE = """
[system]
pages = 4
slots = 8
folios = 5
entries = 5
objects = 5
max_order = 2
totalram_pages = 60
batch = 2

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)"]

[environment]
faults = ["xa_store"]
"""

EXHIBIT = Exhibit(
    id="B02",
    about=__doc__,
    source='zswap_batch_cleanup(), v4 10/10 of "zswap compression batching"; changelog v5 to v6 (2025)',
    evidence="B",
    base="batching-v4",
    operations={},
    remedy={"zswap_store": CountsPerFolio, "zswap_store_pages": ZswapStorePages},
    batch=2,
    breaks=("LIVE",),
    program=(
        do("set_thp", order=2, on=True),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", {"xa_store": (0, 1)}, mm=0, page=0, nr=4),
    ),
    scope=SCOPE,
    meets="LIVE",
)
