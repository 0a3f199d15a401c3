"""The swap device comes and goes (mm/swapfile.c, mm/zswap.c).

Before it goes everything on it is brought back: page tables are searched for swap entries, each page is
read in and mapped, and what only the swap cache still holds is dropped.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.folio import get_folio, live_folio, lock_folio, unlock_folio
from refmodel.kernel.mm import all_nodes, is_alive, map_page, memcg_of, wait_for_ptl, wait_to_read_mmap
from refmodel.kernel.state import Folio, Pte
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def open_device(v: KernelView) -> None:
    """Let slots be handed out; the device goes on the list of available devices unless it is full.

    Source: mm/swapfile.c _enable_swap_info(), Linux 6.12.117.
    """
    si = v[v.at.si]
    v[v.at.si] = evolve(si, on=True)
    v[v.at.avail_list] = si.free > 0


def close_device(v: KernelView) -> None:
    """Hand out no more slots, and take the device off the list of available devices.

    Both in one step, under the device's lock: a slot that is freed in between would put it back (S04).
    Source: mm/swapfile.c swapoff(), del_from_avail_list(), Linux 6.12.117.
    """
    v[v.at.avail_list] = False
    v[v.at.si] = evolve(v[v.at.si], on=False)


@attrs.define
class SwapOn612(Operation):
    """Take the swap device into use.

    Value: 0, -EBUSY while it is in use, -ENOMEM if zswap has no memory for its trees.
    """

    source: ClassVar[str] = "mm/swapfile.c swapon(), mm/zswap.c zswap_swapon(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1",)

    @step
    def prepare(self, v: KernelView) -> Next:
        """Open the device, which one alone can do; no slot of it can be handed out yet."""
        if v[v.at.si].claimed:
            return Return(-errno.EBUSY)
        v[v.at.si] = evolve(v[v.at.si], claimed=True)
        return self.alloc_trees

    @step
    def alloc_trees(self, v: KernelView) -> Next:
        """Allocate zswap's trees for the device, one for each 16384 slots, empty; that may enter reclaim."""
        if v.fails(choices.ALLOC_TREES):
            return self.without_trees(v)
        v[v.at.si] = evolve(v[v.at.si], zswap_trees=True)
        if v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.enable)
        return self.enable

    @step
    def enable(self, v: KernelView) -> Next:
        """Let slots be handed out and the device be pinned; freed slots go through the caches as before."""
        v[v.at.si] = evolve(v[v.at.si], users=True)
        open_device(v)
        v[v.at.slot_cache_enabled] = True
        return Return(0)

    def without_trees(self, v: KernelView) -> Next:
        """Do not take the device into use."""
        v[v.at.si] = evolve(v[v.at.si], claimed=False)
        return Return(-errno.ENOMEM)


@attrs.define
class SwapOn61(SwapOn612):
    """Take the swap device into use; without memory for its tree zswap just does not serve it (6.1)."""

    source: ClassVar[str] = "mm/swapfile.c swapon(), mm/zswap.c zswap_frontswap_init(), Linux 6.1.192"

    def without_trees(self, v: KernelView) -> Next:
        """Go on without zswap: stores are refused."""
        return self.enable


