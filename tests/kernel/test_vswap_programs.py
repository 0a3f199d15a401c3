"""Programs on virtual swap: whatever happens, a page that is read holds what was written last (S1, Z2)."""

from __future__ import annotations

from typing import Any

import pytest

from refmodel.kernel.crypto import is_zero
from refmodel.kernel.swap_fault import OOM, SIGBUS
from tests.kernel.programs import Program
from tests.kernel.toy import Toy
from tests.kernel.vswap_toy import VswapToy


def wrong_pages(toy: VswapToy) -> list[tuple[int, int, Any]]:
    """Read every page of every process; return those that do not hold what was written last."""
    wrong = []
    processes = toy.v.cfg.sizes.processes
    mms = [mm for mm in range(2 * processes) if mm < processes or toy.v[toy.v.at.forked[mm - processes]]]
    for mm in mms:
        for page, place in enumerate(toy.v.at.truth[mm]):
            expected, found = toy.v[place].content, toy.read(page, mm=mm)
            if found != expected and not (is_zero(found) and is_zero(expected)):
                wrong.append((mm, page, found))
    return wrong


@pytest.mark.parametrize("synchronous", [False, True], ids=["asynchronous", "synchronous"])
@pytest.mark.parametrize("device_slots", [None, 0, 3])
@pytest.mark.parametrize("seed", range(6))
def test_without_failures_every_page_can_be_read(
    seed: int, device_slots: int | None, synchronous: bool
) -> None:
    """After a random program in which nothing fails all pages of all processes are as written."""
    toy = VswapToy(device_slots=device_slots, synchronous_device=synchronous)
    Program(toy, seed, faults=0).run(60, lambda: None)

    assert wrong_pages(toy) == []


@pytest.mark.parametrize("synchronous", [False, True], ids=["asynchronous", "synchronous"])
@pytest.mark.parametrize("device_slots", [None, 0, 3])
@pytest.mark.parametrize("seed", range(6))
def test_with_failures_no_page_reads_wrong(seed: int, device_slots: int | None, synchronous: bool) -> None:
    """With failures a page is as written, or its reader is told that it is lost or that memory is short."""
    toy = VswapToy(device_slots=device_slots, synchronous_device=synchronous)
    Program(toy, seed, faults=0.15).run(60, lambda: None)
    toy.v.choose = toy.choose

    assert [page for page in wrong_pages(toy) if page[2] not in (SIGBUS, OOM)] == []


@pytest.mark.parametrize("backing", "CSZF")
def test_a_forked_child_shares_an_entry(backing: str) -> None:
    """Fork counts the entry twice; each process reads it, and writes a copy of its own."""
    toy = VswapToy(device_slots=0 if backing == "F" else None)
    toy.write(0, 0 if backing == "Z" else "A")
    if backing in "SF":
        toy.to_device(0)
    else:
        toy.out(0)
    toy.run(toy.ops.fork(process=0))
    assert (toy.backing(0), toy.descriptor(0).count) == (backing, 2)
    assert toy.slot(0) == toy.slot(0, mm=2)

    toy.write(0, "child", mm=2)
    assert toy.read(0) in ("A", 0, bytes(4096))
    assert toy.read(0, mm=2) == "child"


@pytest.mark.parametrize("backing", "CSZF")
def test_a_zapped_entry_is_free_after_the_last_reference(backing: str) -> None:
    """Whatever backs an entry goes with the last page-table entry that names it."""
    toy = VswapToy(device_slots=0 if backing == "F" else None)
    toy.write(0, 0 if backing == "Z" else "A")
    if backing in "SF":
        toy.to_device(0)
    else:
        toy.out(0)
    toy.run(toy.ops.fork(process=0))
    toy.zap(0)
    assert toy.describe(toy.slot(0, mm=2))[:2] == (backing, 1)

    toy.run(toy.ops.exit_child(process=0))
    assert toy.entries() == []
    assert toy.v[toy.v.at.si].free == toy.v[toy.v.at.si].size
    assert toy.zswap_holds()["stored"] == 0


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("on", [True, False], ids=["zswap", "device"])
def test_large_folios_go_and_come_back(order: int, on: bool) -> None:
    """A large folio is swapped out as a whole, in entries in a row, and comes back page by page."""
    toy = VswapToy()
    toy.allow_order(order)
    nr = 1 << order
    for page in range(nr):
        toy.write(page, page + 1)
    toy.enable(on)
    toy.out(0, nr)

    entries = [toy.slot(page) for page in range(nr)]
    assert entries == list(range(entries[0], entries[0] + nr))
    assert entries[0] % nr == 0
    assert {toy.backing(page) for page in range(nr)} == {"C" if on else "S"}
    assert [toy.read(page) for page in range(nr)] == [page + 1 for page in range(nr)]


