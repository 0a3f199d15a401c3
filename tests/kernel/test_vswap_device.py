"""The device under virtual swap: absent, full, or leaving; what is written to it and when (S3, S4, S6)."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.vswap_state import RmapWord
from refmodel.machine import evolve
from tests.kernel.toy import KERNELS, Toy
from tests.kernel.vswap_toy import VswapToy

# --- no device ------------------------------------------------------------------------------------------


def test_zswap_needs_no_device() -> None:
    """Pages go to zswap and come back without any swap device (S3)."""
    toy = VswapToy(device_slots=0)
    toy.write(0, "A")
    toy.write(1, 0)
    toy.out(0, 2)

    assert (toy.backing(0), toy.backing(1)) == ("C", "Z")
    assert (toy.read(0), toy.read(1) in (0, bytes(4096))) == ("A", True)


@pytest.mark.parametrize("kernel", KERNELS)
def test_without_virtual_swap_zswap_needs_a_device(kernel: str) -> None:
    """The released kernels swap nothing out without a device."""
    toy = Toy(kernel, device_slots=0)
    toy.write(0, "A")
    toy.out(0)

    assert toy.slot(0) == 0
    assert toy.read(0) == "A"


def test_without_a_device_nothing_is_written_back() -> None:
    """Writeback fails, and the shrinker does not try (G10)."""
    toy = VswapToy(device_slots=0)
    toy.write(0, "A")
    toy.out(0)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], shrinker_enabled=True)

    assert toy.write_back(0) == -errno.ENOMEM
    assert toy.run(toy.ops.shrinker_count(memcg=1, nid=0)) == 0
    assert toy.backing(0) == "C"


def test_without_a_device_a_full_pool_keeps_pages_in_memory() -> None:
    """Where zswap refuses, the page stays dirty in the swap cache."""
    toy = VswapToy(device_slots=0)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], max_pool_percent=0)
    toy.write(0, "A")
    toy.out(0)

    assert toy.backing(0) == "F"
    assert toy.read(0) == "A"


def test_without_a_device_there_is_nothing_to_take_out_of_use() -> None:
    """Swapoff answers -EINVAL."""
    assert VswapToy(device_slots=0).run(VswapToy(device_slots=0).ops.swapoff()) == -errno.EINVAL


# --- slots ----------------------------------------------------------------------------------------------


def test_capacity_adds_up() -> None:
    """Pages in zswap leave the slots of the device to others (S3)."""
    toy = VswapToy(device_slots=2)
    for page in range(4):
        toy.write(page, page + 1)
    toy.out(0, 2)
    toy.to_device(2, 2)

    assert [toy.backing(page) for page in range(4)] == ["C", "C", "S", "S"]
    assert toy.v[toy.v.at.si].free == 0
    assert [toy.read(page) for page in range(4)] == [1, 2, 3, 4]


def test_writeback_takes_a_slot_then() -> None:
    """The slot is allocated, charged and mapped back when a page is written back, not before (S4, PS)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    assert toy.v[toy.v.at.mc[1].swap] == 0
    assert toy.write_back(0) == 0

    found = toy.descriptor(0)
    assert (found.backing, found.zswap, found.count) == ("S", 0, 1)
    assert toy.v[toy.v.at.vswap.rmap[found.slot]] == RmapWord(found.entry)
    assert toy.v[toy.v.at.device[found.slot]] == "A"
    assert toy.v[toy.v.at.mc[1].swap] == 1
    assert (toy.v[toy.v.at.vm.zswpwb], toy.v[toy.v.at.zs.written_back_pages]) == (1, 0)
    assert toy.read(0) == "A"


def test_a_full_device_fails_writeback_and_fallback() -> None:
    """What is in zswap stays there, what zswap refuses stays in memory (S4)."""
    toy = VswapToy(device_slots=1)
    for page in range(3):
        toy.write(page, page + 1)
    toy.to_device(0)
    toy.out(1)
    toy.to_device(2)

    assert [toy.backing(page) for page in range(3)] == ["S", "C", "F"]
    assert toy.write_back(1) == -errno.ENOMEM
    assert toy.backing(1) == "C"
    assert [toy.read(page) for page in range(3)] == [1, 2, 3]


def test_a_large_folio_without_slots_in_a_row_is_not_split() -> None:
    """It is activated as a whole: too late to split it (WO7)."""
    toy = VswapToy(device_slots=1)
    toy.allow_order(1)
    toy.write(0, "A")
    toy.to_device(0, 2)

    assert [toy.backing(page) for page in (0, 1)] == ["F", "F"]
    assert toy.v[toy.v.at.mthp[1].swpout_fallback] == 0
    assert toy.descriptor(0).folio == toy.descriptor(1).folio