@attrs.define
class SwapOff612(Operation):
    """Take the swap device out of use.

    Value: 0, -EINVAL if it is not in use, -ENOMEM if a page cannot be brought back, -EINTR on a signal.
    After an error the device is in use as before, and pages that were brought back stay in memory.
    Memory overcommitment, which can forbid the attempt, is left out.
    """

    source: ClassVar[str] = "mm/swapfile.c swapoff(), try_to_unuse(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z7")

    cpu: int = 0
    mm: int = 0
    page: int = 0
    slot: int = 0
    folio: int = 0
    error: int = 0

    @step
    def close(self, v: KernelView) -> Next:
        """Hand out no more slots."""
        if not v[v.at.si].on:
            return Return(-errno.EINVAL)
        close_device(v)
        return self.drain_slots

    @step
    def drain_slots(self, v: KernelView) -> Next:
        """Switch the caches of freed slots off and flush them, CPU by CPU: their slots count as in use."""
        if self.cpu == len(v.at.slot_cache):
            return self.search_mm
        v[v.at.slot_cache_enabled] = False
        self.cpu += 1
        return Call(v.ops.drain_slot_cache(cpu=self.cpu - 1), self.drain_slots)

    @step
    def search_mm(self, v: KernelView) -> Next:
        """Take the next process while a slot is in use, with its mmap lock for reading; a signal ends the search.

        One that exits frees its slots itself.
        """
        self.page = 0
        if not self.in_use(v):
            return self.kill_users
        if self.mm == len(v.at.pte):
            self.slot = 0
            return self.search_cache
        waits = wait_to_read_mmap(v, self.mm)
        if waits is not None:
            return waits
        if v.fails(choices.SIGNAL):
            self.error = -errno.EINTR
            return self.reopen
        if not is_alive(v, self.mm):
            self.mm += 1
            return self.search_mm
        v[v.at.mmap_lock[self.mm]] += 1
        return self.search_pte

    @step
    def search_pte(self, v: KernelView) -> Next:
        """Find its next swap entry, and the slot's folio in the swap cache."""
        row = v.at.pte[self.mm]
        while self.page < len(row) and not v[row[self.page]].slot:
            self.page += 1
        if self.page == len(row):
            v[v.at.mmap_lock[self.mm]] -= 1
            self.mm += 1
            return self.search_mm
        self.slot = v[row[self.page]].slot
        self.folio = v[v.at.swap_cache[self.slot]]
        if not self.folio:
            return self.read_in
        get_folio(v, self.folio)
        return self.lock_folio

    @step
    def read_in(self, v: KernelView) -> Next:
        """Read the page into the swap cache."""
        memcg = memcg_of(v, self.mm)
        read = v.ops.read_swap_cache_async(slot=self.slot, nodes=all_nodes(v), memcg=memcg)
        return Call(read, self.after_read)

    @step
    def after_read(self, v: KernelView) -> Next:
        """Go on with the folio.  Without one give up, unless nobody names the slot any more."""
        self.folio = self.result
        if self.folio > 0:
            return self.lock_folio
        if not v[v.at.slot[self.slot]].count:
            return self.search_pte
        v[v.at.mmap_lock[self.mm]] -= 1
        self.error = -errno.ENOMEM
        return self.reopen

    @step
    def lock_folio(self, v: KernelView) -> Next:
        """Lock the folio, and wait until it is written if it is on its way to the device."""
        waits = self.wait_for_folio(v)
        if waits is not None:
            return waits
        lock_folio(v, self.folio)
        return self.unuse_pte

    @step
    def unuse_pte(self, v: KernelView) -> Next:
        """Map the page where the swap entry was; a page that could not be read is marked as lost.

        Somebody else may have swapped it in meanwhile: the page-table lock makes the look and the change one
        step.
        """
        waits = wait_for_ptl(v, self.mm)
        if waits is not None:
            return waits
        place, folio = v.at.pte[self.mm][self.page], self.the_folio(v)
        pte = v[place]
        if pte.slot != self.slot or not self.matches(v):
            return self.free_swap
        if folio.uptodate:
            index = self.slot - folio.swap
            map_page(v, place, self.folio, Pte(folio=self.folio, index=index, exclusive=pte.exclusive))
        else:
            v[place] = Pte(poisoned=True)
        v[v.at.ptl[self.mm]] = True
        return Call(v.ops.swap_put_map(slot=self.slot, nr=1), self.unlock_ptl)

    @step
    def unlock_ptl(self, v: KernelView) -> Next:
        """Drop the page-table lock: the entry's count is dropped with it."""
        v[v.at.ptl[self.mm]] = False
        return self.free_swap

    @step
    def free_swap(self, v: KernelView) -> Next:
        """Free the slots of the folio if no page table names them any more."""
        return Call(v.ops.folio_free_swap(folio=self.folio), self.put_folio)

    @step
    def put_folio(self, v: KernelView) -> Next:
        """Unlock the folio and let go of it."""
        unlock_folio(v, self.folio)
        return Call(v.ops.free_folios(folios=(self.folio,)), self.search_pte)

    @step
    def search_cache(self, v: KernelView) -> Next:
        """Find the next slot that a folio in the swap cache holds."""
        self.slot += 1
        while self.slot < len(v.at.slot) and not v[v.at.swap_cache[self.slot]]:
            self.slot += 1
        if self.slot == len(v.at.slot):
            return self.check_unused
        self.folio = v[v.at.swap_cache[self.slot]]
        get_folio(v, self.folio)
        return self.lock_cached

    @step
    def lock_cached(self, v: KernelView) -> Next:
        """Lock the folio, wait until it is written, and free its slots if no page table names them.

        It may have left the swap cache before it was locked; then nothing is freed.
        """
        waits = self.wait_for_folio(v)
        if waits is not None:
            return waits
        lock_folio(v, self.folio)
        return Call(v.ops.folio_free_swap(folio=self.folio), self.put_cached)

    @step
    def put_cached(self, v: KernelView) -> Next:
        """Unlock it and let go of it."""
        unlock_folio(v, self.folio)
        return Call(v.ops.free_folios(folios=(self.folio,)), self.search_cache)

    @step
    def check_unused(self, v: KernelView) -> Next:
        """Begin again if something leads to a slot meanwhile, and wait for what nothing leads to."""
        if not self.in_use(v):
            return self.kill_users
        named = any(v[place].slot for row in v.at.pte for place in row)
        if named or any(v[place] for place in v.at.swap_cache):
            self.mm = 0
            return self.search_mm
        return Wait("slots in use that no page table leads to")

    @step
    def kill_users(self, v: KernelView) -> Next:
        """Let nobody pin the device any more."""
        v[v.at.si] = evolve(v[v.at.si], users=False)
        return self.wait_for_users

    @step
    def wait_for_users(self, v: KernelView) -> Next:
        """Wait for those who have pinned the device: they may look at its tables."""
        return Wait("the pins of the swap device") if v[v.at.si_pins] else self.free_trees

    @step
    def free_trees(self, v: KernelView) -> Next:
        """Free zswap's trees: with the last slot the last entry went."""
        left = [slot for slot, place in enumerate(v.at.tree) if v[place]]
        if left:
            raise KernelBug(
                f"zswap_swapoff: the trees still have entries for the slots {left}; expected none"
            )
        v[v.at.si] = evolve(v[v.at.si], zswap_trees=False, claimed=False)
        return Return(0)

    @step
    def reopen(self, v: KernelView) -> Next:
        """Give up: hand out slots as before, and let freed ones go through the caches again."""
        open_device(v)
        v[v.at.slot_cache_enabled] = True
        return Return(self.error)

    def in_use(self, v: KernelView) -> bool:
        """Whether any slot is in use."""
        si = v[v.at.si]
        return si.free < si.size

    def matches(self, v: KernelView) -> bool:
        """Whether the locked folio is still the slot's; this kernel does not ask.

        It should: a writeback that gives up takes its unfilled folio out of the swap cache, and the page would
        be marked as lost although zswap has it.
        """
        return True

    def the_folio(self, v: KernelView) -> Folio:
        """Return the folio in work, which a reference keeps alive."""
        return live_folio(v, self.folio)

    def wait_for_folio(self, v: KernelView) -> Wait | None:
        """Return what has to be waited for before the folio can be locked and used."""
        folio = self.the_folio(v)
        if folio.locked:
            return Wait(f"the lock of folio {self.folio}")
        return Wait(f"the write of folio {self.folio}") if folio.writeback else None


