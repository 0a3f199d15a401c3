"""The pages of a bio are compressed together: zram through the batching interface (B16).

Nobody has posted it; the interface is that of zswap compression batching, whose cover letter names zram as a user.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import zsmalloc
from refmodel.kernel.acomp_ctx import lock_ctx, unlock_used_ctx
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import same_filled_word
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.zram_slot import access, huge_class_size, pool_is_full, wait_for_slot
from refmodel.kernel.zram_state import POOL, ZramSlot
from refmodel.kernel.zram_write import publish
from refmodel.kernel.zswap_compress import object_node
from refmodel.machine import Call, Next, Return, Wait, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ZramBioWriteBatch(FolioOperation):
    """A bio writes the pages of a folio to zram; the compressor takes as many at a time as it can.

    Same-filled pages go past the compressor.  No slot is touched before every page of the folio has its object.
    Value: 0, or a negative errno, after which all slots hold what they held.
    """

    source: ClassVar[str] = (
        "crypto_acomp_compress() of zswap compression batching v12, called for the pages of a bio"
    )
    requirements: ClassVar[tuple[str, ...]] = ("B16",)

    folio: int
    cpu: int = 0
    made: tuple[ZramSlot, ...] = ()
    """What the slots are to hold, for pages that have what they need."""
    batch: tuple[int, ...] = ()
    """Pages that the compressor has in hand, by number."""
    lengths: tuple[int, ...] = ()
    """What it made of them: bytes, or a negative errno."""
    stored: int = 0
    """Pages that are in their slots."""
    error: int = 0

    @step
    def begin(self, v: KernelView) -> Next:
        """Tell observers which slots the bio is for."""
        folio = self.the_folio(v)
        v.emit("zram_bio", slot=folio.swap, nr=len(folio.contents))
        return self.next_batch

    @step
    def next_batch(self, v: KernelView) -> Next:
        """Keep pages that one word fills as that word; gather the next others, as many as go in one call."""
        contents = self.the_folio(v).contents
        room = v.cfg.batch_size(v.cfg.compressor)
        gathered: list[int] = []
        for number in range(len(self.made), len(contents)):
            word = same_filled_word(contents[number])
            if word is None:
                gathered.append(number)
            elif not gathered:
                self.made = (*self.made, ZramSlot(handle=word, same=True))
            if (word is not None and gathered) or len(gathered) == room:
                break
        self.batch = tuple(gathered)
        return self.take_stream if gathered else self.publish

    @step
    def take_stream(self, v: KernelView) -> Next:
        """Take the compression stream of the CPU."""
        self.cpu = current_cpu(v)
        return self.hold_stream

    @step
    def hold_stream(self, v: KernelView) -> Next:
        """Wait until nobody else has the stream."""
        locked = lock_ctx(v, POOL, self.cpu)
        if isinstance(locked, Wait):
            return locked
        return self.compress

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the pages in one call."""
        contents = self.the_folio(v).contents
        pages = tuple(contents[number] for number in self.batch)
        return Call(v.ops.acomp_compress(pool=POOL, cpu=self.cpu, contents=pages), self.compressed)

    @step
    def compressed(self, v: KernelView) -> Next:
        """One error is the error of the bio."""
        self.lengths = self.result
        failed = [length for length in self.lengths if length < 0]
        if not failed:
            return self.allocate
        self.error = failed[0]
        return self.drop_stream

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate an object for the next page of the batch; one that does not shrink is stored as it is."""
        at = len(self.made) - self.batch[0]
        page, length = self.batch[at], self.lengths[at]
        huge = length >= huge_class_size(v)
        size = PAGE_SIZE if huge else length
        data = self.the_folio(v).contents[page] if huge else v[v.at.acomp_ctx[POOL][self.cpu]].buffers[at]
        handle = zsmalloc.malloc(v, POOL, size, data, object_node(v, self.cpu, self.folio))
        if handle < 0:
            self.error = handle
            return self.drop_stream
        self.made = (*self.made, ZramSlot(handle=handle, size=size, huge=huge))
        if pool_is_full(v):
            self.error = -errno.ENOMEM
            return self.drop_stream
        return self.allocate if at + 1 < len(self.batch) else self.copy

    @step
    def copy(self, v: KernelView) -> Next:
        """Copy the bytes into the objects and let go of the stream."""
        unlock_used_ctx(v, POOL, self.cpu)
        return self.next_batch

    @step
    def publish(self, v: KernelView) -> Next:
        """Put the next page into its slot, under the slot's lock."""
        if self.stored == len(self.made):
            return Return(0)
        waits = wait_for_slot(v, self.slot(v))
        if waits is not None:
            return waits
        made = self.made[self.stored]
        v[v.at.zram.count.same_pages] += made.same
        v[v.at.zram.count.compr_data_size] += made.size
        publish(v, self.slot(v), made)
        access(v, self.slot(v))
        v.emit("zram_store", slot=self.slot(v))
        self.stored += 1
        return self.publish

    @step
    def drop_stream(self, v: KernelView) -> Next:
        """Let go of the stream; the bio fails."""
        unlock_used_ctx(v, POOL, self.cpu)
        return self.free_objects

    @step
    def free_objects(self, v: KernelView) -> Next:
        """Free the objects of the pages that had theirs; no slot was touched."""
        for made in self.made:
            if made.size:
                zsmalloc.free(v, made.handle)
        self.made = ()
        v[v.at.zram.count.failed_writes] += 1
        v.emit("zram_bio_failed", slot=self.the_folio(v).swap)
        return Return(self.error)

    def slot(self, v: KernelView) -> int:
        """Return the slot that the next page goes to."""
        return self.the_folio(v).swap + self.stored
