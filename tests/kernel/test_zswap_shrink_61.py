"""Eviction in 6.1: the allocator picks a page, zswap writes its objects back."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.kernel.zbud import Zbud
from refmodel.kernel.zswap_shrink import ZBUD_RETRIES
from refmodel.machine import ChoicePoint
from tests.kernel.toy import Toy


def toy_with(pages: int, zpool: str = "zbud") -> Toy:
    """Return a system with pages of two processes in a pool, four pages each at most."""
    toy = Toy("linux-6.1", zpool=zpool)
    for number in range(pages):
        toy.write(number % 4, f"page {number}", mm=number // 4)
        toy.out(number % 4, mm=number // 4)
    return toy


def limit(toy: Toy, percent: int) -> None:
    """Let the pool have that share of the memory, which has 30 pages."""
    toy.run(toy.ops.set_param(name="max_pool_percent", value=str(percent)))


def queue(toy: Toy) -> None:
    """Let a store find the pool full, which queues the work."""
    limit(toy, 0)
    toy.write(3, "refused", mm=1)
    toy.out(3, mm=1)


def zbud_pool(toy: Toy) -> Zbud:
    """Return the pages of the pool."""
    pool = toy.v[toy.v.at.zs_class[1][0]]
    assert isinstance(pool, Zbud)
    return pool


def shrink(toy: Toy) -> None:
    """Run the queued work and let the device finish."""
    toy.run(toy.ops.shrink_worker())
    toy.finish_writes()


def test_the_least_recent_page_goes_with_both_its_objects() -> None:
    """First buddy before last; their bytes are on the device afterwards."""
    toy = toy_with(4)
    slots = [toy.slot(page) for page in range(4)]
    queue(toy)
    toy.run(toy.ops.shrink_worker())

    assert [fields["swp"] for name, fields in toy.events if name == "writeback"] == slots[:2]
    toy.finish_writes()
    assert [toy.v[toy.v.at.device[slot]] for slot in slots[:2]] == ["page 0", "page 1"]
    assert [bool(toy.v[toy.v.at.tree[slot]]) for slot in slots] == [False, False, True, True]
    assert toy.v[toy.v.at.pool_pages[1]] == 1
    assert toy.v[toy.v.at.zs.written_back_pages] == 2
    assert toy.v[toy.v.at.zs.reject_reclaim_fail] == 0
    assert [toy.read(page) for page in range(4)] == [f"page {page}" for page in range(4)]


def test_a_page_that_one_object_holds_is_put_back_and_another_is_tried() -> None:
    """The object's folio is in the swap cache: its page counts as the most recent one again."""
    toy = toy_with(4)
    toy.run(toy.ops.madvise_willneed(mm=0, page=0))
    queue(toy)
    shrink(toy)

    assert toy.v[toy.v.at.zs.written_back_pages] == 2
    assert zbud_pool(toy).lru == (0,)
    assert not any(page is not None and page.under_reclaim for page in zbud_pool(toy).pages)
    assert [bool(toy.v[toy.v.at.tree[toy.slot(page)]]) for page in range(4)] == [True, True, False, False]


def test_an_object_that_cannot_go_spares_the_other_one_of_its_page() -> None:
    """The page would stay anyway; only the second object is asked for when the first has gone."""
    toy = toy_with(2)
    toy.run(toy.ops.madvise_willneed(mm=0, page=1))
    queue(toy)
    toy.run(toy.ops.shrink_worker())

    answers = [fields["ret"] for name, fields in toy.events if name == "writeback"]
    assert answers == [0] + [-17] * ZBUD_RETRIES
    assert toy.v[toy.v.at.zs.reject_reclaim_fail] == 1


def test_after_eight_pages_the_worker_gives_up() -> None:
    """Nothing was evicted, one failure is counted, and the pool is as it was."""
    toy = toy_with(1)
    toy.run(toy.ops.madvise_willneed(mm=0, page=0))
    queue(toy)
    before = zbud_pool(toy)
    toy.run(toy.ops.shrink_worker())

    assert toy.names().count("writeback") == ZBUD_RETRIES
    assert zbud_pool(toy) == before
    assert toy.v[toy.v.at.zs.reject_reclaim_fail] == 1
    assert toy.v[toy.v.at.zs.written_back_pages] == 0
    work = toy.v[toy.v.at.shrink_work]
    assert (work.running, work.pending) == (False, False)
    assert toy.v[toy.v.at.pool_ref[1]] == 2


