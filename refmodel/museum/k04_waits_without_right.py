"""K04: Kcompressd, April 2025: a folio whose cgroup may not use zswap waits for zswap.

Kswapd asks whether zswap is on, not whether the cgroup of the folio may use it. A cgroup at its limit fills the queue
with folios that the thread can only write to the disk, and they are held in memory until it does. Whoever may not use
zswap goes to the disk at once; the thread asks again, for the answer may have changed.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import AsksLimitB

EXHIBIT = Exhibit(
    id="K04",
    about=__doc__,
    source="review of the patch of 30 April 2025 by Nhat Pham",
    evidence="A",
    base="kcompressd-b",
    operations={},
    remedy={"kswapd_writepage": AsksLimitB},
    released_in=("kcompressd-b-reference", "kcompressd-cancel"),
    breaks=("KC-LIMIT",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("set_memcg", memcg=1, control="zswap.max", value="0"),
        do("kswapd", folio=1),
    ),
)
