"""Making room: second chances, budgets, failures, the worker and the dynamic shrinker."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.shrink_decisions import SHRINK_STOP
from refmodel.kernel.zswap_entry import live_entry
from refmodel.machine import ChoicePoint, evolve
from tests.kernel.toy import LENGTH, LRU_KERNELS, Toy

BUDGET = {"linux-6.12": 1, "linux-6.18": 1, "linux-7.3": 32}


def stored(kernel: str, pages: int = 3) -> Toy:
    """Return a system with some pages of process 0 in zswap."""
    toy = Toy(kernel)
    for page in range(pages):
        toy.write(page, f"page {page}")
    toy.out(0, pages)
    return toy


def marks(toy: Toy) -> list[bool]:
    """Return the second-chance marks along the list of the first node."""
    return [live_entry(toy.v, entry).referenced for entry in toy.v[toy.v.at.lru[1][0]]]


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_every_entry_survives_its_first_visit(kernel: str) -> None:
    """A visit takes the mark away; only an unmarked entry is written back (ZS-23)."""
    toy = stored(kernel, pages=1)

    assert toy.run(toy.ops.shrink_memcg(memcg=1)) == -errno.EAGAIN
    assert marks(toy) == [False]
    assert toy.run(toy.ops.shrink_memcg(memcg=1)) == 0
    assert toy.v[toy.v.at.zs.written_back_pages] == 1


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_the_budget_decides_how_far_one_shrink_gets(kernel: str) -> None:
    """6.12 and 6.18 visit one entry, 7.3 up to 32: enough to come round to unmarked ones."""
    toy = stored(kernel)
    answer = toy.run(toy.ops.shrink_memcg(memcg=1))

    if BUDGET[kernel] == 1:
        assert answer == -errno.EAGAIN
        assert marks(toy) == [True, True, False]
    else:
        assert answer == 0
        assert toy.v[toy.v.at.zs.written_back_pages] == 3


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_written_back_page_is_on_the_device_and_nowhere_else(kernel: str) -> None:
    """The entry is freed, the bytes are on the device, counters moved once (ZS-30)."""
    toy = stored(kernel, pages=1)
    slot = toy.slot(0)
    for _ in range(2):
        toy.run(toy.ops.shrink_memcg(memcg=1))
    toy.finish_writes()

    assert toy.v[toy.v.at.device[slot]] == "page 0"
    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.vm.zswpwb] == toy.v[toy.v.at.vm.pswpout] == 1
    assert toy.read(0) == "page 0"


FAILURES = [(kernel, choices.ALLOC_FOLIO) for kernel in LRU_KERNELS]
FAILURES += [(kernel, choices.DECOMPRESS) for kernel in ("linux-6.18", "linux-7.3")]


@pytest.mark.parametrize(("kernel", "fault"), FAILURES)
def test_a_failed_writeback_leaves_the_entry(kernel: str, fault: ChoicePoint) -> None:
    """The entry stays in tree and list; the folio that was to be written is gone (ZS-22)."""
    toy = stored(kernel, pages=1)
    before, slot = toy.zswap_holds(), toy.slot(0)
    entry = toy.v[toy.v.at.tree[slot]]
    toy.fail(fault)

    assert toy.run(toy.ops.zswap_writeback_entry(entry=entry, slot=slot)) in (-errno.ENOMEM, -errno.EIO)
    assert toy.zswap_holds() == before
    assert toy.v[toy.v.at.swap_cache[slot]] == 0
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_refused_writeback_is_counted_and_tried_again_within_the_budget(kernel: str) -> None:
    """A retry starts again at the head; with a budget of one there is no second try."""
    toy = stored(kernel, pages=1)
    toy.run(toy.ops.shrink_memcg(memcg=1))
    toy.fail(choices.ALLOC_FOLIO)

    assert toy.run(toy.ops.shrink_memcg(memcg=1)) == (-errno.EAGAIN if BUDGET[kernel] == 1 else 0)
    assert toy.v[toy.v.at.zs.reject_reclaim_fail] == 1


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_an_entry_that_is_being_swapped_in_is_left_alone(kernel: str) -> None:
    """The slot's folio exists: -EEXIST, and the dynamic shrinker stops (I-5)."""
    toy = stored(kernel, pages=1)
    entry = toy.v[toy.v.at.tree[toy.slot(0)]]
    slot = toy.slot(0)
    toy.v[toy.v.at.slot[slot]] = evolve(toy.v[toy.v.at.slot[slot]], cache=True)
    toy.v[toy.v.at.swap_cache[slot]] = 1

    assert toy.run(toy.ops.zswap_writeback_entry(entry=entry, slot=slot)) == -errno.EEXIST


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_slot_that_was_reused_keeps_the_newer_entry(kernel: str) -> None:
    """The tree names another entry than the one that was picked: back out (Z01, Z02, I-3)."""
    toy = stored(kernel, pages=2)
    stale = toy.v[toy.v.at.tree[toy.slot(1)]]
    slot = toy.slot(0)
    before = toy.zswap_holds()

    assert toy.run(toy.ops.zswap_writeback_entry(entry=stale, slot=slot)) == -errno.ENOMEM
    assert toy.zswap_holds() == before
    assert toy.v[toy.v.at.swap_cache[slot]] == 0
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_cgroup_that_forbids_writeback_is_not_shrunk(kernel: str) -> None:
    """memory.zswap.writeback = 0, also of an ancestor: nothing to do."""
    toy = stored(kernel)
    toy.v[toy.v.at.memcg[0]] = evolve(toy.v[toy.v.at.memcg[0]], zswap_writeback=False)

    assert toy.run(toy.ops.shrink_memcg(memcg=1)) == -errno.ENOENT
    assert marks(toy) == [True, True, True]


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_store_over_the_cgroup_limit_shrinks_that_cgroup_first(kernel: str) -> None:
    """One shrink, no second look at the limit: usage may end above it (H-4, Z26)."""
    toy = stored(kernel)
    toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], zswap_max=0)
    toy.write(3, "page 3")
    toy.out(3)

    held = toy.zswap_holds()
    if BUDGET[kernel] == 1:
        assert toy.v[toy.v.at.vm.pswpout] == 1
        assert len(held["tree"]) == 3
    else:
        assert held["tree"] == [toy.slot(3)]
        assert held["charged"][1] == LENGTH


