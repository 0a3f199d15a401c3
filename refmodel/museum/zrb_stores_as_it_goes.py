"""ZR-B: A bio that is compressed in batches stores each batch as soon as it has it.

The second batch of a folio cannot be stored, and the bio fails. The pages of the first are in their slots by then: the
write has failed and left half of itself behind. The folio is dirty, so nobody reads the half, but memory is taken for
pages that are in memory as well. Who allocates for all pages before the first slot is touched leaves nothing. Nobody
has posted zram as a user of batches; the rule is that of the store of zswap.
"""

import attrs

from refmodel.kernel.acomp_ctx import unlock_used_ctx
from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_batch import ZramBioWriteBatch
from refmodel.kernel.zram_state import EMPTY, POOL
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class StoresAsItGoes(ZramBioWriteBatch):
    """Write the pages of a folio batch by batch."""

    @step
    def copy(self, v: KernelView) -> Next:
        """Let go of the stream, and store what there is."""
        unlock_used_ctx(v, POOL, self.cpu)
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Put the next page into its slot; go on with the next batch after the last of this one."""
        if self.stored < len(self.made):
            return ZramBioWriteBatch.publish(self, v)
        rest = len(self.the_folio(v).contents) - self.stored
        return self.next_batch if rest else ZramBioWriteBatch.publish(self, v)

    @step
    def free_objects(self, v: KernelView) -> Next:
        """Free the objects of the pages that are in no slot."""
        self.made = (*(EMPTY for _ in range(self.stored)), *self.made[self.stored :])
        return ZramBioWriteBatch.free_objects(self, v)


_WRITES = tuple(do("write_page", mm=0, page=page, content=2 + page) for page in range(4))

EXHIBIT = Exhibit(
    id="ZR-B",
    about=__doc__,
    source="zswap compression batching v12 22/23 for the rule; nobody has made the mistake in zram",
    evidence="B",
    base="zram-batching",
    operations={"zram_bio_write": StoresAsItGoes},
    breaks=("ZR-7",),
    fixed={"initial_pool": False, "zswap_enabled": False},
    batch=2,
    program=(
        do("set_thp", order=2, on=True),
        *_WRITES,
        do("madvise_pageout", {"alloc_object": (0, 0, 1)}, mm=0, page=0, nr=4),
    ),
)
