"""Failed operations leave a descriptor as it was: type, counts, slots, charges, ids (SD-22)."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from refmodel.kernel import choices
from refmodel.kernel.swap_fault import RETRY
from refmodel.kernel.vswap_io import VswapDoSwapPage
from refmodel.machine import ChoicePoint, Execution, WouldBlock, evolve
from tests.kernel.vswap_toy import VswapToy


def held(toy: VswapToy) -> dict[str, Any]:
    """Return everything that an operation on descriptors takes and a failed one must give back."""
    v, at = toy.v, toy.v.at
    return {
        "descriptors": [
            (v[at.slot[entry]], v[at.vswap.physical[entry]], v[at.zeromap[entry]], v[at.tree[entry]])
            for entry in range(len(at.slot))
        ],
        "clusters": [v[place] for place in at.vswap.cluster],
        "slots": (v[at.vswap.allocated], v[at.si].free, [v[place] for place in at.vswap.rmap]),
        "charges": [v[counters.swap] for counters in at.mc],
        "ids": [v[place] for place in at.vswap.id_refs],
        "used": v[at.vswap.used],
        "zswap": toy.zswap_holds(),
        "page tables": [v[place] for row in at.pte for place in row],
    }


def test_alloc_swap_takes_nothing_when_it_fails() -> None:
    """AL7: without a cluster everything is as before."""
    toy = VswapToy()
    toy.write(0, "A")
    before = held(toy)
    toy.fail(choices.ALLOC_CLUSTER)
    toy.out(0)

    assert toy.failing == {}
    assert held(toy) == before


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (choices.ALLOC_FOLIO, -errno.ENOMEM),
        (choices.ALLOC_SLOT, -errno.ENOMEM),
        (choices.DECOMPRESS, -errno.EIO),
    ],
    ids=lambda value: value.name if isinstance(value, ChoicePoint) else None,
)
def test_a_failed_writeback_changes_nothing(point: ChoicePoint, expected: int) -> None:
    """ZW: whatever fails, the entry is stored as before, and the page can be read."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    before = held(toy)
    toy.fail(point)

    assert toy.write_back(0) == expected
    assert toy.failing == {}
    assert held(toy) == before
    assert toy.read(0) == "A"


def test_a_writeback_over_the_swap_limit_changes_nothing() -> None:
    """PS4: the slot that was taken goes back when the cgroup may not have it (J-21)."""
    toy = VswapToy()
    toy.memcg(1, swap_max=0)
    toy.write(0, "A")
    toy.out(0)
    before = held(toy)

    assert toy.write_back(0) == -errno.ENOMEM
    assert held(toy) == before
    assert toy.v[toy.v.at.mc[1].swap] == 0


def test_a_writeback_leaves_a_page_alone_that_is_being_swapped_in() -> None:
    """ZW2: a folio in the swap cache wins (J-2)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    stored = toy.descriptor(0)
    toy.fail(choices.DECOMPRESS)
    toy.willneed(0)
    before = held(toy)

    assert toy.descriptor(0).zswap == stored.zswap
    assert toy.write_back(0) == -errno.EEXIST
    assert held(toy) == before


def test_a_writeback_of_a_stale_entry_touches_nothing() -> None:
    """ZW3: the descriptor points to another entry by now (J-4), or nobody names it (J-3)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    stored = toy.descriptor(0)
    toy.write(1, "B")
    toy.out(1)
    before = held(toy)
    other = toy.descriptor(1).zswap

    stale = toy.ops.zswap_writeback_entry(entry=other, slot=stored.entry)
    assert toy.run(stale) == -errno.ENOMEM
    assert held(toy) == before

    toy.zap(0)
    before = held(toy)
    gone = toy.ops.zswap_writeback_entry(entry=stored.zswap, slot=stored.entry)
    assert toy.run(gone) == -errno.ENOMEM
    assert held(toy) == before


@pytest.mark.parametrize("reason", ["no slot", "limit", "forbidden"])
def test_a_page_that_can_go_nowhere_stays_as_it_is(reason: str) -> None:
    """WO6, WO7: the folio keeps its entry, is dirty and in memory, and can be tried again."""
    toy = VswapToy(device_slots=0 if reason == "no slot" else None)
    toy.memcg(1, swap_max=0 if reason == "limit" else None, zswap_writeback=reason != "forbidden")
    toy.write(0, "A")
    toy.fail(choices.ALLOC_ENTRY)
    toy.out(0)
    before = held(toy)
    found = toy.descriptor(0)
    assert (found.backing, found.count, found.cached) == ("F", 1, True)

    toy.fail(choices.ALLOC_ENTRY)
    toy.reclaim(found.folio)
    assert held(toy) == before
    toy.reclaim(found.folio)
    assert toy.backing(0) == "C"
    assert toy.read(0) == "A"