class TestWorker:
    """The global shrinker (ZS-25)."""

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_it_gives_up_after_sixteen_failures(self, kernel: str) -> None:
        """Nothing to write back anywhere: sixteen passes over the tree, then it ends."""
        toy = Toy(kernel)
        toy.v[toy.v.at.pool_pages[1]] = 1000
        toy.run(toy.ops.shrink_worker())

        assert toy.names().count("shrink_memcg") == 16 * 3
        assert toy.v[toy.v.at.shrink_work].running is False

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_it_writes_back_until_the_threshold(self, kernel: str) -> None:
        """It goes on while the pools are above the accept threshold, whatever that takes."""
        toy = stored(kernel)
        toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], max_pool_percent=1)
        toy.run(toy.ops.shrink_worker())

        assert toy.v[toy.v.at.pool_pages[1]] == 0
        assert toy.zswap_holds()["tree"] == []

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_an_offline_cgroup_is_skipped_without_counting(self, kernel: str) -> None:
        """The cursor never rests on an offline cgroup, and it is no failure (Z20)."""
        toy = stored(kernel)
        toy.v[toy.v.at.memcg[2]] = evolve(toy.v[toy.v.at.memcg[2]], online=False)
        toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], max_pool_percent=1)
        toy.run(toy.ops.shrink_worker())

        assert toy.zswap_holds()["tree"] == []
        assert ("shrink_memcg", 2) not in [(name, fields.get("memcg")) for name, fields in toy.events]


class TestDynamicShrinker:
    """Memory pressure: counting with protection, scanning (ZS-26)."""

    def count(self, toy: Toy) -> int:
        """Ask the shrinker how many entries of the first cgroup's list are worth a try."""
        return int(toy.run(toy.ops.shrinker_count(memcg=1, nid=0)))

    def pressed(self, kernel: str) -> Toy:
        """Return a system with the shrinker switched on."""
        toy = stored(kernel)
        toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], shrinker_enabled=True)
        return toy

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_the_count_is_scaled_by_what_is_saved(self, kernel: str) -> None:
        """Three entries of 1024 bytes save no whole page yet; of 4096 bytes they save three."""
        toy = self.pressed(kernel)
        assert self.count(toy) == 0
        toy.v[toy.v.at.mc[1].zswap] = 3 * 4096
        assert self.count(toy) == 3

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_each_disk_swap_in_spares_one_entry_once(self, kernel: str) -> None:
        """What was consumed is subtracted in the same step."""
        toy = self.pressed(kernel)
        toy.v[toy.v.at.mc[1].zswap] = 3 * 4096
        toy.v[toy.v.at.nr_disk_swapins[1][0]] = 5

        assert [self.count(toy), self.count(toy), self.count(toy)] == [0, 1, 3]
        assert toy.v[toy.v.at.nr_disk_swapins[1][0]] == 0

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_it_does_nothing_where_io_is_not_allowed(self, kernel: str) -> None:
        """An allocation that forbids I/O must not enter writeback (Z07)."""
        toy = self.pressed(kernel)
        toy.v[toy.v.at.mc[1].zswap] = 3 * 4096

        assert toy.run(toy.ops.shrinker_count(memcg=1, nid=0, io_allowed=False)) == 0

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_a_scan_that_frees_nothing_asks_to_stop(self, kernel: str) -> None:
        """The first scan only takes marks away; the second writes back."""
        toy = self.pressed(kernel)

        assert toy.run(toy.ops.shrinker_scan(memcg=1, nid=0, todo=3)) == SHRINK_STOP
        assert toy.run(toy.ops.shrinker_scan(memcg=1, nid=0, todo=3)) == 3
