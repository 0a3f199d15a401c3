"""B01a: Only the addition to an LRU list is handed the node.

Asked what to do about entries on the wrong list, the review of v12 named two ways: an integer in the entry, or the
page's node handed down to the function that adds to a list. The second is not enough. Who takes an entry off its list
has come from a slot or from a tree, knows no node, and derives it from the memory of the entry: another list is
locked and counted than the one that the entry is unlinked from. v13 took the first way.
"""

from refmodel.kernel.zswap_store_pages import ZswapStorePagesV10
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
    id="B01a",
    about=__doc__,
    source="review of zswap compression batching v12 22/23 (Nhat Pham, October 2025)",
    evidence="A",
    base="batching-v13",
    operations={"zswap_store_pages": ZswapStorePagesV10},
    options={"lru_node": "caller"},
    remedy_options={"lru_node": "entry"},
    breaks=("ZS-5",),
    program=(
        do("bind", process=0, nid=1),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-5",
)
