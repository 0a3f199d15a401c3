"""A cgroup goes offline: entries, lists, charges, statistics and the cursor of the shrink worker."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import memcg
from refmodel.machine import evolve
from refmodel.machine.run import Execution
from tests.kernel.toy import KERNELS, LENGTH, LRU_KERNELS, Toy


def dead(kernel: str, pages: int = 2) -> Toy:
    """Return a system whose first cgroup went offline with pages in zswap, one of them on each node."""
    toy = Toy(kernel)
    for page in range(pages):
        toy.run(toy.ops.bind(process=0, nid=page % 2))
        toy.write(page, f"page {page}")
    toy.out(0, pages)
    assert toy.run(toy.ops.memcg_offline(memcg=1)) == 0
    return toy


def charged(toy: Toy, item: str) -> list[int]:
    """Return a statistic as each cgroup itself counted it."""
    return [toy.v[getattr(counters, item)] for counters in toy.v.at.mc]


@pytest.mark.parametrize("kernel", KERNELS)
def test_entries_of_a_dead_cgroup_belong_to_its_parent(kernel: str) -> None:
    """Their objcg leads to the parent; the pages can be read."""
    toy = dead(kernel)

    assert [toy.v[place] for place in toy.v.at.objcg] == [0, 0, 2]
    assert not toy.v[toy.v.at.memcg[1]].online
    assert [toy.read(page) for page in range(2)] == ["page 0", "page 1"]


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_lists_move_to_the_head_of_the_parents_lists(kernel: str) -> None:
    """The entries count as colder than those that the parent had; the lists are gone then."""
    toy = Toy(kernel)
    for page in range(2):
        toy.write(page, f"page {page}")
    toy.out(0, 2)
    toy.v[toy.v.at.lru[0][0]] = (7,)
    toy.run(toy.ops.memcg_offline(memcg=1))

    assert [toy.v[place] for place in toy.v.at.lru[1]] == [(), ()]
    assert toy.v[toy.v.at.lru[0][0]] == (1, 2, 7)
    assert not toy.v[toy.v.at.lru_ready[1]]


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_each_node_has_its_own_list_to_move(kernel: str) -> None:
    """An entry stays on the list of its node."""
    toy = dead(kernel)

    assert [toy.v[place] for place in toy.v.at.lru[0]] == [(1,), (2,)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_statistics_stay_and_sums_stay_right(kernel: str) -> None:
    """What is uncharged later is taken from the parent, whose own counter falls below zero."""
    toy = dead(kernel)
    assert charged(toy, "zswap") == [0, 2 * LENGTH, 0]

    toy.zap(0, 2)
    if toy.ops.drain_slot_cache is not None:
        toy.run(toy.ops.drain_slot_cache(cpu=0))
    assert charged(toy, "zswap") == [-2 * LENGTH, 2 * LENGTH, 0]
    assert charged(toy, "zswapped") == [-2, 2, 0]
    assert memcg.stat(toy.v, 0, "zswap") == memcg.stat(toy.v, 0, "zswapped") == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_swap_charge_stays_with_the_dead_cgroup(kernel: str) -> None:
    """A slot records an id that outlives the cgroup; freeing the slot uncharges that id."""
    toy = dead(kernel)
    slot = toy.slot(0)
    assert toy.v[toy.v.at.slot[slot]].memcg == 1
    assert charged(toy, "swap") == [0, 2, 0]

    toy.zap(0, 2)
    if toy.ops.drain_slot_cache is not None:
        toy.run(toy.ops.drain_slot_cache(cpu=0))
    assert charged(toy, "swap") == [0, 0, 0]


@pytest.mark.parametrize("kernel", KERNELS)
def test_its_processes_charge_the_parent(kernel: str) -> None:
    """Memory and swap that are needed from then on are the parent's; the root is not charged for slots."""
    toy = dead(kernel)
    toy.write(2, "page 2")
    folio = toy.v[toy.v.at.folio[toy.v[toy.v.at.pte[0][2]].folio]]
    assert folio is not None
    assert folio.memcg == 0

    toy.out(2)
    assert toy.v[toy.v.at.slot[toy.slot(2)]].memcg == 0