def test_a_slot_in_a_row_is_used_again() -> None:
    """A page that is written again goes to the slot that it has (WO4, PS1)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.to_device(0)
    slot = toy.descriptor(0).slot
    toy.read(0)
    toy.write(0, "B")
    toy.to_device(0)

    assert toy.descriptor(0).slot == slot
    assert toy.v[toy.v.at.device[slot]] == "B"
    assert toy.read(0) == "B"


def test_a_copy_without_a_slot_is_dropped_from_the_cache() -> None:
    """After a fault only a slot of the device can be used again (PF10)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    toy.write(1, "B")
    toy.to_device(1)
    toy.read(0)
    toy.read(1)

    assert [toy.describe(entry) for entry in toy.entries()] == [("S", 0, True)]


def test_a_slot_that_only_the_cache_holds_is_marked_and_taken() -> None:
    """A full device takes the slot of a cached page that no page table names (SF3, J-10)."""
    toy = VswapToy(device_slots=2)
    toy.write(0, "A")
    toy.to_device(0)
    slot = toy.descriptor(0).slot
    toy.read(0)
    assert toy.v[toy.v.at.vswap.rmap[slot]].cache_only

    toy.write(1, "B")
    toy.to_device(1)
    toy.write(2, "C")
    toy.to_device(2)
    assert toy.descriptor(2).slot == slot
    assert not toy.v[toy.v.at.vswap.rmap[slot]].cache_only
    assert [toy.read(page) for page in range(3)] == ["A", "B", "C"]


def test_a_named_slot_is_not_marked() -> None:
    """A cached page that is unmapped again is named again (DU, SD-30)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.to_device(0)
    slot = toy.descriptor(0).slot
    toy.read(0)
    assert toy.v[toy.v.at.vswap.rmap[slot]].cache_only
    toy.out(0)

    assert toy.descriptor(0).slot == slot
    assert not toy.v[toy.v.at.vswap.rmap[slot]].cache_only


def test_a_failed_write_keeps_the_slot() -> None:
    """After an I/O error the folio is dirty over its slot, and writing it again needs no other one (J-22)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.fail(choices.DISK_WRITE)
    toy.to_device(0)
    found = toy.descriptor(0)
    folio = toy.v[toy.v.at.folio[found.folio]]
    assert folio is not None
    assert (found.backing, folio.dirty) == ("S", True)

    toy.enable(False)
    toy.reclaim(found.folio)
    assert toy.descriptor(0).slot == found.slot
    assert toy.read(0) == "A"


# --- swapoff --------------------------------------------------------------------------------------------


def test_swapoff_walks_descriptors() -> None:
    """Each page on the device becomes a dirty folio; page tables and counts do not change (S6, SO6)."""
    toy = VswapToy()
    for page in range(4):
        toy.write(page, page + 1)
    toy.to_device(0, 2)
    toy.out(2, 2)
    toy.run(toy.ops.fork(process=0))
    tables = [toy.v[place] for row in toy.v.at.pte for place in row]

    assert toy.run(toy.ops.swapoff()) == 0
    assert [toy.v[place] for row in toy.v.at.pte for place in row] == tables
    assert [toy.backing(page) for page in range(4)] == ["F", "F", "C", "C"]
    assert all(toy.descriptor(page).count == 2 for page in range(4))
    assert toy.v[toy.v.at.vswap.allocated] == 1
    assert toy.v[toy.v.at.mc[1].swap] == 0
    assert (toy.v[toy.v.at.si].on, toy.v[toy.v.at.si].users) == (False, False)
    assert [toy.read(page, mm=mm) for mm in (0, 2) for page in range(4)] == [1, 2, 3, 4] * 2


def test_after_swapoff_pages_go_to_zswap_only() -> None:
    """Without the device the pages that were brought in can still be stored."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.to_device(0)
    toy.run(toy.ops.swapoff())
    toy.reclaim(toy.descriptor(0).folio)

    assert toy.backing(0) == "C"
    assert toy.write_back(0) == -errno.ENOMEM
    assert toy.run(toy.ops.swapon()) == 0
    assert toy.write_back(0) == 0
    assert toy.read(0) == "A"


def test_a_device_in_use_is_busy() -> None:
    """Swapon of a device that is in use fails."""
    toy = VswapToy()

    assert toy.run(toy.ops.swapon()) == -errno.EBUSY


def test_swapoff_takes_every_slot_of_a_large_folio() -> None:
    """A cached large folio gives its slots up one by one, and is written as a whole afterwards."""
    toy = VswapToy()
    toy.allow_order(1)
    toy.write(0, "A")
    toy.write(1, "B")
    toy.fail(choices.DISK_WRITE)
    toy.to_device(0, 2)
    folio = toy.descriptor(0).folio

    assert toy.run(toy.ops.swapoff()) == 0
    assert [toy.backing(page) for page in (0, 1)] == ["F", "F"]
    toy.reclaim(folio)
    assert [toy.backing(page) for page in (0, 1)] == ["C", "C"]
    assert (toy.read(0), toy.read(1)) == ("A", "B")


def test_swapoff_begins_with_reading_ahead() -> None:
    """The first pass does not mind that a page cannot be read; the second reads it (SO2, SO4)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.to_device(0)
    toy.fail(choices.ALLOC_FOLIO)

    assert toy.run(toy.ops.swapoff()) == 0
    assert toy.failing == {}
    assert toy.backing(0) == "F"
    assert toy.read(0) == "A"
