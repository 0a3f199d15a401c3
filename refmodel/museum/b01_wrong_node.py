"""B01: Entries that are allocated in bulk land on the LRU list of the wrong node.

The list of an entry is found through the memory of the entry itself, which an ordinary allocation takes from the
page's node. Bulk allocation cannot be told a node: v10 to v12 take what the CPU has at hand, usually of its own
node. Then the shrinker of the page's node finds nothing to free, and the shrinker of the other node writes back
pages that are not its own and reports them as freed there. v13 keeps the page's node in the entry; to hand the node
to the addition alone is not enough, for who takes an entry off its list does not know it.
"""

from refmodel.kernel.zswap_store_pages import ZswapStorePagesV14
from refmodel.museum.exhibit import Exhibit, do

SCOPE = """
[system]
nodes = 2

[initial]
run = ["bind(0, 1)", "write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]
"""

EXHIBIT = Exhibit(
    id="B01",
    about=__doc__,
    source="zswap compression batching v12 22/23 and its review (Yosry Ahmed and Nhat Pham, October 2025)",
    evidence="A",
    base="batching-v12",
    released_in=("batching-v10", "batching-v11"),
    operations={},
    remedy={"zswap_store_pages": ZswapStorePagesV14},
    remedy_options={"lru_node": "entry"},
    breaks=("PLACE",),
    program=(
        do("bind", process=0, nid=1),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="PLACE",
)