@attrs.define
class SwapOff618(SwapOff612):
    """Take the swap device out of use where freed slots are free at once (6.18 and later)."""

    source: ClassVar[str] = "mm/swapfile.c swapoff(), try_to_unuse(), Linux 6.18.15"

    @step
    def drain_slots(self, v: KernelView) -> Next:
        """There are no caches of freed slots."""
        return self.search_mm

    def matches(self, v: KernelView) -> bool:
        """Whether the locked folio is still the slot's: it may have left the swap cache before it was locked."""
        return v[v.at.swap_cache[self.slot]] == self.folio


@attrs.define
class SwapOff61(SwapOff612):
    """Take the swap device out of use; zswap frees whatever it still has of it (6.1)."""

    source: ClassVar[str] = (
        "mm/swapfile.c swapoff(), mm/zswap.c zswap_frontswap_invalidate_area(), Linux 6.1.192"
    )

    @step
    def free_trees(self, v: KernelView) -> Next:
        """Free the entries that are left, if any, then the tree."""
        for place in v.at.tree:
            if v[place]:
                entry, v[place] = v[place], 0
                return Call(v.ops.zswap_entry_free(entry=entry), self.free_trees)
        v[v.at.si] = evolve(v[v.at.si], zswap_trees=False, claimed=False)
        return Return(0)
