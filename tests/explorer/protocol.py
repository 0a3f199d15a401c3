"""A small protocol for the tests of the explorer: zswap over the swap cache, of single-page folios.

One slot holds one page.  A swap-out stores the page in zswap or, when anything fails, writes it to the
device; a swap-in takes it from there; a zap frees the slot at any time, also while somebody else holds the
folio's lock; the shrinker writes the oldest entry back, knowing only a slot and an entry that may be stale.
Every actor may run every operation.  The environment decides what fails.

Left out: limits, several nodes, cgroups, large folios, device errors.  A freed slot's device content is
forgotten, and the lowest free entry is handed out first, so that a freed entry is soon used again.

Numbers: slots count from 0; zswap entries count from 1, and 0 means "none"; versions of a page count from 1
over all slots, and 0 means "no content".

The number of states, transitions and levels of a scope is the same in TLA+, Promela and Python texts of this
protocol, which makes it a measure for explorers (``test_protocol.py``).

Who owns what: the holder of a folio's lock, and whoever frees a slot, owns ``held`` of that slot and, through
the tree, the object of its entry.  ``slot`` belongs to nobody, because a zap does not wait for the lock.  An
entry can be reached through the LRU, so it is owned only before it is added and after it is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import ClassVar, Literal

import attrs

from refmodel.machine import (
    Call,
    ChoicePoint,
    Layout,
    Next,
    Operation,
    Place,
    Return,
    View,
    component,
    evolve,
    step,
)

ALLOC_ENTRY = ChoicePoint("alloc_entry", "The zswap entry cannot be allocated.", fault=True)
COMPRESS = ChoicePoint("compress", "The page cannot be compressed or its object not allocated.", fault=True)
XA_STORE = ChoicePoint("xa_store", "The tree cannot allocate a node for the entry.", fault=True)
ALLOC_FOLIO = ChoicePoint("alloc_folio", "A folio for writeback cannot be allocated.", fault=True)
FREE_SLOT = ChoicePoint("free_slot", "Whether a fault frees the slot of the page that it maps.")


class Violation(Exception):
    """A step broke a check of the protocol; the message is the check."""


# --- components ---------------------------------------------------------------------------------------------

Cache = Literal["none", "unlocked", "locked", "freeing"]
"""Swap cache of a slot: no folio, an unlocked or a locked one, or none while the slot is being freed."""


@component
class Slot:
    """What anybody may look at: a swap slot's count, its swap cache, and what a load has to return.

    count: whether a page-table entry names the slot.  want: the version that the owner stored last.
    """

    count: bool = False
    cache: Cache = "none"
    want: int = 0


@component
class Held:
    """What only the holder of the folio's lock touches, or whoever frees the slot.

    version, dirty: the folio.  tree: the zswap entry, or 0.  disk: the version on the device.
    """

    version: int = 0
    dirty: bool = False
    tree: int = 0
    disk: int = 0


@component
class Entry:
    """A zswap entry as the shrinker meets it on the LRU.

    slot: None until the entry is initialised.  referenced: the second chance.
    """

    slot: int | None = None
    referenced: bool = False


@component
class Object:
    """The compressed page of an entry: version ``version`` of the page of slot ``slot``."""

    slot: int
    version: int


@attrs.frozen
class Places:
    """Where everything lives.  Rows of entries and objects have an unused place 0."""

    slot: Sequence[Place[Slot]]
    held: Sequence[Place[Held]]
    entry: Sequence[Place[Entry | None]]
    object: Sequence[Place[Object | None]]
    used: Place[int]
    """A bit for each entry that is not free, and bit 0."""
    lru: Place[tuple[int, ...]]
    """Oldest first."""
    version: Place[int]
    """The newest version of all pages."""
    stored: Place[int]
    """zswap_stored_pages."""
    charge: Place[int]
    """What the object cgroup is charged for, in entries."""


def describe(layout: Layout, slots: int, entries: int) -> Places:
    """Give every component its place."""
    return Places(
        slot=layout.row("slot", slots, Slot()),
        held=layout.row("held", slots, Held()),
        entry=layout.row("entry", entries + 1, None),
        object=layout.row("object", entries + 1, None),
        used=layout.one("used", 1),
        lru=layout.one("lru", ()),
        version=layout.one("version", 0),
        stored=layout.counter("stored"),
        charge=layout.counter("charge"),
    )


class ProtocolView(View):
    """The view of the steps.

    at: places.  versions: how many versions there may be.
    """

    __slots__ = ("at", "versions")

    def __init__(self, components: Iterable[object], at: Places, versions: int) -> None:
        """Start from the given components, with an environment that never fails."""
        super().__init__(components)
        self.at, self.versions = at, versions


# --- what several operations do in a step -------------------------------------------------------------------


def change_page(v: ProtocolView, number: int) -> None:
    """Let the owner of a slot write its page: there is a new version, and a load has to return it."""
    v[v.at.version] += 1
    version = v[v.at.version]
    v[v.at.slot[number]] = evolve(v[v.at.slot[number]], want=version)
    v[v.at.held[number]] = evolve(v[v.at.held[number]], version=version, dirty=True)


def free_slot(v: ProtocolView, number: int) -> Next:
    """Drop the count and the folio of a slot, and go on with what zswap holds for it."""
    v[v.at.slot[number]] = Slot(cache="freeing")
    v[v.at.held[number]] = evolve(v[v.at.held[number]], version=0, dirty=False)
    return Call(Invalidate(number))


def take_from_tree(v: ProtocolView, number: int) -> int:
    """Take the entry of a slot out of the tree and return it (0: there was none)."""
    held = v[v.at.held[number]]
    if held.tree:
        v[v.at.held[number]] = evolve(held, tree=0)
    return held.tree


def stored_version(v: ProtocolView, number: int, entry: int) -> int:
    """Return the version that an entry taken out of the tree holds."""
    found = v[v.at.object[entry]]
    if found is None or found.slot != number:
        raise Violation("decompressed an entry that is gone")
    return found.version


def write_to_disk(v: ProtocolView, number: int) -> None:
    """Write the folio of a slot to the device."""
    slot, held = v[v.at.slot[number]], v[v.at.held[number]]
    if slot.count and held.version != slot.want:
        raise Violation("stale data written over a live slot")
    v[v.at.held[number]] = evolve(held, disk=held.version)


def unlock_clean(v: ProtocolView, number: int) -> None:
    """Unlock a folio that is clean from here on."""
    v[v.at.slot[number]] = evolve(v[v.at.slot[number]], cache="unlocked")
    v[v.at.held[number]] = evolve(v[v.at.held[number]], dirty=False)


def free_memory(v: ProtocolView, entry: int) -> None:
    """Give an entry and its object back to their allocators."""
    v[v.at.entry[entry]] = v[v.at.object[entry]] = None
    v[v.at.used] &= ~(1 << entry)


def take_off_lru(v: ProtocolView, entry: int) -> None:
    """Take an entry off the LRU, if it is there."""
    v[v.at.lru] = tuple(e for e in v[v.at.lru] if e != entry)


# --- operations ---------------------------------------------------------------------------------------------


@attrs.define
class SlotOperation(Operation):
    """Anything that is done to one slot."""

    slot: int

    def owns(self, v: ProtocolView, step: str) -> Iterator[int]:
        """Yield the places that nobody else may touch while ``step`` is what comes next."""
        yield from ()


@attrs.define
class FreesEntry(SlotOperation):
    """An operation that may have to free an entry (zswap_entry_free).

    doomed: an entry that it took out of the tree, or 0.
    unlocked: the steps before which it does not hold the slot.
    """

    unlocked: ClassVar[tuple[str, ...]] = ()

    doomed: int = 0

    def owns(self, v: ProtocolView, step: str) -> Iterator[int]:
        """Yield the slot's contents while it is held, and what is left of an entry that must be freed."""
        if step in self.unlocked:
            return
        yield v.at.held[self.slot]
        if self.doomed:
            yield v.at.object[self.doomed]
        if step in ("uncharge", "free"):
            yield v.at.entry[self.doomed]

    @step
    def lru_del(self, v: ProtocolView) -> Next:
        """Take the entry off the LRU, through which the shrinker still finds it."""
        if v[v.at.entry[self.doomed]] is None:
            raise Violation("use after free (lru_del)")
        take_off_lru(v, self.doomed)
        return self.uncharge

    @step
    def uncharge(self, v: ProtocolView) -> Next:
        """Take the charge back from the owner."""
        v[v.at.charge] -= 1
        return self.free

    @step
    def free(self, v: ProtocolView) -> Next:
        """Free the object and the entry, and count it out."""
        if v[v.at.entry[self.doomed]] is None:
            raise Violation("double free")
        if self.doomed in v[v.at.lru]:
            raise Violation("entry freed while on the LRU")
        free_memory(v, self.doomed)
        v[v.at.stored] -= 1
        self.doomed = 0
        return self.after_free()

    def after_free(self) -> Next:
        """Return the step after the entry is freed."""
        raise NotImplementedError


