"""The swap device comes and goes under virtual swap: descriptors are walked, page tables are not (S6)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.memory import insert_for_read
from refmodel.kernel.state import UNKNOWN, Folio
from refmodel.kernel.swapon import SwapOn612
from refmodel.kernel.table import lowest_free
from refmodel.machine import Call, Next, Return, Wait, evolve, step

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
        si = v[v.at.si]
        return Return(-errno.EBUSY) if si.on or si.users else self.enable


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
        v[v.at.si] = evolve(v[v.at.si], on=False)
        return self.read_ahead

    @step
    def read_ahead(self, v: KernelView) -> Next:
        """Start reading the next page that is not cached, without looking whether that works (SO2)."""
        while self.next_slot(v):
            entry = v[v.at.vswap.rmap[self.slot]].entry
            if entry and not v[v.at.slot[entry]].cache and self.claim(v, entry):
                return Call(v.ops.swap_read(folio=self.folio), then=self.read_ahead)
        return self.look

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
        if not entry:
            return Wait(f"the owner of slot {self.slot}, which is handed out and named by no entry")
        self.folio = v[v.at.swap_cache[entry]]
        if self.folio:
            return self.lock_folio
        if v[v.at.slot[entry]].cache:
            return Wait(f"entry {entry}, which another swap-in has claimed")
        if self.claim(v, entry):
            return Call(v.ops.swap_read(folio=self.folio), then=self.lock_folio)
        self.error = -errno.ENOMEM
        return self.reopen

    @step
    def lock_folio(self, v: KernelView) -> Next:
        """Lock the folio; look the slot up again if it is not the folio's any more (SO5)."""
        entry = v[v.at.vswap.rmap[self.slot]].entry
        if v[v.at.swap_cache[entry]] != self.folio:
            self.slot -= 1
            return self.look
        folio = self.the_folio(v)
        if folio.locked or folio.writeback:
            return Wait(f"folio {self.folio}, which is locked or being written")
        self.change(v, locked=True)
        return self.transfer

    @step
    def transfer(self, v: KernelView) -> Next:
        """Free the slot: the folio is the only copy from here on (SO6)."""
        entry = v[v.at.vswap.rmap[self.slot]].entry
        return Call(v.ops.vswap_release_backing(slot=entry, nr=1), then=self.mark_dirty)

    @step
    def mark_dirty(self, v: KernelView) -> Next:
        """Mark the folio dirty, so that it is written elsewhere before it can be dropped, and unlock it."""
        self.change(v, dirty=True, locked=False)
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
        v[v.at.si] = evolve(v[v.at.si], users=False)
        return Return(0)

    @step
    def reopen(self, v: KernelView) -> Next:
        """Give up: hand out slots as before."""
        v[v.at.si] = evolve(v[v.at.si], on=True)
        return Return(self.error)

    def next_slot(self, v: KernelView) -> bool:
        """Move to the next slot that is handed out; without one stand before the first, and say so."""
        later = v[v.at.vswap.allocated] >> self.slot + 1
        self.slot = self.slot + (later & -later).bit_length() if later else 0
        return self.slot != 0

    def claim(self, v: KernelView, entry: int) -> bool:
        """Put a fresh locked folio into the swap cache of an entry; say whether there was memory for it."""
        if v.fails(choices.ALLOC_FOLIO):
            return False
        nodes = tuple(range(v.cfg.sizes.nodes))
        nid = v.choose(choices.FOLIO_NODE, nodes) if len(nodes) > 1 else 0
        slot = v[v.at.slot[entry]]
        v[v.at.slot[entry]] = evolve(slot, cache=True)
        self.folio = lowest_free(v[v.at.folios_used])
        v[v.at.folios_used] |= 1 << self.folio
        v[v.at.folio[self.folio]] = Folio(nid, slot.memcg, (UNKNOWN,), locked=True, uptodate=False)
        insert_for_read(v, self.folio, entry)
        return True
