"""zswap under virtual swap: descriptors name zswap entries, so no tree can run out of memory.

The place of an entry's zswap entry is still called ``tree``: it is the same link from a number in page
tables to stored bytes, kept in the descriptor (mm/zswap.c, mm/vswap.c, Virtual Swap Space v6).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.vswap_backing import free_physical_slot, keeps_backing
from refmodel.kernel.zswap_shrink import ShrinkerCount
from refmodel.kernel.zswap_store import ZswapStore73, queue_shrink_work
from refmodel.kernel.zswap_writeback import ZswapWritebackBase
from refmodel.machine import Call, Next, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class VswapZswapStore(ZswapStore73):
    """Store a folio of any size, page by page; a page that fails puts the whole folio back.

    The caller has released what an earlier cycle left, except physical slots in a row, which may be needed
    again: a store that fails before its first page leaves them alone.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_store() and zswap_store_page(), Virtual Swap Space v6"

    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Refuse the folio while zswap is disabled (ZS1)."""
        return self.check_memcg_limit if v[v.at.zswap].enabled else self.finish(v, False, 0)

    @step
    def publish(self, v: KernelView) -> Next:
        """Release what backs the page: a physical slot that an earlier cycle left (ZS3)."""
        entry = self.the_folio(v).swap + self.index
        return Call(v.ops.vswap_release_backing(slot=entry, nr=1), self.install)

    @step
    def install(self, v: KernelView) -> Next:
        """Let the descriptor point to the zswap entry; this needs no memory, so it cannot fail (ZS3)."""
        v[v.at.tree[self.the_folio(v).swap + self.index]] = self.entry
        return self.charge

    @step
    def reject(self, v: KernelView) -> Next:
        """Refuse the folio; while the pool counts as full, every refusal queues the global shrinker."""
        if v[v.at.reached_full]:
            queue_shrink_work(v)
        return self.homogenise

    @step
    def homogenise(self, v: KernelView) -> Next:
        """After a failure past the first page release everything: some pages were stored (ZS5)."""
        folio = self.the_folio(v)
        nr = len(folio.contents)
        if keeps_backing(v, folio.swap, nr):
            return self.refused
        return Call(v.ops.vswap_release_backing(slot=folio.swap, nr=nr), self.refused)

    @step
    def refused(self, v: KernelView) -> Next:
        """End without having stored anything."""
        return self.finish(v, False, 0)


@attrs.define
class VswapZswapWriteback(ZswapWritebackBase):
    """Write an entry back to a slot that is allocated only then.

    Without a slot, or when the bytes cannot be decompressed, the descriptor keeps its zswap entry.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_writeback_entry(), Virtual Swap Space v6"

    @step
    def recheck(self, v: KernelView) -> Next:
        """Prove that the descriptor still points to this entry, then take a slot for it (ZW3, ZW4)."""
        if v[v.at.tree[self.slot]] != self.entry:
            self.error = -errno.ENOMEM
            return self.back_out
        return Call(v.ops.vswap_alloc_swap_slot(slot=self.slot, nr=1), self.after_slot)

    @step
    def after_slot(self, v: KernelView) -> Next:
        """With a slot the entry is this writeback's own; without one it stays where it is."""
        if self.result:
            return self.decompress
        self.error = -errno.ENOMEM
        return self.back_out

    @step
    def decompress(self, v: KernelView) -> Next:
        """Fill the folio (ZW5)."""
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.decompressed)

    @step
    def decompressed(self, v: KernelView) -> Next:
        """Go on with the write, unless the page could not be filled (ZW5)."""
        if self.result:
            return self.count
        self.error = -errno.EIO
        return self.store_back

    @step
    def store_back(self, v: KernelView) -> Next:
        """Undo: free the slot and let the descriptor point to the zswap entry again (ZW5)."""
        free_physical_slot(v, self.slot)
        v[v.at.tree[self.slot]] = self.entry
        return self.back_out

    def pin(self, v: KernelView) -> bool:
        """There is no device to pin before the entry has a slot (ZW2)."""
        return True

    def unpin(self, v: KernelView) -> None:
        """There is nothing to give back."""


@attrs.define
class VswapShrinkerCount(ShrinkerCount):
    """Tell the memory-pressure shrinker how many entries are worth a try: none while the device is full."""

    source: ClassVar[str] = "mm/zswap.c zswap_shrinker_count(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z3", "S4")

    @step
    def count(self, v: KernelView) -> Next:
        """Answer nothing without a free physical slot: whatever is scanned could not be written back."""
        si = v[v.at.si]
        if not si.on or not si.free:
            return self.finish(v, 0)
        return super().count(v)