@attrs.define
class SwapOut(FreesEntry):
    """Swap a page out: store it in zswap, or write it to the device (swap_writepage, zswap_store).

    entry: the entry that is being stored, until it is on the LRU.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_store(), mm/page_io.c swap_writepage(), Linux 6.12.117"
    first: ClassVar[str] = "lock"
    unlocked: ClassVar[tuple[str, ...]] = ("lock",)

    entry: int = 0

    def owns(self, v: ProtocolView, step: str) -> Iterator[int]:
        """Yield also the entry that nobody else can reach before it is on the LRU."""
        yield from super().owns(v, step)
        if self.entry:
            yield v.at.entry[self.entry]
            yield v.at.object[self.entry]

    @step
    def lock(self, v: ProtocolView) -> Next:
        """Take the slot, unless the page has kept it since its last swap-out, and lock the folio."""
        slot = v[v.at.slot[self.slot]]
        v[v.at.slot[self.slot]] = evolve(slot, count=True, cache="locked")
        if not slot.count:
            change_page(v, self.slot)
        return self.allocate

    @step
    def allocate(self, v: ProtocolView) -> Next:
        """Allocate an entry."""
        used = v[v.at.used]
        free = [entry for entry in range(len(v.at.entry)) if not used >> entry & 1]
        if not free or v.fails(ALLOC_ENTRY):
            return self.erase
        self.entry = free[0]
        v[v.at.used] = used | 1 << self.entry
        v[v.at.entry[self.entry]] = Entry()
        return self.compress

    @step
    def compress(self, v: ProtocolView) -> Next:
        """Compress the page into an object; a failure frees the entry."""
        if v.fails(COMPRESS):
            return self.give_up(v)
        v[v.at.object[self.entry]] = Object(self.slot, v[v.at.held[self.slot]].version)
        return self.insert

    @step
    def insert(self, v: ProtocolView) -> Next:
        """Publish the entry in the tree and initialise it; an old entry of the slot must be freed."""
        if v.fails(XA_STORE):
            return self.give_up(v)
        held = v[v.at.held[self.slot]]
        v[v.at.held[self.slot]] = evolve(held, tree=self.entry)
        v[v.at.entry[self.entry]] = Entry(self.slot, referenced=True)
        self.doomed = held.tree
        return self.lru_del if self.doomed else self.charge

    def after_free(self) -> Next:
        """Go on with the store that replaced the entry; a failed store goes on with the device."""
        return self.charge if self.entry else self.write

    @step
    def charge(self, v: ProtocolView) -> Next:
        """Charge the owner."""
        v[v.at.charge] += 1
        return self.lru_add

    @step
    def lru_add(self, v: ProtocolView) -> Next:
        """Add the entry to the LRU, where the shrinker finds it."""
        if self.entry in v[v.at.lru]:
            raise Violation("entry added to the LRU twice")
        v[v.at.lru] += (self.entry,)
        self.entry = 0
        return self.count

    @step
    def count(self, v: ProtocolView) -> Next:
        """Count the stored page."""
        v[v.at.stored] += 1
        return self.unlock

    @step
    def erase(self, v: ProtocolView) -> Next:
        """Take the old entry of the slot out of the tree: it holds an older version of the page."""
        self.doomed = take_from_tree(v, self.slot)
        return self.lru_del if self.doomed else self.write

    @step
    def write(self, v: ProtocolView) -> Next:
        """Write the page to the device."""
        write_to_disk(v, self.slot)
        return self.unlock

    @step
    def unlock(self, v: ProtocolView) -> Next:
        """Unlock the folio: it is clean."""
        unlock_clean(v, self.slot)
        return Return()

    def give_up(self, v: ProtocolView) -> Next:
        """Free the entry that is not published, and turn to the device."""
        free_memory(v, self.entry)
        self.entry = 0
        return self.erase


@attrs.define
class SwapIn(FreesEntry):
    """Map the page of a slot: from the swap cache, zswap or the device (do_swap_page, zswap_load)."""

    source: ClassVar[str] = "mm/memory.c do_swap_page(), mm/zswap.c zswap_load(), Linux 6.12.117"
    first: ClassVar[str] = "lock"
    unlocked: ClassVar[tuple[str, ...]] = ("lock",)

    @step
    def lock(self, v: ProtocolView) -> Next:
        """Lock the folio in the swap cache, or add a locked one that must be read."""
        slot = v[v.at.slot[self.slot]]
        v[v.at.slot[self.slot]] = evolve(slot, cache="locked")
        return self.map if slot.cache == "unlocked" else self.erase

    @step
    def erase(self, v: ProtocolView) -> Next:
        """Take the entry out of the tree; without one the page is on the device."""
        self.doomed = take_from_tree(v, self.slot)
        return self.decompress if self.doomed else self.read

    @step
    def decompress(self, v: ProtocolView) -> Next:
        """Fill the folio; it is dirty, because it will be the only copy."""
        version = stored_version(v, self.slot, self.doomed)
        v[v.at.held[self.slot]] = evolve(v[v.at.held[self.slot]], version=version, dirty=True)
        return self.lru_del

    def after_free(self) -> Next:
        """Go on with mapping the page."""
        return self.map

    @step
    def read(self, v: ProtocolView) -> Next:
        """Read the page from the device."""
        held = v[v.at.held[self.slot]]
        v[v.at.held[self.slot]] = evolve(held, version=held.disk)
        return self.map

    @step
    def map(self, v: ProtocolView) -> Next:
        """Map the page; the slot is freed, or the folio stays in the swap cache."""
        slot = v[v.at.slot[self.slot]]
        if slot.count and v[v.at.held[self.slot]].version != slot.want:
            raise Violation("load returned a version that is not the last one stored")
        if slot.count and v.choose(FREE_SLOT, (False, True)):
            return free_slot(v, self.slot)
        v[v.at.slot[self.slot]] = evolve(slot, cache="unlocked")
        return Return()


@attrs.define
class Invalidate(FreesEntry):
    """Drop what zswap holds for a slot that is being freed, then free the slot (zswap_invalidate)."""

    source: ClassVar[str] = "mm/zswap.c zswap_invalidate(), mm/swapfile.c, Linux 6.12.117"
    first: ClassVar[str] = "erase"

    @step
    def erase(self, v: ProtocolView) -> Next:
        """Take the entry out of the tree."""
        self.doomed = take_from_tree(v, self.slot)
        return self.lru_del if self.doomed else self.release

    def after_free(self) -> Next:
        """Go on with the slot."""
        return self.release

    @step
    def release(self, v: ProtocolView) -> Next:
        """Let the slot be handed out again."""
        v[v.at.slot[self.slot]] = evolve(v[v.at.slot[self.slot]], cache="none")
        v[v.at.held[self.slot]] = evolve(v[v.at.held[self.slot]], disk=0)
        return Return()


@attrs.define
class Zap(SlotOperation):
    """Let the owner of a page drop it (free_swap_and_cache)."""

    source: ClassVar[str] = "mm/swapfile.c free_swap_and_cache_nr(), Linux 6.12.117"

    @step
    def drop_count(self, v: ProtocolView) -> Next:
        """Free the slot; a folio that somebody else has locked stays behind in the swap cache."""
        slot = v[v.at.slot[self.slot]]
        if slot.cache != "locked":
            return free_slot(v, self.slot)
        v[v.at.slot[self.slot]] = Slot(cache="locked")
        return Return()


@attrs.define
class FreeOrphan(SlotOperation):
    """Free a folio of the swap cache whose slot nobody names (folio_free_swap)."""

    source: ClassVar[str] = "mm/swapfile.c folio_free_swap(), Linux 6.12.117"

    @step
    def delete(self, v: ProtocolView) -> Next:
        """Take the folio out of the swap cache and free the slot."""
        return free_slot(v, self.slot)


@attrs.define
class DropClean(SlotOperation):
    """Reclaim a clean folio of the swap cache (__remove_mapping)."""

    source: ClassVar[str] = "mm/vmscan.c __remove_mapping(), Linux 6.12.117"

    @step
    def drop(self, v: ProtocolView) -> Next:
        """Take the folio out of the swap cache: zswap or the device has the page."""
        v[v.at.slot[self.slot]] = evolve(v[v.at.slot[self.slot]], cache="none")
        v[v.at.held[self.slot]] = evolve(v[v.at.held[self.slot]], version=0)
        return Return()


@attrs.define
class Redirty(SlotOperation):
    """Let the owner write to a page that is mapped and in the swap cache."""

    @step
    def write(self, v: ProtocolView) -> Next:
        """Make a new version; what zswap or the device holds is old."""
        change_page(v, self.slot)
        return Return()


@attrs.define
class Writeback(FreesEntry):
    """Write the oldest entry back to the device (shrink_memcg_cb, zswap_writeback_entry).

    slot, entry: what was read on the LRU, perhaps stale; 0 before anything was read.
    """

    source: ClassVar[str] = "mm/zswap.c shrink_memcg_cb(), zswap_writeback_entry(), Linux 6.12.117"
    first: ClassVar[str] = "take"
    unlocked: ClassVar[tuple[str, ...]] = ("take", "lock")

    slot: int = 0
    entry: int = 0

    @step
    def take(self, v: ProtocolView) -> Next:
        """Rotate the oldest entry and remember its slot and number, unless it has a second chance."""
        number = v[v.at.lru][0]
        entry = v[v.at.entry[number]]
        if entry is None or entry.slot is None:
            raise Violation("shrinker met an incoherent entry")
        v[v.at.lru] = (*v[v.at.lru][1:], number)
        if entry.referenced:
            v[v.at.entry[number]] = evolve(entry, referenced=False)
            return Return()
        self.slot, self.entry = entry.slot, number
        return self.lock

    @step
    def lock(self, v: ProtocolView) -> Next:
        """Put a locked folio into the swap cache; skip a slot that is free or has a folio."""
        slot = v[v.at.slot[self.slot]]
        if not slot.count or slot.cache != "none" or v.fails(ALLOC_FOLIO):
            return Return()
        v[v.at.slot[self.slot]] = evolve(slot, cache="locked")
        return self.exchange

    @step
    def exchange(self, v: ProtocolView) -> Next:
        """Take the entry out of the tree, if the tree still names it."""
        if v[v.at.held[self.slot]].tree != self.entry:
            self.entry = 0
            return self.abort
        take_from_tree(v, self.slot)
        self.doomed, self.entry = self.entry, 0
        return self.decompress

    @step
    def decompress(self, v: ProtocolView) -> Next:
        """Fill the folio."""
        version = stored_version(v, self.slot, self.doomed)
        v[v.at.held[self.slot]] = evolve(v[v.at.held[self.slot]], version=version)
        return self.lru_del

    def after_free(self) -> Next:
        """Go on with the device."""
        return self.write

    @step
    def write(self, v: ProtocolView) -> Next:
        """Write the page to the device."""
        write_to_disk(v, self.slot)
        return self.unlock

    @step
    def unlock(self, v: ProtocolView) -> Next:
        """Unlock the folio: it is clean."""
        unlock_clean(v, self.slot)
        return Return()

    @step
    def abort(self, v: ProtocolView) -> Next:
        """Take the folio back out of the swap cache; free the slot if it was zapped meanwhile."""
        slot = v[v.at.slot[self.slot]]
        if not slot.count:
            return free_slot(v, self.slot)
        v[v.at.slot[self.slot]] = evolve(slot, cache="none")
        v[v.at.held[self.slot]] = evolve(v[v.at.held[self.slot]], version=0, dirty=False)
        return Return()


# --- planted bugs -------------------------------------------------------------------------------------------


@attrs.define
class TrustingWriteback(Writeback):
    """Bug 1: writeback does not look whether the tree still names its entry."""

    @step
    def exchange(self, v: ProtocolView) -> Next:
        """Empty the tree's place, whatever it names."""
        take_from_tree(v, self.slot)
        self.doomed, self.entry = self.entry, 0
        return self.decompress


