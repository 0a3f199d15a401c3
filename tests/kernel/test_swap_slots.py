"""Swap slots: handing out, sharing, and when a freed slot is really free."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.kernel.state import FREE_SLOT
from refmodel.kernel.swap_slots import FreeRuns
from refmodel.machine import evolve
from tests.kernel.toy import KERNELS, Toy

CACHING = ("linux-6.1", "linux-6.12")
IMMEDIATE = ("linux-6.18", "linux-7.3")


def swapped(kernel: str, pages: int = 1) -> Toy:
    """Return a system with some pages swapped out."""
    toy = Toy(kernel)
    for page in range(pages):
        toy.write(page, f"page {page}")
    toy.out(0, pages)
    return toy


def usage(toy: Toy) -> int:
    """Return what the first cgroup is charged for slots."""
    return toy.v[toy.v.at.mc[1].swap]


class TestFreeRuns:
    """What an allocation may get."""

    def test_the_lowest_and_the_highest_run_are_offered(self) -> None:
        """Runs are alike for the model: two suffice, one where there is only one."""
        toy = Toy("linux-7.3")
        runs = FreeRuns(toy.v, 1)

        assert list(runs) == [1, 11]
        assert runs

    def test_any_free_run_may_be_handed_out(self) -> None:
        """A recorded kernel's choice is checked against all runs."""
        runs = FreeRuns(Toy("linux-7.3").v, 1)

        assert 5 in runs
        assert 0 not in runs
        assert 12 not in runs

    def test_runs_of_a_large_folio_are_aligned(self) -> None:
        """Four slots begin at a multiple of four."""
        runs = FreeRuns(Toy("linux-7.3").v, 4)

        assert list(runs) == [4, 8]
        assert 5 not in runs

    def test_a_slot_in_use_is_in_no_run(self) -> None:
        """A used slot ends every run that would contain it."""
        toy = swapped("linux-7.3")

        assert toy.slot(0) == 1
        assert 1 not in FreeRuns(toy.v, 1)

    def test_a_full_device_has_no_run(self) -> None:
        """Then a swap-out fails and the page stays in memory."""
        toy = Toy("linux-7.3")
        for place in toy.v.at.slot:
            toy.v[place] = evolve(FREE_SLOT, count=1)
        toy.write(0, "A")
        toy.out(0)

        assert not FreeRuns(toy.v, 1)
        assert toy.slot(0) == 0
        assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_failed_allocation_leaves_the_page_in_memory(kernel: str) -> None:
    """No slot, no charge, no swap cache."""
    toy = Toy(kernel)
    toy.fail(choices.ALLOC_SLOT)
    toy.write(0, "A")
    toy.out(0)

    assert (toy.slot(0), usage(toy)) == (0, 0)
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", CACHING)
def test_a_failed_insertion_gives_the_slot_back(kernel: str) -> None:
    """The swap cache has no node: the slot goes the way of a freed slot, the page stays in memory."""
    toy = Toy(kernel)
    toy.fail(choices.ADD_TO_SWAP_CACHE)
    toy.write(0, "A")
    toy.out(0)

    assert toy.slot(0) == 0
    assert toy.v[toy.v.at.slot_cache[0]] == (1,)
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_swap_limit_of_a_cgroup_refuses_slots(kernel: str) -> None:
    """memory.swap.max counts every slot, also those whose pages zswap holds (6.12 and later alike)."""
    toy = Toy(kernel)
    toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], swap_max=1)
    toy.write(0, "A")
    toy.write(1, "B")
    toy.out(0, 2)

    assert toy.slot(0)
    assert not toy.slot(1)
    assert usage(toy) == 1
    assert (toy.read(0), toy.read(1)) == ("A", "B")


@pytest.mark.parametrize(
    ("kernel", "events"),
    [
        ("linux-6.1", ["slot_alloc"]),
        ("linux-6.12", ["invalidate", "slot_alloc"]),
        ("linux-6.18", ["slot_free", "invalidate", "slot_alloc"]),
        ("linux-7.3", ["swapcache_del", "slot_free", "invalidate", "slot_alloc"]),
    ],
)
def test_a_slot_over_the_limit_is_taken_and_given_back(kernel: str, events: list[str]) -> None:
    """The slot comes first, its charge second; who asked for one hears that there is none."""
    toy = Toy(kernel)
    toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], swap_max=0)
    toy.write(0, "A")
    toy.out(0)

    assert toy.names() == events
    assert toy.events[-1] == ("slot_alloc", {"swp": 0, "ret": -12})
    assert toy.v[toy.v.at.slot_cache[0]] == ((1,) if kernel in CACHING else ())


@pytest.mark.parametrize("kernel", IMMEDIATE)
def test_a_freed_slot_is_free_at_once(kernel: str) -> None:
    """Slot, charge and zswap copy go together."""
    toy = swapped(kernel)
    slot = toy.slot(0)
    toy.zap(0)

    assert toy.v[toy.v.at.slot[slot]] == FREE_SLOT
    assert usage(toy) == 0
    assert toy.zswap_holds()["tree"] == []


@pytest.mark.parametrize("kernel", CACHING)
def test_a_freed_slot_waits_in_the_cache_of_its_cpu(kernel: str) -> None:
    """It stays marked and charged; 6.12 drops the zswap copy now, 6.1 at the flush."""
    toy = swapped(kernel)
    slot = toy.slot(0)
    toy.zap(0)

    assert toy.v[toy.v.at.slot_cache[0]] == (slot,)
    assert toy.v[toy.v.at.slot[slot]].cache
    assert usage(toy) == 1
    assert bool(toy.zswap_holds()["tree"]) == (kernel == "linux-6.1")


@pytest.mark.parametrize("kernel", CACHING)
def test_the_cache_is_flushed_by_the_slot_that_finds_it_full(kernel: str) -> None:
    """The slot after the last that has room frees those before it and waits alone; only 6.1 tells zswap now."""
    toy = swapped(kernel)
    slot = toy.slot(0)
    toy.v[toy.v.at.slot_cache[0]] = tuple([slot] + [0] * (toy.v.cfg.sizes.slot_cache - 1))
    toy.v[toy.v.at.slot[slot]] = evolve(toy.v[toy.v.at.slot[slot]], count=0, cache=True)
    toy.run(toy.ops.free_swap_slot(slot=9))

    assert toy.v[toy.v.at.slot_cache[0]] == (9,)
    assert toy.v[toy.v.at.slot[slot]] == FREE_SLOT
    assert bool(toy.zswap_holds()["tree"]) == (kernel == "linux-6.12")


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_shared_slot_lives_until_its_last_owner_lets_go(kernel: str) -> None:
    """A fork takes a reference to every slot."""
    toy = swapped(kernel)
    slot = toy.slot(0)
    toy.run(toy.ops.fork(process=0))
    assert toy.v[toy.v.at.slot[slot]].count == 2
    toy.zap(0)

    assert toy.v[toy.v.at.slot[slot]].count == 1
    assert toy.run(toy.ops.read_page(mm=2, page=0)) == "page 0"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_run_of_slots_is_dropped_together(kernel: str) -> None:
    """Consecutive entries with consecutive slots: freed as one run where the kernel has runs."""
    toy = swapped(kernel, pages=3)
    toy.zap(0, 3)
    freed = [fields["nr"] for name, fields in toy.events if name == "slot_free"]

    assert freed == ([] if kernel == "linux-6.1" else [3])
    assert all(toy.slot(page) == 0 for page in range(3))
