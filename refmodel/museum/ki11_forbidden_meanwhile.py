"""KI-11: Kcompressd: a folio goes to the disk although its cgroup has forbidden that while it waited.

Kswapd asks memory.zswap.writeback before it queues a folio, because only reclaim can take one back. The thread does not
ask again. When writeback is forbidden in between and zswap refuses the folio, the thread writes it to the disk. Who
asks again marks the folio dirty and unlocks it: it stays in memory, and a later scan meets it. Found by random runs of
the model; the code allows it, and nobody has reported it.
"""

from refmodel.kernel.kcompressd_thread import KcompressdSwapoutAsks
from refmodel.museum.exhibit import Exhibit, do

EXHIBIT = Exhibit(
    id="KI-11",
    about=__doc__,
    source="kcompressd(), [PATCH] mm: Add Kcompressd, 30 April 2025; do_swapout(), kcompressd-unofficial 0.5",
    evidence="B",
    base="kcompressd-b-reference",
    operations={},
    remedy={"kcompressd_swapout": KcompressdSwapoutAsks},
    released_in=("kcompressd-b", "kcompressd-c"),
    breaks=("LIMIT-WRITEBACK",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("kswapd", folio=1),
        do("set_memcg", memcg=1, control="zswap.writeback", value="0"),
        do("read_page", {"alloc_entry": (1,)}, mm=0, page=0),
    ),
)
