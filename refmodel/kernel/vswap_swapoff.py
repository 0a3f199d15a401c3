"""The swap device comes and goes under virtual swap: descriptors are walked, page tables are not (S6)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.folio import FolioOperation, put_folio
from refmodel.kernel.mm import all_nodes
from refmodel.kernel.swapon import SwapOn612, close_device, open_device
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class VswapSwapOn(SwapOn612):
    """Take a swap device into use; zswap keeps no trees for it.

    Value: 0, or -EBUSY while it is in use.
    """

    source: ClassVar[str] = "mm/swapfile.c swapon(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S3",)

    @step
    def prepare(self, v: KernelView) -> Next:
        """Open the device; no slot of it can be handed out yet."""
        if v[v.at.si].claimed:
            return Return(-errno.EBUSY)
        v[v.at.si] = evolve(v[v.at.si], claimed=True)
        return self.enable


@attrs.define
class VswapSwapOff(FolioOperation):
    """Take the swap device out of use: bring every page on it into the swap cache, and leave it there.

    Value: 0, -EINVAL if it is not in use, -ENOMEM if a page cannot be brought back, -EINTR on a signal.
    After an error the device is in use as before, and pages that were brought back stay in memory.

    Each entry changes from a slot of the device to a dirty folio, which a later fault finds in the swap
    cache.  Counts and page tables stay what they are.
    """

    source: ClassVar[str] = "mm/swapfile.c swapoff(), try_to_unuse(), Virtual Swap Space v6"
    requirements: ClassVar[tuple[str, ...]] = ("S6",)

    slot: int = 0
    """The physical slot in work."""
    folio: int = 0
    error: int = 0

    @step
    def close(self, v: KernelView) -> Next:
        """Hand out no more slots (SO1)."""
        if not v[v.at.si].on:
            return Return(-errno.EINVAL)
        close_device(v)
        return self.read_ahead

    @step
    def read_ahead(self, v: KernelView) -> Next:
        """Start reading the next page that is not cached, without looking whether that works (SO2)."""
        while self.next_slot(v):
            entry = v[v.at.vswap.rmap[self.slot]].entry
            if entry and not v[v.at.slot[entry]].cache:
                return Call(self.read(v, entry), self.put_ahead)
        return self.look

    @step
    def put_ahead(self, v: KernelView) -> Next:
        """Let go of the folio, if there was memory for one; it stays in the swap cache."""
        if self.result > 0:
            put_folio(v, self.result)
        return self.read_ahead

    @step
    def look(self, v: KernelView) -> Next:
        """Go on to the next slot in use; a signal ends the walk (SO3)."""
        if not self.next_slot(v):
            return self.check_unused
        if v.fails(choices.SIGNAL):
            self.error = -errno.EINTR
            return self.reopen
        return self.read_in

    @step
    def read_in(self, v: KernelView) -> Next:
        """Take the cached folio of the slot's entry, or read one (SO4).

        A slot in use without an entry is on its way to one, or being freed: look again later (SO3).
        """
        entry = v[v.at.vswap.rmap[self.slot]].entry
        if not v[v.at.vswap.allocated] >> self.slot & 1:
            return self.look
        if not entry:
            return Wait(f"the owner of slot {self.slot}, which is handed out and named by no entry")
        return Call(self.read(v, entry), self.after_read)

    @step
    def after_read(self, v: KernelView) -> Next:
        """Go on with the folio; without one give up, unless the slot has lost its entry meanwhile."""
        self.folio = self.result
        if self.folio > 0:
            return self.lock_folio
        entry = v[v.at.vswap.rmap[self.slot]].entry
        if not entry or not v[v.at.slot[entry]].count:
            return self.look_again(v)
        self.error = -errno.ENOMEM
        return self.reopen

    @step
    def lock_folio(self, v: KernelView) -> Next:
        """Lock the folio; look the slot up again if it is not the folio's any more (SO5)."""
        folio = self.the_folio(v)
        if folio.locked or folio.writeback:
            return Wait(f"folio {self.folio}, which is locked or being written")
        if v[v.at.swap_cache[v[v.at.vswap.rmap[self.slot]].entry]] != self.folio:
            put_folio(v, self.folio)
            return self.look_again(v)
        self.change(v, locked=True)
        return self.transfer

    @step
    def transfer(self, v: KernelView) -> Next:
        """Free the slot: the folio is the only copy from here on (SO6)."""
        entry = v[v.at.vswap.rmap[self.slot]].entry
        return Call(v.ops.vswap_release_backing(slot=entry, nr=1), self.mark_dirty)

    @step
    def mark_dirty(self, v: KernelView) -> Next:
        """Mark the folio dirty, so that it is written elsewhere before it can be dropped, and let go of it."""
        self.change(v, dirty=True, locked=False)
        put_folio(v, self.folio)
        return self.look

    @step
    def check_unused(self, v: KernelView) -> Next:
        """Wait until no slot is in use (SO7)."""
        if v[v.at.vswap.allocated] != 1:
            return Wait("the slots that were taken meanwhile")
        return self.kill_users

    @step
    def kill_users(self, v: KernelView) -> Next:
        """Let nobody pin the device any more, and wait for those who have (SO8)."""
        v[v.at.si] = evolve(v[v.at.si], users=False, claimed=False)
        return Return(0)

    @step
    def reopen(self, v: KernelView) -> Next:
        """Give up: hand out slots as before."""
        open_device(v)
        return Return(self.error)

    def next_slot(self, v: KernelView) -> bool:
        """Move to the next slot that is handed out; without one stand before the first, and say so."""
        later = v[v.at.vswap.allocated] >> self.slot + 1
        self.slot = self.slot + (later & -later).bit_length() if later else 0
        return self.slot != 0

    def look_again(self, v: KernelView) -> Next:
        """Look the slot in work up again."""
        self.slot -= 1
        return self.look

    def read(self, v: KernelView, entry: int) -> Operation:
        """Return the operation that brings an entry into the swap cache, charged to its recorded cgroup."""
        return v.ops.read_swap_cache_async(slot=entry, nodes=all_nodes(v))
