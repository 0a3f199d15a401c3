"""HB-5: Batching v12 to v14 take a result as long as a page for a compressed one, and later for a raw one.

An entry of PAGE_SIZE bytes holds the page itself: so says its length to whoever loads it. The store keeps a page raw
when the compressor reports an error. It does not ask whether a success is as long as a page. Such a result would
be stored as it is, and copied back as if it were the page. A success of length 0 would end in the allocator, which
refuses it, so the whole folio would be refused. Released kernels test for both. UNVERIFIED: the postings assume that
no compressor reports such a success, which a reviewer doubted, and nobody has shown one.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.profiles.batching import PROPOSALS

SCOPE = """
[system]
slots = 3
lengths = [4096]

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)", "read(0, 0)"]
"""

EXHIBIT = Exhibit(
    id="HB-5",
    about=__doc__,
    source="zswap_compress(), zswap compression batching v12 23/23 to v14 26/26, and the review of v13",
    evidence="B",
    base="batching-v14",
    released_in=("batching-v12", "batching-v13", *(made.name for made in PROPOSALS)),
    operations={},
    remedy_options={"lengths_tested": True},
    lengths=(4096,),
    breaks=("ZS-18", "BT-14"),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="ZS-18",
)