def test_a_partial_store_ends_with_all_pages_in_memory() -> None:
    """ZS5, the documented exception: stored pages and old slots are given up together (J-12, G9)."""
    toy = VswapToy()
    toy.allow_order(2)
    for page, content in enumerate("ABCD"):
        toy.write(page, content)
    toy.fail(choices.DISK_WRITE)
    toy.to_device(0, 4)
    folio = toy.descriptor(0).folio
    assert toy.v[toy.v.at.mc[1].swap] == 4
    toy.fail(choices.ALLOC_ENTRY, nth=3)
    toy.fail(choices.ALLOC_SLOT)
    toy.reclaim(folio)

    assert [toy.backing(page) for page in range(4)] == ["F"] * 4
    assert toy.v[toy.v.at.mc[1].swap] == 0
    assert toy.zswap_holds()["stored"] == 0
    assert [toy.read(page) for page in range(4)] == list("ABCD")


@pytest.mark.parametrize(
    ("point", "times", "expected"),
    [(choices.ALLOC_FOLIO, 2, -errno.ENOMEM), (choices.SIGNAL, 1, -errno.EINTR)],
    ids=["no memory", "signal"],
)
def test_a_failed_swapoff_puts_the_device_back(point: ChoicePoint, times: int, expected: int) -> None:
    """SO: what was not brought in is on the device as before, and the device serves again."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.to_device(0)
    before = held(toy)
    answers = [True] * times
    toy.v.choose = lambda asked, options: (
        answers.pop() if asked is point and answers else toy.choose(asked, options)
    )

    assert toy.run(toy.ops.swapoff()) == expected
    assert answers == []
    assert toy.v[toy.v.at.si].on
    assert toy.backing(0) == "S"
    if point is choices.ALLOC_FOLIO:
        assert held(toy) == before
    assert toy.read(0) == "A"


def test_a_fault_that_backs_out_leaves_the_entry() -> None:
    """A fault that finds its page table changed unpins the cluster and leaves the page in the cache."""
    toy = VswapToy(synchronous_device=True)
    toy.write(0, "A")
    toy.to_device(0)
    before = held(toy)
    toy.fail(choices.FAULT_RETRY)
    fault = toy.ops.do_swap_page(mm=0, page=0, write=False)

    assert toy.run(fault) == "retry"
    assert held(toy) == before
    assert toy.v[toy.v.at.folios_used] == 1
    assert toy.read(0) == "A"


def test_a_fault_without_memory_leaves_the_entry() -> None:
    """No folio: the pin goes, the entry stays."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    before = held(toy)
    toy.fail(choices.ALLOC_FOLIO)

    assert toy.read(0) == "out of memory"
    assert held(toy) == before


def test_a_page_that_cannot_be_decompressed_is_not_lost() -> None:
    """ZL: the reader gets SIGBUS, the entry stays stored."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    toy.fail(choices.DECOMPRESS)

    assert toy.read(0) == "SIGBUS"
    found = toy.descriptor(0)
    assert (found.backing, found.count, found.cached) == ("C", 1, True)


def test_a_private_fault_looks_again_when_the_backing_changed() -> None:
    """PF4b: only an entry on the device is read without the swap cache."""
    toy = VswapToy(synchronous_device=True)
    toy.write(0, "A")
    toy.to_device(0)
    fault = VswapDoSwapPage(mm=0, page=0, write=False)
    private = Execution(fault)
    toy.until(private, "prepare")
    assert fault.direct
    toy.run(toy.ops.swapoff())

    toy.until(private, "nothing")
    assert private.value == RETRY
    assert toy.read(0) == "A"


def test_a_slot_that_is_handed_out_and_unnamed_is_waited_for() -> None:
    """SO3: between PS3 and PS6 swapoff cannot know the owner (J-5)."""
    toy = VswapToy()
    toy.v[toy.v.at.vswap.allocated] |= 1 << 3
    toy.v[toy.v.at.si] = evolve(toy.v[toy.v.at.si], free=toy.v[toy.v.at.si].free - 1)

    with pytest.raises(WouldBlock, match="the owner of slot 3"):
        toy.run(toy.ops.swapoff())


def test_a_slot_is_freed_once() -> None:
    """A double free of a physical slot is an error of the model (SD-12)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.to_device(0)
    toy.v[toy.v.at.vswap.allocated] = 1

    with pytest.raises(LookupError, match="swap slot 1 of virtual entry 1: freed although it is free"):
        toy.zap(0)


def test_a_freed_cluster_is_not_used() -> None:
    """A use after free of a cluster is an error of the model."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.out(0)
    toy.v[toy.v.at.vswap.cluster[0]] = None

    with pytest.raises(LookupError, match="vswap cluster 0: used after it was freed"):
        toy.read(0)
