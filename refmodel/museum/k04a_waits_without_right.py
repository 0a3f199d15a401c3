"""K04a: Kcompressd, descendants: a folio whose cgroup may not use zswap waits for zswap.

The descendants have the question of the patch of April 2025: is zswap on, not may this cgroup use it. So folios of a
cgroup without zswap wait, and drive others out of a full queue, only to be written to the disk. Whoever may not use
zswap goes to the disk at once.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import AsksLimitC

EXHIBIT = Exhibit(
    id="K04a",
    about=__doc__,
    source="kcompressd-unofficial 0.5; see K04",
    evidence="B",
    base="kcompressd-c",
    operations={},
    remedy={"kswapd_writepage": AsksLimitC},
    breaks=("KC-LIMIT",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("set_memcg", memcg=1, control="zswap.max", value="0"),
        do("kswapd", folio=1),
    ),
)