@attrs.define
class ChargesEarly(SwapOut):
    """Bug 2: the charge is taken before the entry is published, and kept when that fails."""

    @step
    def compress(self, v: ProtocolView) -> Next:
        """Compress the page, and charge the owner."""
        following = super().compress(v)
        if self.entry:
            v[v.at.charge] += 1
        return following

    @step
    def charge(self, v: ProtocolView) -> Next:
        """Do nothing: the owner is charged."""
        return self.lru_add


@attrs.define
class AddsEarly(SwapOut):
    """Bug 3: the entry is on the LRU before it is published and initialised."""

    @step
    def compress(self, v: ProtocolView) -> Next:
        """Compress the page, and add the entry to the LRU."""
        following = super().compress(v)
        if self.entry:
            v[v.at.lru] += (self.entry,)
        return following

    @step
    def insert(self, v: ProtocolView) -> Next:
        """Publish the entry; a failure takes it off the LRU."""
        entry = self.entry
        following = super().insert(v)
        if not self.entry:
            take_off_lru(v, entry)
        return following

    @step
    def lru_add(self, v: ProtocolView) -> Next:
        """Do nothing: the entry is there."""
        self.entry = 0
        return self.count


@attrs.define
class LeavesStaleEntry(SwapOut):
    """Bug 4: a store that failed leaves the old entry in the tree."""

    @step
    def erase(self, v: ProtocolView) -> Next:
        """Turn to the device at once."""
        return self.write