@pytest.mark.parametrize("fault", [choices.ALLOC_FOLIO])
def test_an_eviction_without_memory_leaves_the_entry(fault: ChoicePoint) -> None:
    """The next attempt takes the same page, for there is no other, and succeeds."""
    toy = toy_with(1)
    queue(toy)
    toy.fail(fault)
    toy.run(toy.ops.shrink_worker())

    assert [fields["ret"] for name, fields in toy.events if name == "writeback"] == [-12, 0]
    assert toy.v[toy.v.at.zs.stored_pages] == 0


def test_zsmalloc_cannot_evict() -> None:
    """A full pool of zsmalloc only counts the failure (H-9)."""
    toy = toy_with(2, zpool="zsmalloc")
    queue(toy)
    before = toy.zswap_holds()
    toy.run(toy.ops.shrink_worker())

    assert toy.v[toy.v.at.zs.reject_reclaim_fail] == 1
    assert toy.names() == ["worker_start", "worker"]
    assert toy.zswap_holds() == before | {"pool ref": before["pool ref"] - 1}


def test_a_pool_without_pages_has_none_to_evict() -> None:
    """The last entry went before the work ran."""
    toy = toy_with(1)
    queue(toy)
    toy.zap(0)
    toy.run(toy.ops.drain_slot_cache(cpu=0))
    shrink(toy)

    assert toy.v[toy.v.at.zs.reject_reclaim_fail] == 1


def test_the_oldest_pool_is_asked_and_each_has_work_of_its_own() -> None:
    """Two pools can be queued at a time; they run in the order of their queueing."""
    toy = toy_with(2)
    toy.run(toy.ops.set_compressor(value="zstd"))
    toy.write(2, "page 2")
    toy.out(2)
    queue(toy)
    assert toy.v[toy.v.at.pool_list] == (2, 1)
    assert toy.v[toy.v.at.shrink_work].pools == (1,)

    toy.run(toy.ops.set_compressor(value="lzo"))
    queue(toy)
    assert toy.v[toy.v.at.pool_list] == (1, 2)
    assert toy.v[toy.v.at.shrink_work].pools == (1, 2)
    shrink(toy)
    assert [toy.v[toy.v.at.pool_pages[pool]] for pool in (1, 2)] == [0, 1]
    shrink(toy)
    assert [toy.v[toy.v.at.pool_pages[pool]] for pool in (1, 2)] == [0, 0]
    assert not toy.v[toy.v.at.shrink_work].pending


def test_the_limit_is_judged_by_the_size_before_the_last_eviction() -> None:
    """The last object goes before its page does, and nobody looks again until the next store or free."""
    toy = toy_with(4)
    limit(toy, 4)
    toy.write(3, "refused", mm=1)
    toy.out(3, mm=1)
    assert toy.v[toy.v.at.zs.pool_limit_hit] == 1
    shrink(toy)

    assert toy.v[toy.v.at.pool_pages[1]] == 1
    assert toy.v[toy.v.at.pool_total_size] == 2
    toy.write(2, "refused too", mm=1)
    toy.out(2, mm=1)
    assert toy.v[toy.v.at.zs.pool_limit_hit] == 2
    shrink(toy)
    assert toy.v[toy.v.at.pool_total_size] == 1
    assert toy.v[toy.v.at.pool_pages[1]] == 0


def test_a_full_pool_accepts_again_below_the_threshold() -> None:
    """The shares are taken in another order than in later kernels: 90 % of 30 pages, then 19 % of that."""
    toy = toy_with(1)
    limit(toy, 19)
    toy.v[toy.v.at.reached_full] = True
    toy.v[toy.v.at.pool_total_size] = 5
    toy.write(1, "refused")
    toy.out(1)
    assert toy.v[toy.v.at.zs.stored_pages] == 1

    toy.v[toy.v.at.pool_total_size] = 4
    toy.write(2, "accepted")
    toy.out(2)
    assert toy.v[toy.v.at.zs.stored_pages] == 2
    assert not toy.v[toy.v.at.reached_full]
