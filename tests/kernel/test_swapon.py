"""The swap device comes and goes: everything on it comes back, or the device stays."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.state import FREE_SLOT, Pte
from refmodel.kernel.swap_fault import SIGBUS
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import ChoicePoint, Execution, WouldBlock, evolve
from tests.kernel.toy import KERNELS, LARGE_FOLIO_KERNELS, Toy

SLOT_CACHE_KERNELS = KERNELS[:2]


def mixed(kernel: str) -> Toy:
    """Return a system with pages in zswap, on the device, full of zeroes, and shared with a child."""
    toy = Toy(kernel)
    for page in range(3):
        toy.write(page, ("page 0", ZERO_PAGE, "page 2")[page])
    toy.run(toy.ops.fork(process=0))
    toy.write(0, "other 0", mm=1)
    toy.out(0, mm=1)
    toy.run(toy.ops.set_param(name="enabled", value="N"))
    toy.write(1, "other 1", mm=1)
    toy.out(1, mm=1)
    reclaim(toy)
    toy.run(toy.ops.set_param(name="enabled", value="Y"))
    return toy


def reclaim(toy: Toy) -> None:
    """Page out the folios of process 0, which its child maps too; leave the last one in the swap cache."""
    folios = [toy.v[place].folio for place in toy.v.at.pte[0]]
    for number in folios[:3]:
        toy.run(toy.ops.shrink_folio(folio=number))
    toy.finish_writes()
    for number in folios[:2]:
        if toy.v[toy.v.at.folio[number]] is not None:
            toy.run(toy.ops.shrink_folio(folio=number))


def contents(toy: Toy) -> list[object]:
    """Read the pages of the mixed system."""
    return [toy.read(page, mm) for mm in (0, 2) for page in range(3)] + [
        toy.read(page, 1) for page in range(2)
    ]


EXPECTED = ["page 0", ZERO_PAGE, "page 2"] * 2 + ["other 0", "other 1"]


@pytest.mark.parametrize("kernel", KERNELS)
def test_everything_comes_back_into_memory(kernel: str) -> None:
    """After swapoff no slot is in use, zswap holds nothing, and every page has its content."""
    toy = mixed(kernel)
    assert toy.slot(0)
    assert toy.slot(0, mm=1)

    assert toy.run(toy.ops.swapoff()) == 0
    assert all(toy.v[place] == FREE_SLOT for place in toy.v.at.slot)
    assert toy.v[toy.v.at.si].free == toy.v[toy.v.at.si].size
    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.objects_used] == toy.v[toy.v.at.entries_used] == 1
    assert toy.v[toy.v.at.vm.nr_swapcached] == 0
    assert not any(toy.v[place].slot for row in toy.v.at.pte for place in row)
    assert contents(toy) == EXPECTED


@pytest.mark.parametrize("kernel", KERNELS)
def test_pages_that_came_back_are_mapped_as_they_were_swapped_out(kernel: str) -> None:
    """A shared page is shared again and nobody's own; a private page is its process's own."""
    toy = mixed(kernel)
    toy.run(toy.ops.swapoff())

    parent, child = toy.v[toy.v.at.pte[0][0]], toy.v[toy.v.at.pte[2][0]]
    assert parent.folio == child.folio
    assert not parent.exclusive
    assert not child.exclusive
    assert toy.v[toy.v.at.pte[1][0]].exclusive


@pytest.mark.parametrize("kernel", KERNELS)
def test_without_a_device_nothing_is_swapped_out(kernel: str) -> None:
    """Memory that is reclaimed stays; swapoff again is -EINVAL; the device can come back."""
    toy = mixed(kernel)
    toy.run(toy.ops.swapoff())
    toy.out(0, mm=1)
    assert toy.slot(0, mm=1) == 0
    assert toy.run(toy.ops.swapoff()) == -errno.EINVAL

    assert toy.run(toy.ops.swapon()) == 0
    toy.out(0, mm=1)
    assert toy.slot(0, mm=1)
    assert toy.v[toy.v.at.zs.stored_pages] == 1
    assert contents(toy) == EXPECTED


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_device_in_use_cannot_be_taken_into_use(kernel: str) -> None:
    """It is -EBUSY."""
    toy = Toy(kernel)
    before = toy.v.snapshot()

    assert toy.run(toy.ops.swapon()) == -errno.EBUSY
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS[1:])
def test_without_trees_a_device_is_not_taken_into_use(kernel: str) -> None:
    """The trees are part of swapon: -ENOMEM, and another attempt may work."""
    toy = Toy(kernel)
    toy.run(toy.ops.swapoff())
    before = toy.v.snapshot()
    toy.fail(choices.ALLOC_TREES)

    assert toy.run(toy.ops.swapon()) == -errno.ENOMEM
    assert toy.v.snapshot() == before
    assert toy.run(toy.ops.swapon()) == 0


def test_without_a_tree_6_1_uses_the_device_without_zswap() -> None:
    """Stores to it are refused with -ENODEV and go to the device."""
    toy = Toy("linux-6.1")
    toy.run(toy.ops.swapoff())
    toy.fail(choices.ALLOC_TREES)
    assert toy.run(toy.ops.swapon()) == 0

    toy.write(0, "page 0")
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=1))
    stores = [fields["ret"] for name, fields in toy.events if name == "store"]
    toy.finish_writes()
    assert stores == [-errno.ENODEV]
    assert toy.v[toy.v.at.device[toy.slot(0)]] == "page 0"
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(
    ("point", "nth", "error"),
    [
        (choices.ALLOC_FOLIO, 1, errno.ENOMEM),
        (choices.ALLOC_FOLIO, 2, errno.ENOMEM),
        (choices.SIGNAL, 1, errno.EINTR),
        (choices.SIGNAL, 2, errno.EINTR),
    ],
)
def test_an_attempt_that_fails_leaves_the_device_in_use(
    kernel: str, point: ChoicePoint, nth: int, error: int
) -> None:
    """Pages that came back stay in memory, the others stay swapped out; the next attempt can work."""
    toy = mixed(kernel)
    toy.fail(point, nth)

    assert toy.run(toy.ops.swapoff()) == -error
    assert not toy.failing
    si = toy.v[toy.v.at.si]
    assert (si.on, si.users, si.zswap_trees) == (True, True, True)
    assert toy.v[toy.v.at.slot_cache_enabled]
    assert si.size - si.free == sum(toy.v[place] != FREE_SLOT for place in toy.v.at.slot)
    assert toy.run(toy.ops.swapoff()) == 0
    assert contents(toy) == EXPECTED


@pytest.mark.parametrize("kernel", SLOT_CACHE_KERNELS)
def test_slots_that_wait_to_become_free_are_flushed_first(kernel: str) -> None:
    """They count as in use although nothing refers to them; later frees go past the caches."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.write(1, "page 1")
    toy.out(0, 2)
    toy.zap(0)
    assert toy.v[toy.v.at.slot_cache[0]]

    assert toy.run(toy.ops.swapoff()) == 0
    assert all(toy.v[place] == () for place in toy.v.at.slot_cache)
    assert toy.v[toy.v.at.si].free == toy.v[toy.v.at.si].size


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_only_the_swap_cache_holds_is_dropped(kernel: str) -> None:
    """A page that was read ahead and then freed by its process has no page table to go to."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    slot = toy.slot(0)
    toy.run(toy.ops.madvise_willneed(mm=0, page=0))
    toy.v[toy.v.at.pte[0][0]] = Pte()
    toy.v[toy.v.at.slot[slot]] = evolve(toy.v[toy.v.at.slot[slot]], count=0)

    assert toy.run(toy.ops.swapoff()) == 0
    assert toy.v[toy.v.at.folios_used] == 1
    assert toy.v[toy.v.at.slot[slot]] == FREE_SLOT


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_page_in_the_swap_cache_is_mapped_without_reading(kernel: str) -> None:
    """No folio is allocated for it."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    toy.run(toy.ops.madvise_willneed(mm=0, page=0))
    toy.fail(choices.ALLOC_FOLIO)

    assert toy.run(toy.ops.swapoff()) == 0
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", SLOT_CACHE_KERNELS)
def test_the_caches_of_freed_slots_are_as_before_when_a_device_is_there_again(kernel: str) -> None:
    """They are switched off without one; what switched them on is not forgotten."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    assert toy.run(toy.ops.swapoff()) == 0
    assert not toy.v[toy.v.at.slot_cache_enabled]
    assert toy.run(toy.ops.swapon()) == 0
    assert toy.v[toy.v.at.slot_cache_enabled]
    assert toy.v[toy.v.at.slot_cache_active]


@pytest.mark.parametrize("kernel", KERNELS)
def test_pages_come_back_where_swapoff_runs_not_where_their_process_is_bound_to(kernel: str) -> None:
    """Memory is the task's that takes the device away: its policy counts."""
    toy = Toy(kernel)
    toy.run(toy.ops.bind(process=0, nid=1))
    toy.write(0, "page 0")
    toy.out(0)

    assert toy.run(toy.ops.swapoff()) == 0
    assert toy.folio(toy.v[toy.v.at.pte[0][0]].folio).nid == 0


