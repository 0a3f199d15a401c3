"""Writing one entry back from zswap to the device: zswap_writeback_entry (mm/zswap.c).

Writeback starts from the LRU and owns nothing: only a slot number and an entry number that may be
stale.  It acquires the slot by putting a fresh folio into the swap cache, then proves that the tree
still names this very entry, and only then touches it (Z01, I-1 to I-4).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.folio import live_folio, put_folio, unlock_folio
from refmodel.kernel.mm import all_nodes
from refmodel.kernel.swap_slots import get_swap_device, put_swap_device
from refmodel.kernel.zswap_entry import live_entry
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ZswapWritebackBase(Operation):
    """What writeback has in common.

    entry: the entry to write, perhaps stale.  slot: the slot that it had when it was picked.
    may_reclaim: the caller does not reclaim already, so the folio's allocation and charge may.
    Value: 0, or a negative errno when nothing was written.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_writeback_entry(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S4")
    no_device: ClassVar[int] = -errno.ENOMEM
    """The errno when the swap device is gone."""

    entry: int
    slot: int
    may_reclaim: bool = False
    folio: int = 0
    error: int = 0

    @step
    def claim(self, v: KernelView) -> Next:
        """Put a fresh locked folio into the swap cache of the slot, or give up.

        A folio that is already there means that somebody is swapping the page in: do not wait for it.  The
        device is pinned for that long; afterwards the cached folio keeps the slot in use.
        """
        if not self.pin(v):
            return self.finish(v, self.no_device)
        claim = v.ops.swap_cache_alloc_folio(
            slot=self.slot, nodes=all_nodes(v), skip_if_exists=True, may_reclaim=self.may_reclaim
        )
        return Call(claim, self.claimed)

    @step
    def claimed(self, v: KernelView) -> Next:
        """Go on with the folio, if the slot could be claimed."""
        self.unpin(v)
        if self.result < 0:
            return self.finish(v, self.errno_of(self.result))
        self.folio = self.result
        return self.recheck

    @step
    def recheck(self, v: KernelView) -> Next:
        """Compare the tree with the entry and unpublish it in the same step."""
        if v[v.at.tree[self.slot]] != self.entry:
            self.error = -errno.ENOMEM
            return self.back_out
        v[v.at.tree[self.slot]] = 0
        return self.decompress

    @step
    def decompress(self, v: KernelView) -> Next:
        """Fill the folio; a failure stops this kernel."""
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.count)

    @step
    def count(self, v: KernelView) -> Next:
        """Count the written-back page, also for its owner."""
        entry = live_entry(v, self.entry)
        v[v.at.vm.zswpwb] += 1
        if entry.objcg:
            v[v.at.mc[v[v.at.objcg[entry.objcg]]].zswpwb] += 1
        return Call(v.ops.zswap_entry_free(entry=self.entry), self.write)

    @step
    def write(self, v: KernelView) -> Next:
        """Submit the folio; it is reclaimed as soon as the write ends, unless a fault maps it before."""
        folio = live_folio(v, self.folio)
        v[v.at.folio[self.folio]] = evolve(folio, uptodate=True, reclaim=True)
        return Call(v.ops.swap_write_device(folio=self.folio), self.done)

    @step
    def done(self, v: KernelView) -> Next:
        """Let go of the folio, which stays in the swap cache, and answer that the page was written."""
        put_folio(v, self.folio)
        return self.finish(v, 0)

    @step
    def back_out(self, v: KernelView) -> Next:
        """Undo the claim: the folio leaves the swap cache, is unlocked and freed (Z02)."""
        return Call(v.ops.swap_cache_del(folio=self.folio), self.put_folio)

    @step
    def put_folio(self, v: KernelView) -> Next:
        """Unlock and let go of the folio; a fault that has found it meanwhile frees it."""
        unlock_folio(v, self.folio)
        put_folio(v, self.folio)
        return self.finish(v, self.error)

    def pin(self, v: KernelView) -> bool:
        """Pin the swap device; say whether it is there."""
        return get_swap_device(v)

    def unpin(self, v: KernelView) -> None:
        """Give the pin back."""
        put_swap_device(v)

    def errno_of(self, error: int) -> int:
        """Return the errno of a writeback that could not claim its slot.

        This kernel tells only "somebody has it" from everything else.
        """
        return error if error == -errno.EEXIST else -errno.ENOMEM

    def finish(self, v: KernelView, error: int) -> Return:
        """End the writeback and tell observers."""
        v.emit("writeback", swp=self.slot, ret=error)
        return Return(error)


@attrs.define
class ZswapWriteback612(ZswapWritebackBase):
    """Write an entry back; it leaves the tree before it is decompressed."""