@pytest.mark.parametrize("kernel", KERNELS)
def test_folios_pass_to_the_parent_only_where_they_know_their_cgroup_through_an_objcg(kernel: str) -> None:
    """7.3 moves them; in earlier kernels they stay with the dead cgroup until they are freed."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.run(toy.ops.memcg_offline(memcg=1))
    folio = toy.v[toy.v.at.folio[toy.v[toy.v.at.pte[0][0]].folio]]

    assert folio is not None
    assert memcg.folio_memcg(toy.v, folio) == (0 if kernel == "linux-7.3" else 1)
    toy.out(0)
    assert toy.v[toy.v.at.slot[toy.slot(0)]].memcg == 0
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_later_store_charges_the_root_where_the_folio_keeps_its_objcg_and_nobody_else(kernel: str) -> None:
    """Before 7.3 the owner is looked up in living cgroups, and the root has none to charge."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.run(toy.ops.memcg_offline(memcg=1))
    toy.out(0)

    length = LENGTH if kernel == "linux-7.3" else 0
    assert charged(toy, "zswap") == [length, 0, 0]
    assert charged(toy, "zswapped") == [length > 0, 0, 0]
    toy.run(toy.ops.zap_pages(mm=0, page=0, nr=1))
    assert charged(toy, "zswap") == [0, 0, 0]


@pytest.mark.parametrize("kernel", KERNELS)
def test_below_another_cgroup_that_one_is_charged(kernel: str) -> None:
    """A parent that lives takes what its child would have been charged."""
    toy = Toy(kernel)
    toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], parent=2)
    toy.write(0, "page 0")
    toy.run(toy.ops.memcg_offline(memcg=1))
    toy.out(0)

    assert charged(toy, "zswap") == [0, 0, LENGTH]


@pytest.mark.parametrize("kernel", LRU_KERNELS)
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 2), (0, 0), (-1, -1)])
def test_the_cursor_leaves_a_cgroup_that_goes(kernel: str, before: int, after: int) -> None:
    """It goes on to the next online cgroup, and stays where it is if it rests elsewhere (Z20)."""
    toy = Toy(kernel)
    toy.v[toy.v.at.next_shrink] = before
    toy.run(toy.ops.memcg_offline(memcg=1))

    assert toy.v[toy.v.at.next_shrink] == after


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_the_cursor_passes_by_dead_cgroups_at_the_end_of_the_tree(kernel: str) -> None:
    """After the last cgroup a pass ends."""
    toy = Toy(kernel)
    toy.v[toy.v.at.next_shrink] = 2
    toy.run(toy.ops.memcg_offline(memcg=2))

    assert toy.v[toy.v.at.next_shrink] == -1
    assert toy.run(toy.ops.shrink_memcg(memcg=2)) == -errno.ENOENT


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_root_and_a_parent_of_online_cgroups_cannot_go(kernel: str) -> None:
    """Both are -EBUSY; a cgroup that has gone cannot go again."""
    toy = Toy(kernel)
    toy.v[toy.v.at.memcg[2]] = evolve(toy.v[toy.v.at.memcg[2]], parent=1)
    before = toy.v.snapshot()
    assert toy.run(toy.ops.memcg_offline(memcg=0)) == -errno.EBUSY
    assert toy.run(toy.ops.memcg_offline(memcg=1)) == -errno.EBUSY
    assert toy.v.snapshot() == before

    assert toy.run(toy.ops.memcg_offline(memcg=2)) == 0
    assert [toy.v[place] for place in toy.v.at.objcg] == [0, 1, 1]
    assert toy.run(toy.ops.memcg_offline(memcg=1)) == 0
    assert [toy.v[place] for place in toy.v.at.objcg] == [0, 0, 0]
    before = toy.v.snapshot()
    assert toy.run(toy.ops.memcg_offline(memcg=1)) == 0
    assert toy.v.snapshot() == before


STEPS = {
    "linux-6.1": ["kill_css", "clean_cursor", "reparent_objcgs"],
    "linux-6.12": [
        "kill_css",
        "clean_cursor",
        "reparent_objcgs",
        "splice_lists",
        "splice_lists",
        "splice_lists",
    ],
    "linux-6.18": [
        "kill_css",
        "clean_cursor",
        "splice_lists",
        "splice_lists",
        "splice_lists",
        "reparent_objcgs",
    ],
}
STEPS["linux-7.3"] = STEPS["linux-6.18"]


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_differ_in_what_passes_first(kernel: str) -> None:
    """6.12 moves objcgs before lists, later kernels lists before objcgs; lists go node by node."""
    toy, steps = Toy(kernel), []
    running = Execution(toy.ops.memcg_offline(memcg=1))
    while not running.over:
        steps.append(running.at[1])
        running.advance(toy.v)

    assert steps == STEPS[kernel]
