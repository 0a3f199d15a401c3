"""A-X4: Kcompressd, RFC of March 2025: a good parameter stops everything and is refused.

What the parser of the number of threads answers is taken for its contrary. A number that there can be stops all threads
and frees their rings, and then whoever wrote it is told that it was none: kcompressd is off until its module is loaded
again. Copies of the file still have that; one vendor took the parameters out.
"""

from refmodel.kernel.kcompressd_thread import KcompressdParam
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.kcompressd_intended import STOPS, UNLOCKED_A

EXHIBIT = Exhibit(
    id="A-X4",
    about=__doc__,
    source="nr_kcompressd and queue_size_per_kcompressd, [RFC] 2/2 kcompressd, 7 March 2025; vendor copies",
    evidence="B",
    base="kcompressd-a",
    operations={},
    options=UNLOCKED_A,
    remedy={"kcompressd_param": KcompressdParam, **STOPS},
    breaks=("KC-PARAM",),
    fixed={"synchronous_device": True, "zswap_enabled": False, "initial_pool": False},
    program=(
        do("write_page", mm=0, page=0, content=1),
        do("kswapd", folio=1),
        do("kcompressd_param", value=1),
    ),
)