SWAP_OUT: dict[int, type[SwapOut]] = {2: ChargesEarly, 3: AddsEarly, 4: LeavesStaleEntry}
WRITEBACK: dict[int, type[Writeback]] = {1: TrustingWriteback}


# --- what an idle actor may start ---------------------------------------------------------------------------

Start = Callable[[ProtocolView], SlotOperation | None]
"""Returns an operation whose first step can run, or None."""


def has_folio(v: ProtocolView, number: int) -> bool:
    """Return whether a named slot has an unlocked folio in the swap cache."""
    slot = v[v.at.slot[number]]
    return slot.count and slot.cache == "unlocked"


def may_change(v: ProtocolView) -> bool:
    """Return whether there may be another version of a page."""
    return v[v.at.version] < v.versions


def swap_out_anew(v: ProtocolView, number: int, swap_out: type[SwapOut]) -> SwapOut | None:
    """Swap out a page that has no slot yet."""
    slot = v[v.at.slot[number]]
    return swap_out(number) if not slot.count and slot.cache == "none" and may_change(v) else None


def swap_out_again(v: ProtocolView, number: int, swap_out: type[SwapOut]) -> SwapOut | None:
    """Swap out a page that has kept its slot and is dirty."""
    return swap_out(number) if has_folio(v, number) and v[v.at.held[number]].dirty else None


