"""Every change of what backs a virtual entry: those of the table are reached, no other one happens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from refmodel.kernel import choices
from refmodel.kernel.vswap_state import Backing
from refmodel.machine import Execution
from tests.kernel.programs import Program
from tests.kernel.vswap_toy import VswapToy

Scenario = Callable[[VswapToy], int]
"""Runs something and returns the entry that is to be looked at."""


# --- situations ----------------------------------------------------------------------------------------


def stored(toy: VswapToy) -> int:
    """Page 0 is in zswap."""
    toy.write(0, "A")
    toy.out(0)
    return toy.slot(0)


def on_device(toy: VswapToy) -> int:
    """Page 0 is on the device."""
    toy.write(0, "A")
    toy.to_device(0)
    return toy.slot(0)


def zero(toy: VswapToy) -> int:
    """Page 0 was swapped out full of zeroes."""
    toy.write(0, 0)
    toy.out(0)
    return toy.slot(0)


def stuck(toy: VswapToy) -> int:
    """Page 0 was refused by zswap and found no room on the device."""
    toy.write(0, "A")
    toy.fail(choices.ALLOC_ENTRY)
    toy.fail(choices.ALLOC_SLOT)
    toy.out(0)
    return toy.slot(0)


def written_again(toy: VswapToy, content: object) -> int:
    """Page 0 is on the device, and its process read it back and wrote it again; the slot is kept."""
    entry = on_device(toy)
    toy.read(0)
    toy.write(0, content)
    return entry


def stored_and_cached(toy: VswapToy) -> tuple[int, int]:
    """Page 0 is in zswap, and one of two processes mapped its folio before reclaim could drop it."""
    toy.write(0, "A")
    toy.run(toy.ops.fork(process=0))
    folio = toy.v[toy.v.at.pte[0][0]].folio
    reclaim = Execution(toy.ops.shrink_folio(folio=folio))
    toy.until(reclaim, "after_pageout")
    toy.read(0)
    toy.until(reclaim, "the end")
    return folio, toy.slot(0, mm=2)


def zero_and_cached(toy: VswapToy) -> tuple[int, int]:
    """Page 0 was swapped out full of zeroes and read ahead."""
    entry = zero(toy)
    toy.willneed(0)
    return toy.descriptor(0).folio, entry


def unwritten_large(toy: VswapToy) -> tuple[int, int]:
    """A folio of two pages has slots in a row, but the device failed to write it."""
    toy.allow_order(1)
    toy.write(0, "A")
    toy.write(1, "B")
    toy.fail(choices.DISK_WRITE)
    toy.to_device(0, 2)
    return toy.descriptor(0).folio, toy.slot(0)


# --- the table -----------------------------------------------------------------------------------------


def alloc(toy: VswapToy) -> int:
    """AL."""
    return stuck(toy)


def folio_to_zero(toy: VswapToy) -> int:
    """WO3."""
    return zero(toy)


def slot_to_zero(toy: VswapToy) -> int:
    """WO3."""
    entry = written_again(toy, 0)
    toy.out(0)
    return entry


def zswap_to_zero(toy: VswapToy) -> int:
    """WO3."""
    folio, entry = stored_and_cached(toy)
    toy.redirty(folio, 0)
    toy.reclaim(folio)
    return entry


def zero_to_zero(toy: VswapToy) -> int:
    """WO3."""
    folio, entry = zero_and_cached(toy)
    toy.redirty(folio, 0)
    toy.reclaim(folio)
    return entry


def zswap_to_folio(toy: VswapToy) -> int:
    """WO4."""
    folio, entry = stored_and_cached(toy)
    toy.redirty(folio, "B")
    toy.enable(False)
    toy.fail(choices.ALLOC_SLOT)
    toy.reclaim(folio)
    return entry


def zero_to_folio(toy: VswapToy) -> int:
    """WO4."""
    folio, entry = zero_and_cached(toy)
    toy.redirty(folio, "B")
    toy.enable(False)
    toy.fail(choices.ALLOC_SLOT)
    toy.reclaim(folio)
    return entry


def mixed_slots_to_folio(toy: VswapToy) -> int:
    """WO4: swapoff took one slot of two and was interrupted."""
    folio, entry = unwritten_large(toy)
    toy.fail(choices.SIGNAL, nth=2)
    toy.run(toy.ops.swapoff())
    toy.fail(choices.ALLOC_ENTRY)
    toy.fail(choices.ALLOC_SLOT)
    toy.reclaim(folio)
    return entry + 1


def folio_to_folio(toy: VswapToy) -> int:
    """WO4: kept."""
    entry = stuck(toy)
    folio = toy.descriptor(0).folio
    toy.fail(choices.ALLOC_ENTRY)
    toy.fail(choices.ALLOC_SLOT)
    toy.reclaim(folio)
    return entry


def slot_to_slot(toy: VswapToy) -> int:
    """WO4: kept, and written again."""
    entry = written_again(toy, "B")
    toy.to_device(0)
    return entry


def folio_to_zswap(toy: VswapToy) -> int:
    """ZS3."""
    return stored(toy)


def slot_to_zswap(toy: VswapToy) -> int:
    """ZS3."""
    entry = written_again(toy, "B")
    toy.out(0)
    return entry


def zswap_to_zswap(toy: VswapToy) -> int:
    """ZS3: only without WO4 before it."""
    folio, entry = stored_and_cached(toy)
    toy.redirty(folio, "B")
    toy.lock(folio)
    toy.run(toy.ops.zswap_store(folio=folio))
    return entry


def stored_prefix_to_folio(toy: VswapToy) -> int:
    """ZS5: the second page fails."""
    toy.allow_order(1)
    toy.write(0, "A")
    toy.write(1, "B")
    toy.fail(choices.ALLOC_ENTRY, nth=2)
    toy.fail(choices.ALLOC_SLOT)
    toy.out(0, 2)
    return toy.slot(0)


def stored_prefix_and_slot_to_folio(toy: VswapToy) -> int:
    """ZS5: the second page fails and had a slot."""
    folio, entry = unwritten_large(toy)
    toy.fail(choices.ALLOC_ENTRY, nth=2)
    toy.fail(choices.ALLOC_SLOT)
    toy.reclaim(folio)
    return entry + 1


def folio_to_slot(toy: VswapToy) -> int:
    """PS6, a page that zswap does not take."""
    return on_device(toy)


def zswap_to_slot(toy: VswapToy) -> int:
    """PS6, zswap writeback."""
    entry = stored(toy)
    toy.write_back(0)
    return entry


def slot_back_to_zswap(toy: VswapToy) -> int:
    """ZW5: the bytes cannot be decompressed."""
    entry = stored(toy)
    toy.fail(choices.DECOMPRESS)
    toy.write_back(0)
    return entry


def load(toy: VswapToy) -> int:
    """ZL."""
    entry = stored(toy)
    toy.willneed(0)
    return entry


def swapoff(toy: VswapToy) -> int:
    """SO6."""
    entry = on_device(toy)
    toy.run(toy.ops.swapoff())
    return entry


def slot_stays(toy: VswapToy) -> int:
    """Swap-in from the device."""
    entry = on_device(toy)
    toy.read(0)
    return entry


def zero_stays(toy: VswapToy) -> int:
    """Swap-in of zeroes."""
    return zero_and_cached(toy)[1]


def zapped(situation: Scenario) -> Scenario:
    """Drop page 0 after a situation."""

    def scenario(toy: VswapToy) -> int:
        """FR."""
        entry = situation(toy)
        toy.zap(0)
        return entry

    return scenario


TABLE = [
    # what happens, the types that the entry goes through, the step of the last change
    ("U->F", alloc, "UF", "FolioAllocSwap.alloc_cluster"),
    ("F->Z", folio_to_zero, "UFZ", "SwapWriteout.set_zero"),
    ("S->Z", slot_to_zero, "UFSFZ", "SwapWriteout.set_zero"),
    ("C->Z", zswap_to_zero, "UFCFZ", "SwapWriteout.set_zero"),
    ("Z->Z", zero_to_zero, "UFZFZ", "SwapWriteout.set_zero"),
    ("C->F", zswap_to_folio, "UFCF", "VswapReleaseBacking.release"),
    ("Z->F", zero_to_folio, "UFZF", "VswapReleaseBacking.release"),
    ("mixed->F", mixed_slots_to_folio, "UFSF", "VswapReleaseBacking.release"),
    ("F->F", folio_to_folio, "UF", "FolioAllocSwap.alloc_cluster"),
    ("S->S written", slot_to_slot, "UFS", "VswapAllocSwapSlot.flip"),
    ("F->C", folio_to_zswap, "UFC", "VswapZswapStore.install"),
    ("S->C", slot_to_zswap, "UFSFC", "VswapZswapStore.install"),
    ("C->C", zswap_to_zswap, "UFCFC", "VswapZswapStore.install"),
    ("CF->FF", stored_prefix_to_folio, "UFCF", "VswapReleaseBacking.release"),
    ("CS->FF", stored_prefix_and_slot_to_folio, "UFSF", "VswapReleaseBacking.release"),
    ("F->S", folio_to_slot, "UFS", "VswapAllocSwapSlot.flip"),
    ("C->S", zswap_to_slot, "UFCS", "VswapAllocSwapSlot.flip"),
    ("S->C undo", slot_back_to_zswap, "UFCSC", "VswapZswapWriteback.store_back"),
    ("C->F load", load, "UFCF", "ZswapLoad618.erase"),
    ("S->F", swapoff, "UFSF", "VswapReleaseBacking.release"),
    ("S->S", slot_stays, "UFS", "VswapAllocSwapSlot.flip"),
    ("Z->Z read", zero_stays, "UFZ", "SwapWriteout.set_zero"),
    ("F->U", zapped(stuck), "UFU", "VswapFree.clear"),
    ("C->U", zapped(stored), "UFCFU", "VswapFree.clear"),
    ("Z->U", zapped(zero), "UFZFU", "VswapFree.clear"),
    ("S->U", zapped(on_device), "UFSFU", "VswapFree.clear"),
]
"""The transition table.  What the kernel does under one hold of the cluster lock is two steps here where
something is released first: S to Z is S to F, then F to Z."""

STEPS = {
    ("U", "F"): {f"FolioAllocSwap.{step}" for step in ("alloc_cached", "alloc_partial", "alloc_cluster")},
    ("F", "Z"): {"SwapWriteout.set_zero"},
    ("F", "C"): {"VswapZswapStore.install"},
    ("F", "S"): {"VswapAllocSwapSlot.flip"},
    ("C", "S"): {"VswapAllocSwapSlot.flip"},
    ("S", "C"): {"VswapZswapWriteback.store_back"},
    ("C", "F"): {"VswapReleaseBacking.release", "ZswapLoad618.erase"},
    ("Z", "F"): {"VswapReleaseBacking.release"},
    ("S", "F"): {"VswapReleaseBacking.release"},
    ("F", "U"): {"VswapFree.clear"},
}
"""The only steps that change a type."""


@pytest.mark.parametrize(
    ("scenario", "path", "step"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_a_transition_of_the_table_is_reached(scenario: Scenario, path: str, step: str) -> None:
    """Each row of the table happens, through the types named, and the named step completes it."""
    toy = VswapToy()
    entry = scenario(toy)

    assert toy.path(entry) == path
    assert [change.step for change in toy.changes if change.entry == entry][-1] == step


@pytest.mark.parametrize("scenario", [row[1] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_transition_happens_under_the_folio_lock(scenario: Scenario) -> None:
    """While a page table names an entry its type changes only under its locked, cached folio (SD-7)."""
    toy = VswapToy()
    scenario(toy)

    assert [change for change in toy.changes if not change.guarded] == []


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("device_slots", [None, 3])
def test_no_other_transition_happens(seed: int, device_slots: int | None) -> None:
    """In random programs with failures only the steps of the table change a type, always guarded.

    So nothing goes from U to anything but F, from Z to C or S, or from one slot to another.
    """
    toy = VswapToy(device_slots=device_slots, synchronous_device=bool(seed % 2))

    def watch() -> None:
        for change in toy.changes:
            assert not change.moved
            assert change.guarded
            assert change.step in STEPS[change.before, change.after]
        toy.changes.clear()

    Program(toy, seed, faults=0.1).run(80, watch)


def test_page_tables_do_not_notice_a_change_of_backing() -> None:
    """C to S and S to F leave page tables and counts as they are (SD-19, S4)."""
    toy = VswapToy()
    entry = stored(toy)
    toy.run(toy.ops.fork(process=0))
    before = [toy.v[place] for row in toy.v.at.pte for place in row], toy.v[toy.v.at.slot[entry]].count

    assert toy.write_back(0) == 0
    assert toy.run(toy.ops.swapoff()) == 0
    assert toy.backing(0) is Backing.FOLIO
    after = [toy.v[place] for row in toy.v.at.pte for place in row], toy.v[toy.v.at.slot[entry]].count
    assert after == before
    assert toy.read(0) == toy.read(0, mm=2) == "A"


def test_a_written_folio_is_of_one_kind() -> None:
    """When swap_writeout has kept a large folio its entries are all Z, all C, or S in a row (SD-28)."""
    toy = VswapToy()
    toy.allow_order(1)
    kinds = []
    for contents, on in (((0, 0), True), (("A", 0), True), (("A", "B"), False)):
        toy.write(0, contents[0])
        toy.write(1, contents[1])
        toy.enable(on)
        toy.out(0, 2)
        kinds.append((toy.backing(0), toy.backing(1)))
        slots = toy.descriptor(0).slot, toy.descriptor(1).slot
        assert slots[0] == slots[1] == 0 or slots[1] == slots[0] + 1
        toy.zap(0, 2)

    assert kinds == [("Z", "Z"), ("C", "C"), ("S", "S")]
