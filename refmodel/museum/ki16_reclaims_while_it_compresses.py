"""KI-16: Kcompressd, April 2025: the thread is no reclaimer to the allocator.

Kswapd may use the reserves of memory (PF_MEMALLOC), and its allocations do not reclaim. The thread that compresses
for it does not have the flag. So an allocation for zswap may enter reclaim while the thread has a locked folio, and the
charge of the compressed page may fail, which zswap takes for impossible. A warning was seen in testing and went away
with the flag; that it was the one about the charge is UNVERIFIED. The descendants have the flag.
"""

from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import TAKES_REFERENCE, WITH_REFERENCE

EXHIBIT = Exhibit(
    id="KI-16",
    about=__doc__,
    source="review of the patch of 30 April 2025 by Nhat Pham, 7 May 2025",
    evidence="A",
    base="kcompressd-b",
    operations={},
    remedy=WITH_REFERENCE,
    remedy_options=TAKES_REFERENCE,
    breaks=("KC-16",),
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("kswapd", folio=1),
        do("kcompressd_stop", queue=0),
    ),
)