def swap_in(v: ProtocolView, number: int) -> SwapIn | None:
    """Swap a page in, unless somebody has locked its folio."""
    slot = v[v.at.slot[number]]
    return SwapIn(number) if slot.count and slot.cache in ("none", "unlocked") else None


def zap(v: ProtocolView, number: int) -> Zap | None:
    """Drop a page that is swapped out."""
    return Zap(number) if v[v.at.slot[number]].count else None


def free_orphan(v: ProtocolView, number: int) -> FreeOrphan | None:
    """Free a folio whose slot nobody names any more."""
    slot = v[v.at.slot[number]]
    return FreeOrphan(number) if not slot.count and slot.cache == "unlocked" else None


def drop_clean(v: ProtocolView, number: int) -> DropClean | None:
    """Reclaim a folio that is clean."""
    return DropClean(number) if has_folio(v, number) and not v[v.at.held[number]].dirty else None


def redirty(v: ProtocolView, number: int) -> Redirty | None:
    """Write to a page whose folio is in the swap cache."""
    return Redirty(number) if has_folio(v, number) and may_change(v) else None


def write_back(v: ProtocolView, writeback: type[Writeback]) -> Writeback | None:
    """Shrink, if there is anything on the LRU."""
    return writeback() if v[v.at.lru] else None


