"""IAA-S13: Batching v9: a page that software has decompressed counts as failed.

When no descriptor comes, a decompression is done in software, and its submission returns 0. The batch takes everything
that is not in flight for a failure, so it reports -EINVAL for a page whose data is right; the comment there says
otherwise. Read in the code; v13 takes the result.
"""

from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_topology import Queue
from refmodel.museum.exhibit import Exhibit, do
from refmodel.museum.iaa_intended import PollPuts, TakesSoftware

EXHIBIT = Exhibit(
    id="IAA-S13",
    about=__doc__,
    source="iaa_comp_adecompress_batch(), batching v9 11/19",
    evidence="B",
    base="iaa-v9",
    operations={},
    ground={"iaa_poll": PollPuts},
    remedy={"iaa_batch": TakesSoftware},
    breaks=("IAA-36",),
    fixed={"iaa": IaaSystem(one_device(2, (Queue(1),)), tries=2)},
    program=(do("iaa_call_batch", cpu=0, op="decompress", contents=(1, 2)),),
)
