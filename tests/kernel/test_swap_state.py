"""Claiming a slot for reading, and leaving the swap cache while others look."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

import pytest

from refmodel.kernel import choices
from refmodel.machine import ChoicePoint, Execution
from tests.kernel.toy import KERNELS, LRU_KERNELS, Toy

MARKED_FIRST = KERNELS[:3]
"""Kernels in which a slot can be marked as cached while no folio shows."""


def swapped(kernel: str, **fixed: Any) -> Toy:
    """Return a system with one page in zswap."""
    toy = Toy(kernel, **fixed)
    toy.write(0, "A")
    toy.out(0)
    return toy


def claim(toy: Toy, **arguments: Any) -> Execution:
    """Start to claim the slot of the page."""
    return Execution(toy.ops.swap_cache_alloc_folio(slot=toy.slot(0), nodes=(0,), **arguments))


@pytest.mark.parametrize("kernel", KERNELS)
def test_of_two_claims_one_gets_the_slot(kernel: str) -> None:
    """Both have looked and allocated; the second finds the folio of the first."""
    toy = swapped(kernel)
    first, second = claim(toy), claim(toy)
    for each in (first, second):
        toy.until(each, "insert" if kernel == "linux-7.3" else "prepare")

    number = toy.finish(first)
    assert toy.v[toy.v.at.swap_cache[toy.slot(0)]] == number
    assert (toy.folio(number).locked, toy.folio(number).refs) == (True, 1)
    assert toy.finish(second) == -errno.EEXIST


@pytest.mark.parametrize("kernel", MARKED_FIRST)
def test_a_slot_that_is_marked_and_shows_no_folio_is_waited_for(kernel: str) -> None:
    toy = swapped(kernel)
    first, second = claim(toy), claim(toy)
    toy.until(first, "insert")

    assert not second.advance(toy.v)
    toy.finish(first)
    assert toy.finish(second) == -errno.EEXIST


@pytest.mark.parametrize("kernel", MARKED_FIRST)
def test_who_must_not_wait_gives_up_at_a_marked_slot(kernel: str) -> None:
    """Writeback inside reclaim may meet the mark of its own task (I-7, I-8)."""
    toy = swapped(kernel)
    toy.until(claim(toy), "insert")

    assert toy.finish(claim(toy, skip_if_exists=True)) == -errno.EBUSY


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_a_claim_without_memory_for_its_place_gives_the_mark_back(kernel: str) -> None:
    toy = swapped(kernel)
    toy.fail(choices.ADD_TO_SWAP_CACHE)

    assert toy.run(toy.ops.swap_cache_alloc_folio(slot=toy.slot(0), nodes=(0,))) == -errno.EAGAIN
    assert not toy.v[toy.v.at.slot[toy.slot(0)]].cache
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_slot_that_was_freed_meanwhile_cannot_be_claimed(kernel: str) -> None:
    toy = swapped(kernel)
    late = claim(toy)
    toy.until(late, "insert" if kernel == "linux-7.3" else "prepare")
    toy.zap(0)

    assert toy.finish(late) == -errno.ENOENT
    assert toy.v[toy.v.at.folios_used] == 1


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_charge_may_reclaim_the_very_slot(kernel: str) -> None:
    """Reclaim inside the swap-in visits the entry of the slot and leaves it alone (I-8)."""
    toy = swapped(kernel)
    toy.run(toy.ops.set_param("shrinker_enabled", "1"))
    toy.run(toy.ops.shrinker_scan(memcg=1, nid=0, todo=1))
    assert toy.v[toy.v.at.tree[toy.slot(0)]]

    def reclaims(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        assert options is not None
        return options[-1] if point in (choices.RECLAIM, choices.VICTIM) else options[0]

    toy.v.choose = reclaims
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_folio_that_somebody_has_found_stays_in_the_cache(kernel: str) -> None:
    """A fault has found it while it was written out; reclaim does not take it from under the fault."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.write(1, "B")
    reclaim = Execution(toy.ops.shrink_folio(folio=1))
    toy.until(reclaim, "pageout")
    reclaim.advance(toy.v)
    fault = Execution(toy.ops.read_page(mm=0, page=0))
    toy.until(fault, "lock_folio")
    assert not fault.advance(toy.v)
    toy.finish(reclaim)

    assert toy.v[toy.v.at.swap_cache[toy.slot(0)]] == 1
    assert toy.finish(fault) == "A"
    assert toy.folio(1).refs == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_folio_that_a_fault_waits_for_is_not_written(kernel: str) -> None:
    """Whoever has a reference before the write begins keeps the page in memory."""
    toy = Toy(kernel)
    toy.write(0, "A")
    reclaim = Execution(toy.ops.shrink_folio(folio=1))
    toy.until(reclaim, "pageout")
    fault = Execution(toy.ops.read_page(mm=0, page=0))
    toy.until(fault, "lock_folio")
    assert not fault.advance(toy.v)
    toy.finish(reclaim)

    assert toy.v[toy.v.at.zs.stored_pages] == 0
    assert toy.finish(fault) == "A"