@pytest.mark.parametrize("kernel", LARGE_FOLIO_KERNELS)
def test_a_large_folio_in_the_swap_cache_is_mapped_page_by_page(kernel: str) -> None:
    """Each page gets its own index; the slots go with the last of them."""
    toy = Toy(kernel)
    toy.run(toy.ops.set_thp(order=2, on=True))
    toy.run(toy.ops.set_memcg(memcg=1, control="zswap.writeback", value="0"))
    for page in range(4):
        toy.write(page, f"page {page}")
    toy.fail(choices.ALLOC_ENTRY)
    toy.out(0, 4)
    number = toy.v[toy.v.at.swap_cache[toy.slot(0)]]
    folio = toy.v[toy.v.at.folio[number]]
    assert folio is not None
    assert len(folio.contents) == 4
    toy.v[toy.v.at.folio[number]] = evolve(folio, locked=False)

    assert toy.run(toy.ops.swapoff()) == 0
    ptes = [toy.v[place] for place in toy.v.at.pte[0]]
    assert [(pte.folio, pte.index) for pte in ptes] == [(number, index) for index in range(4)]
    assert [toy.read(page) for page in range(4)] == [f"page {page}" for page in range(4)]


@pytest.mark.parametrize("kernel", ["linux-6.18", "linux-7.3"])
def test_a_page_that_cannot_be_read_is_lost_and_its_process_told(kernel: str) -> None:
    """Touching it is SIGBUS until the process lets go of it; nothing is left in zswap."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    toy.fail(choices.DECOMPRESS)

    assert toy.run(toy.ops.swapoff()) == 0
    assert toy.v[toy.v.at.pte[0][0]] == Pte(poisoned=True)
    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.folios_used] == 1
    assert toy.read(0) == SIGBUS
    assert toy.run(toy.ops.write_page(mm=0, page=0, content="again")) == SIGBUS
    toy.zap(0)
    assert toy.read(0) == ZERO_PAGE


@pytest.mark.parametrize("kernel", KERNELS)
def test_folios_on_their_way_to_the_device_are_waited_for(kernel: str) -> None:
    """A folio under writeback, or one that somebody has locked, is not mapped yet."""
    toy = Toy(kernel)
    toy.run(toy.ops.set_param(name="enabled", value="N"))
    toy.write(0, "page 0")
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=1))
    number = toy.v[toy.v.at.swap_cache[toy.slot(0)]]

    with pytest.raises(WouldBlock, match=f"the write of folio {number}"):
        toy.run(toy.ops.swapoff())
    toy.finish_writes()
    folio = toy.v[toy.v.at.folio[number]]
    assert folio is not None
    toy.v[toy.v.at.folio[number]] = evolve(folio, locked=True)
    toy.v[toy.v.at.si] = evolve(toy.v[toy.v.at.si], on=True)
    with pytest.raises(WouldBlock, match=f"the lock of folio {number}"):
        toy.run(toy.ops.swapoff())


@pytest.mark.parametrize("kernel", KERNELS)
def test_slots_that_nothing_leads_to_are_waited_for(kernel: str) -> None:
    """Somebody has claimed a slot without a folio that could be seen: a private read, for example."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    slot = toy.slot(0)
    toy.v[toy.v.at.slot[slot]] = evolve(toy.v[toy.v.at.slot[slot]], cache=True)
    with pytest.raises(WouldBlock, match=f"slot {slot}, "):
        toy.run(toy.ops.swapoff())

    toy.v[toy.v.at.si] = evolve(toy.v[toy.v.at.si], on=True)
    toy.v[toy.v.at.pte[0][0]] = Pte()
    with pytest.raises(WouldBlock, match="no page table leads to"):
        toy.run(toy.ops.swapoff())


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_entry_that_outlives_its_slot_is_a_bug_or_freed(kernel: str) -> None:
    """From 6.12 on the kernel warns, which stops the model; 6.1 frees what it finds."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    slot = toy.slot(0)
    toy.v[toy.v.at.slot[slot]] = FREE_SLOT
    toy.v[toy.v.at.pte[0][0]] = Pte()
    si = toy.v[toy.v.at.si]
    toy.v[toy.v.at.si] = evolve(si, free=si.size)

    if kernel == "linux-6.1":
        assert toy.run(toy.ops.swapoff()) == 0
        assert toy.zswap_holds()["stored"] == 0
    else:
        with pytest.raises(KernelBug, match=rf"slots \[{slot}\]"):
            toy.run(toy.ops.swapoff())


@pytest.mark.parametrize(("kernel", "found"), [("linux-6.12", SIGBUS), ("linux-6.18", "A")])
def test_a_writeback_that_gives_up_takes_its_folio_from_under_swapoff(kernel: str, found: str) -> None:
    """6.12 does not look whether the folio is still the slot's, and marks a page as lost that zswap has."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.out(0)
    stale = Execution(toy.ops.zswap_writeback_entry(entry=9, slot=toy.slot(0)))
    toy.until(stale, "recheck")
    off = Execution(toy.ops.swapoff())
    toy.until(off, "lock_folio")
    toy.finish(stale)
    assert toy.finish(off) == 0

    assert toy.read(0) == found


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_end_of_swapoff_waits_for_pins(kernel: str) -> None:
    """A fault that has pinned the device may still look at its tables."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.out(0)
    late = Execution(toy.ops.read_page(mm=0, page=0))
    toy.until(late, "lookup")
    off = Execution(toy.ops.swapoff())
    toy.until(off, "nothing")
    assert off.at[1] == "wait_for_users"

    assert toy.finish(late) == "A"
    assert toy.finish(off) == 0


def test_a_device_is_opened_once() -> None:
    toy = Toy("linux-6.12")
    toy.run(toy.ops.swapoff())
    first, second = Execution(toy.ops.swapon()), Execution(toy.ops.swapon())
    first.advance(toy.v)

    assert toy.finish(second) == -errno.EBUSY
    assert toy.finish(first) == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_full_device_is_not_on_the_list_of_available_devices(kernel: str) -> None:
    """It leaves the list with its last free slot and comes back with the next one."""
    toy = nearly_full(kernel)
    assert toy.v[toy.v.at.avail_list]

    toy.out(0)
    assert not toy.v[toy.v.at.avail_list]
    toy.run(toy.ops.swap_range_free(slot=toy.slot(0), nr=1))
    assert toy.v[toy.v.at.avail_list]


@pytest.mark.parametrize("kernel", KERNELS)
def test_swapoff_takes_the_device_off_the_list_for_good(kernel: str) -> None:
    """A slot that becomes free meanwhile does not put it back (S04)."""
    toy = nearly_full(kernel)
    toy.out(0)
    swapoff = Execution(toy.ops.swapoff())
    swapoff.advance(toy.v)

    toy.run(toy.ops.swap_range_free(slot=toy.slot(0), nr=1))
    assert not toy.v[toy.v.at.avail_list]


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_full_device_that_stays_in_use_stays_off_the_list(kernel: str) -> None:
    """Swapoff that gives up puts back only a device that has a free slot."""
    toy = nearly_full(kernel)
    toy.out(0)
    toy.fail(choices.SIGNAL)

    assert toy.run(toy.ops.swapoff()) == -errno.EINTR
    assert not toy.v[toy.v.at.avail_list]


def nearly_full(kernel: str) -> Toy:
    """Return a system with one page in memory and one free slot."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.v[toy.v.at.si] = evolve(toy.v[toy.v.at.si], size=1, free=1)
    return toy