def slot_starts(number: int, swap_out: type[SwapOut]) -> Iterator[tuple[str, Start]]:
    """Yield what may be started on one slot."""
    yield f"slot {number}: swap out anew", partial(swap_out_anew, number=number, swap_out=swap_out)
    yield f"slot {number}: swap out again", partial(swap_out_again, number=number, swap_out=swap_out)
    yield f"slot {number}: swap in", partial(swap_in, number=number)
    yield f"slot {number}: zap", partial(zap, number=number)
    yield f"slot {number}: free orphan", partial(free_orphan, number=number)
    yield f"slot {number}: drop clean folio", partial(drop_clean, number=number)
    yield f"slot {number}: write to the page", partial(redirty, number=number)


# --- the whole ----------------------------------------------------------------------------------------------


def at_rest(v: ProtocolView) -> str | None:
    """Return what is wrong with a state in which no operation is under way, or None."""
    live = [entry for entry, place in enumerate(v.at.entry) if v[place] is not None]
    if sorted(v[v.at.lru]) != live:
        return "LRU differs from the set of live entries"
    if v[v.at.stored] != len(live) or v[v.at.charge] != len(live):
        return "stored/charge counter differs from the number of live entries"
    if sorted(v[place].tree for place in v.at.held if v[place].tree) != live:
        return "tree differs from the set of live entries"
    wrong = (slot_at_rest(v, number) for number in range(len(v.at.slot)))
    return next((sentence for sentence in wrong if sentence), None)


