"""Where an allocation may enter reclaim, and where it must not: who reclaims already does not reclaim for himself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from refmodel.kernel import choices
from refmodel.kernel.zswap_store import queue_shrink_work
from refmodel.machine import ChoicePoint, Operation
from refmodel.museum.z07_io_though_forbidden import CountsAnyway
from tests.kernel.toy import KERNELS, LRU_KERNELS, Toy


class Short(Toy):
    """A toy system in which some allocations run short, and reclaim what is named."""

    def __init__(self, kernel: str, **fixed: Any) -> None:
        """Build the system."""
        super().__init__(kernel, **fixed)
        self.turns: tuple[int, ...] = ()
        self.asked = 0
        self.victim: Any = None
        self.held: list[bool] = []

    def run_short(self, operation: Operation, *turns: int, victim: Any = None) -> Any:
        """Run an operation whose allocations of these turns (1 is the first) enter reclaim."""
        self.turns, self.asked, self.victim, self.held = turns, 0, victim, []
        return self.run(operation)

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer as the test wants."""
        if point == choices.RECLAIM:
            self.asked += 1
            short = self.asked in self.turns
            if short:
                self.held.append(self.v[self.v.at.hotplug_locked])
            return short
        if point == choices.VICTIM and self.victim is not None:
            assert options is not None
            return self.victim
        return super().choose(point, options)


def stored(kernel: str, **fixed: Any) -> Short:
    """Return a system with one page in zswap that has had its second chance, and one in memory."""
    toy = Short(kernel, **fixed)
    toy.write(0, "A")
    toy.out(0)
    toy.write(1, "B")
    if toy.v.ops.shrinker_scan:
        toy.run(toy.ops.set_param("shrinker_enabled", "1"))
        toy.run(toy.ops.shrinker_scan(memcg=1, nid=0, todo=1))
    return toy


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_fault_may_write_back_the_page_that_it_is_about_to_read(kernel: str) -> None:
    """Its folio runs short before the slot is claimed: the page is on the device by then, and is read from there."""
    toy = stored(kernel)

    assert toy.run_short(toy.ops.read_page(mm=0, page=0), 1, victim=(1, 0)) == "A"
    assert toy.v[toy.v.at.zs.written_back_pages] == 1


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_fault_that_has_claimed_the_slot_keeps_its_page_where_it_is(kernel: str) -> None:
    """Its charge runs short: reclaim meets the claim and leaves the entry alone (I-8)."""
    toy = stored(kernel)

    assert toy.run_short(toy.ops.read_page(mm=0, page=0), 2, victim=(1, 0)) == "A"
    assert toy.v[toy.v.at.zs.written_back_pages] == 0


@pytest.mark.parametrize("turn", [1, 2])
@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_the_worker_may_reclaim_for_the_folio_that_it_writes(kernel: str, turn: int) -> None:
    """A work queue's thread is not in reclaim; what it meets there may be the very entry that it is after."""
    toy = stored(kernel)
    queue_shrink_work(toy.v)
    toy.run(toy.ops.set_param("accept_threshold_percent", "0"))

    toy.run_short(toy.ops.shrink_worker(), turn, victim=(1, 0))
    assert toy.asked >= turn
    assert toy.v[toy.v.at.zs.written_back_pages] == 1
    assert toy.read(0) == "A"


def test_the_worker_of_6_1_may_reclaim_folios() -> None:
    """Its allocator picks the entry; nothing else writes entries back in that kernel."""
    toy = Short("linux-6.1", zpool="zbud")
    toy.write(0, "A")
    toy.out(0)
    toy.write(1, "B")
    toy.run(toy.ops.set_param("max_pool_percent", "0"))
    toy.write(2, "refused")
    toy.out(2)
    folio = toy.v[toy.v.at.pte[0][1]].folio

    toy.run_short(toy.ops.shrink_worker(), 1, victim=folio)
    toy.finish_writes()
    assert toy.v[toy.v.at.zs.written_back_pages] == 1
    assert toy.v[toy.v.at.pte[0][1]].slot
    assert [toy.read(0), toy.read(1)] == ["A", "B"]


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_store_and_what_it_shrinks_never_reclaim(kernel: str) -> None:
    """Who stores is in reclaim already (PF_MEMALLOC): its allocations fail instead."""
    toy = stored(kernel)
    toy.run(toy.ops.set_memcg(memcg=1, control="zswap.max", value="1"))

    toy.run_short(toy.ops.madvise_pageout(mm=0, page=1, nr=1), 1)
    assert "shrink_memcg" in toy.names()
    assert toy.asked == 0


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_the_dynamic_shrinker_never_reclaims(kernel: str) -> None:
    """It is called by reclaim."""
    toy = stored(kernel)

    toy.run_short(toy.ops.shrinker_scan(memcg=1, nid=0, todo=1), 1)
    assert toy.v[toy.v.at.zs.written_back_pages] == 1
    assert toy.asked == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_cpu_that_comes_may_reclaim_for_its_contexts(kernel: str) -> None:
    """A page is stored while the lock is held that keeps CPUs from coming and going."""
    toy = stored(kernel)
    toy.run(toy.ops.set_compressor(value="zstd"))
    toy.run(toy.ops.cpu_offline(cpu=1))
    for place in (toy.v.at.acomp_ctx[pool][1] for pool in (1, 2)):
        toy.v[place] = type(toy.v[place])()
    folio = toy.v[toy.v.at.pte[0][1]].folio

    assert toy.run_short(toy.ops.cpu_online(cpu=1), 1, victim=folio) == 0
    assert toy.held == [True]
    assert "compress" in toy.names()
    assert all(toy.v[toy.v.at.acomp_ctx[pool][1]].present for pool in (1, 2))


@pytest.mark.parametrize(("turn", "held"), [(1, False), (2, True), (3, True)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_whoever_creates_a_pool_may_reclaim_for_its_parts(kernel: str, turn: int, held: bool) -> None:
    """First for the pool itself, then for the context of each CPU, while no CPU can come or go."""
    toy = stored(kernel)
    folio = toy.v[toy.v.at.pte[0][1]].folio

    assert toy.run_short(toy.ops.set_compressor(value="zstd"), turn, victim=folio) == 0
    assert toy.held == [held]
    assert "compress" in toy.names()
    assert toy.v[toy.v.at.pool_list] == (2, 1)
    assert not toy.v[toy.v.at.hotplug_locked]


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_allocation_that_forbids_io_starts_none(kernel: str) -> None:
    """Folios stay where they are, and the shrinker has nothing to do (Z07)."""
    toy = stored(kernel)
    before = toy.v.snapshot()

    toy.run(toy.ops.direct_reclaim(gfp_has_io_fs=False))
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_that_an_allocation_forbids_io_is_for_the_shrinker_to_see(kernel: str) -> None:
    """With one that does not look the entry is written back."""
    toy = stored(kernel)
    toy.v.ops = attrs.evolve(toy.v.ops, shrinker_count=CountsAnyway)

    toy.run(toy.ops.direct_reclaim(gfp_has_io_fs=False))
    assert toy.v[toy.v.at.zs.written_back_pages] == 1