@attrs.define
class ZswapWriteback73(ZswapWritebackBase):
    """Write an entry back; it leaves the tree only after it was decompressed.

    The locked folio in the swap cache keeps everybody else away between the check and the removal.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_writeback_entry(), Linux 7.3.4"
    no_device: ClassVar[int] = -errno.EEXIST

    @step
    def recheck(self, v: KernelView) -> Next:
        """Compare the tree with the entry."""
        if v[v.at.tree[self.slot]] == self.entry:
            return self.decompress
        self.error = -errno.ENOMEM
        return self.back_out

    @step
    def decompress(self, v: KernelView) -> Next:
        """Fill the folio."""
        return Call(v.ops.zswap_decompress(self.entry, self.folio), self.decompressed)

    @step
    def decompressed(self, v: KernelView) -> Next:
        """On failure leave the entry where it is and give up."""
        if self.result:
            return self.erase
        self.error = -errno.EIO
        return self.back_out

    @step
    def erase(self, v: KernelView) -> Next:
        """Take the entry out of the tree."""
        v[v.at.tree[self.slot]] = 0
        return self.count

    def errno_of(self, error: int) -> int:
        """Return the errno of a writeback that could not claim its slot: cached, without count, no memory."""
        return error


@attrs.define
class ZswapWriteback618(ZswapWriteback73):
    """Write an entry back in 6.18: the order of 7.3, the answers of 6.12 for an unusable slot."""

    source: ClassVar[str] = "mm/zswap.c zswap_writeback_entry(), Linux 6.18.15"

    def errno_of(self, error: int) -> int:
        """Return the errno of a writeback that could not claim its slot: somebody has it, or anything else."""
        return error if error == -errno.EEXIST else -errno.ENOMEM


@attrs.define
class ZswapWriteback61(ZswapWritebackBase):
    """Write an entry back in 6.1: asked by the allocator, which picked an object, not an entry.

    The slot number stands in a header before the data.  The entry stays in the tree until the write
    was submitted; a reference keeps it alive meanwhile.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_writeback_entry(), Linux 6.1.192"

    @step
    def claim(self, v: KernelView) -> Next:
        """Look the slot up under the tree's lock, take a reference, then claim the slot."""
        self.entry = v[v.at.tree[self.slot]]
        if not self.entry:
            return self.finish(v, 0)
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, refcount=entry.refcount + 1)
        return self.claim_slot

    @step
    def claim_slot(self, v: KernelView) -> Next:
        """Put a fresh locked folio into the swap cache of the slot, or give up."""
        if not self.pin(v):
            self.error = self.no_device
            return self.put_entry
        claim = v.ops.swap_cache_alloc_folio(slot=self.slot, nodes=(0,), may_reclaim=self.may_reclaim)
        return Call(claim, self.claimed)

    @step
    def claimed(self, v: KernelView) -> Next:
        """Go on with the folio; if the slot could not be claimed, give the reference to the entry back."""
        self.unpin(v)
        if self.result < 0:
            self.error = self.errno_of(self.result)
            return self.put_entry
        self.folio = self.result
        return self.recheck

    @step
    def recheck(self, v: KernelView) -> Next:
        """Compare the tree with the entry; it stays published."""
        if v[v.at.tree[self.slot]] == self.entry:
            return self.decompress
        self.error = -errno.ENOMEM
        return self.back_out

    @step
    def count(self, v: KernelView) -> Next:
        """This kernel has no event counter for written-back pages, only a debugfs one."""
        v[v.at.zs.written_back_pages] += 1
        return self.write

    @step
    def done(self, v: KernelView) -> Next:
        """The write is submitted: let go of the folio, drop the local reference to the entry, then the tree's."""
        put_folio(v, self.folio)
        return Call(v.ops.zswap_entry_free(entry=self.entry), self.unpublish)

    @step
    def unpublish(self, v: KernelView) -> Next:
        """Take the entry out of the tree if it is still there, and drop the tree's reference."""
        if v[v.at.tree[self.slot]] != self.entry:
            return self.finish(v, 0)
        v[v.at.tree[self.slot]] = 0
        return Call(v.ops.zswap_entry_free(entry=self.entry), self.end)

    @step
    def put_folio(self, v: KernelView) -> Next:
        """Unlock and let go of the folio, then give the reference to the entry back."""
        unlock_folio(v, self.folio)
        put_folio(v, self.folio)
        return self.put_entry

    @step
    def put_entry(self, v: KernelView) -> Next:
        """Drop the local reference."""
        return Call(v.ops.zswap_entry_free(entry=self.entry), self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Answer the allocator."""
        return self.finish(v, self.error)