def slot_at_rest(v: ProtocolView, number: int) -> str | None:
    """Return what is wrong with a slot at rest, or None."""
    slot, held = v[v.at.slot[number]], v[v.at.held[number]]
    entry, compressed = v[v.at.entry[held.tree]], v[v.at.object[held.tree]]
    if slot.cache in ("locked", "freeing"):
        return "swap cache locked at rest"
    if entry and entry.slot != number:
        return "tree entry belongs to another slot"
    if slot.count:
        stored = compressed.version if compressed else held.disk
        return "page lost" if (held.version if slot.cache == "unlocked" else stored) != slot.want else None
    return "free slot still has an entry" if slot.cache == "none" and held.tree else None


class Protocol:
    """The protocol in one scope.

    slots, versions, actors: the scope; there is one more entry than slots.
    bug: 0, or the number of a planted bug.
    layout, initial: components and their first values.  starts: all that an idle actor may start.
    """

    at_rest = staticmethod(at_rest)

    def __init__(self, slots: int, versions: int, actors: int, bug: int = 0) -> None:
        """Lay the system out."""
        self.slots, self.versions, self.actors, self.bug = slots, versions, actors, bug
        self.layout = Layout()
        self.at = describe(self.layout, slots, slots + 1)
        self.initial = self.layout.initial
        swap_out, writeback = SWAP_OUT.get(bug, SwapOut), WRITEBACK.get(bug, Writeback)
        self.starts: tuple[tuple[str, Start], ...] = (
            *(start for number in range(slots) for start in slot_starts(number, swap_out)),
            ("shrink", partial(write_back, writeback=writeback)),
        )

    def view(self) -> ProtocolView:
        """Return a view of the initial state."""
        return ProtocolView(self.initial, self.at, self.versions)