def test_a_large_folio_of_zeroes_is_marked_as_a_whole() -> None:
    """Zero pages take neither a slot nor a charge (SD-20)."""
    toy = VswapToy()
    toy.allow_order(2)
    toy.write(0, 0)
    toy.out(0, 4)

    assert [toy.backing(page) for page in range(4)] == ["Z"] * 4
    assert toy.v[toy.v.at.vm.swpout_zero] == 4
    assert toy.v[toy.v.at.mc[1].swap] == 0


def test_part_of_a_large_folio_can_go_before_the_rest() -> None:
    """A partly unmapped folio frees the entries that nobody names; the others stay."""
    toy = VswapToy()
    toy.allow_order(2)
    for page in range(4):
        toy.write(page, page + 1)
    toy.out(0, 4)
    first = toy.slot(0)
    toy.zap(1, 2)

    assert toy.entries() == [first, first + 3]
    assert (toy.read(0), toy.read(3)) == (1, 4)


def test_a_private_read_of_the_device_frees_the_entry() -> None:
    """A synchronous device with one user is read without the swap cache, and the entry goes (PF4, PF11)."""
    toy = VswapToy(synchronous_device=True)
    toy.write(0, "A")
    toy.to_device(0)
    assert toy.read(0) == "A"

    assert toy.entries() == []
    assert toy.v[toy.v.at.vm.nr_swapcached] == 0


def test_a_stored_page_is_never_read_privately() -> None:
    """Only an entry with a slot has a device that could be synchronous (PF3)."""
    toy = VswapToy(synchronous_device=True)
    toy.write(0, "A")
    toy.out(0)
    toy.run(toy.ops.read_page(mm=0, page=0))

    assert "swapcache_add" in toy.names()


def test_the_global_shrinker_moves_pages_to_the_device() -> None:
    """A full pool queues the worker, which takes slots one by one; page tables do not notice (S5)."""
    toy = VswapToy()
    for page in range(4):
        toy.write(page, page + 1)
    toy.out(0, 4)
    tables = [toy.slot(page) for page in range(4)]
    toy.run(toy.ops.set_param(name="max_pool_percent", value="0"))
    for _ in range(2):
        toy.run(toy.ops.shrink_worker())
        toy.finish_writes()

    assert {toy.backing(page) for page in range(4)} == {"S"}
    assert [toy.slot(page) for page in range(4)] == tables
    assert [toy.read(page) for page in range(4)] == [1, 2, 3, 4]


def test_a_full_pool_sends_pages_to_the_device() -> None:
    """What zswap refuses goes past it, newer pages before older ones (S5)."""
    toy = VswapToy()
    toy.write(0, "old")
    toy.out(0)
    toy.run(toy.ops.set_param(name="max_pool_percent", value="0"))
    toy.write(1, "new")
    toy.out(1)

    assert (toy.backing(0), toy.backing(1)) == ("C", "S")
    assert toy.v[toy.v.at.shrink_work].pending


@pytest.mark.parametrize("kernel", ["linux-6.18", "vswap-v6"])
def test_zswap_sees_the_same_as_without_virtual_swap(kernel: str) -> None:
    """Stored pages, charges and counters of zswap do not depend on what names the pages."""
    toy = Toy(kernel)
    for page in range(3):
        toy.write(page, page + 1)
    toy.out(0, 3)
    toy.read(1)
    toy.zap(2)
    held = toy.zswap_holds()

    assert (held["stored"], held["charged"], held["zswapped"]) == (1, [0, 1024, 0], [0, 1, 0])
    assert (toy.v[toy.v.at.vm.zswpout], toy.v[toy.v.at.vm.zswpin]) == (3, 1)
