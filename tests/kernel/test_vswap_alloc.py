"""Handing out and freeing virtual entries: the life of a cluster, and what a failure leaves behind."""

from __future__ import annotations

import attrs
import pytest

from refmodel.kernel import choices
from refmodel.kernel.vswap_decisions import free_runs
from refmodel.kernel.vswap_state import VswapCluster
from refmodel.profiles import preset, profile
from tests.kernel.vswap_toy import VswapToy

SIZE = 8
"""Entries of a cluster of the toy preset."""


def fill(toy: VswapToy, nr: int) -> None:
    """Swap ``nr`` single pages out, process after process."""
    pages = toy.v.cfg.sizes.pages
    for i in range(nr):
        toy.write(i % pages, f"page {i}", mm=i // pages)
        toy.out(i % pages, mm=i // pages)


def large(toy: VswapToy, page: int, mm: int) -> None:
    """Swap a folio of two pages out."""
    toy.allow_order(1)
    toy.write(page, "large", mm=mm)
    toy.out(page, 2, mm=mm)


def cluster(toy: VswapToy, number: int) -> VswapCluster | None:
    """Return a cluster."""
    return toy.v[toy.v.at.vswap.cluster[number]]


def partial(toy: VswapToy, order: int = 0) -> tuple[int, ...]:
    """Return a partial list."""
    return toy.v[toy.v.at.vswap.partial[order]]


def cached(toy: VswapToy, order: int = 0) -> list[int | None]:
    """Return the cluster that each CPU has reserved."""
    return [toy.v[row[order]] for row in toy.v.at.vswap.cpu_cluster]


def test_runs_are_aligned() -> None:
    """Free runs start at multiples of their length, from the given start on."""
    assert list(free_runs(0b0000_0100, 8, 1)) == [0, 1, 3, 4, 5, 6, 7]
    assert list(free_runs(0b0000_0100, 8, 2)) == [0, 4, 6]
    assert list(free_runs(0b0000_0100, 8, 4)) == [4]
    assert list(free_runs(0, 8, 4, start=4)) == [4]
    assert list(free_runs(0, 8, 8, start=8)) == []


def test_the_first_entry_is_not_zero() -> None:
    """Entry 0 means "none", so cluster 0 begins with entry 1, and with 2^order for larger folios."""
    toy = VswapToy()
    fill(toy, 1)
    assert toy.entries() == [1]

    large = VswapToy()
    large.allow_order(1)
    large.write(0, "A")
    large.out(0, 2)
    assert large.entries() == [2, 3]


def test_an_entry_costs_no_slot_and_no_charge() -> None:
    """Neither the device nor the cgroup's swap limit takes part (S3)."""
    toy = VswapToy()
    toy.memcg(1, swap_max=0)
    fill(toy, 1)

    assert toy.descriptor(0).memcg == 1
    assert toy.v[toy.v.at.si].free == toy.v[toy.v.at.si].size
    assert toy.v[toy.v.at.mc[1].swap] == 0
    assert toy.v[toy.v.at.vswap.used] == 1


def test_a_new_cluster_is_cached_by_the_cpu() -> None:
    """The CPU that allocated a cluster serves the next folios of the order from it (AL5)."""
    toy = VswapToy()
    fill(toy, 3)

    assert cached(toy) == [0, None]
    assert cluster(toy, 0) == VswapCluster(order=0, count=3, cached=True, refs=4, bitmap=0b1110)


def test_an_exhausted_cluster_is_given_up() -> None:
    """With its last run the cluster leaves the CPU and is marked full (AL2)."""
    toy = VswapToy()
    fill(toy, SIZE - 1)
    assert cluster(toy, 0) == VswapCluster(order=0, count=7, cached=True, refs=8, bitmap=0xFE)

    toy.write(3, "page 7", mm=1)
    toy.out(3, mm=1)
    assert cluster(toy, 0) == VswapCluster(order=0, count=7, full=True, refs=7, bitmap=0xFE)
    assert cached(toy) == [1, None]


def test_a_full_cluster_with_room_again_is_listed_and_used() -> None:
    """Freeing an entry of a full cluster puts it on the partial list, from which it is reserved again (FR4, AL3)."""
    toy = VswapToy()
    fill(toy, SIZE)
    toy.zap(0)
    assert partial(toy) == (0,)
    assert cluster(toy, 0) == VswapCluster(order=0, count=6, refs=6, bitmap=0xFC)

    toy.run(toy.ops.vswap_cpu_dead(cpu=0))
    toy.write(0, "again")
    toy.out(0)
    assert partial(toy) == ()
    assert toy.slot(0) == 1


def test_a_cluster_goes_with_its_last_reference() -> None:
    """A cached cluster stays although it is empty; one that is not cached leaves map and list (FR4)."""
    toy = VswapToy()
    fill(toy, SIZE)
    toy.zap(0, 4)
    toy.zap(0, 3, mm=1)
    assert cluster(toy, 0) is None
    assert partial(toy) == ()

    toy.zap(3, mm=1)
    assert cluster(toy, 1) == VswapCluster(order=0, cached=True, refs=1)


def test_a_cpu_that_goes_strands_its_clusters() -> None:
    """They are on no list and not full: handed out no more until they are empty (CP)."""
    toy = VswapToy()
    fill(toy, 2)
    assert toy.run(toy.ops.cpu_offline(cpu=0)) == 0
    assert cached(toy) == [None, None]
    assert cluster(toy, 0) == VswapCluster(order=0, count=2, refs=2, bitmap=0b110)
    assert partial(toy) == ()

    toy.write(2, "elsewhere")
    toy.out(2)
    assert toy.slot(2) == SIZE
    assert cached(toy) == [None, 1]
    assert [toy.read(page) for page in range(3)] == ["page 0", "page 1", "elsewhere"]
    assert cluster(toy, 0) is None


def test_a_cluster_of_another_cpu_goes_to_the_head_of_the_list() -> None:
    """Who was moved to a CPU that has a cluster puts the new one on the partial list (AL5)."""
    toy = VswapToy()
    cpus = [0, 0, 1, 0]
    toy.v.choose = lambda point, options: cpus.pop(0) if point is choices.CPU else toy.choose(point, options)
    toy.enable(False)
    fill(toy, 2)

    assert (cached(toy), partial(toy)) == ([0, None], (1,))
    assert toy.entries() == [1, SIZE]


def test_cluster_0_costs_an_attempt() -> None:
    """Its count leaves room for a run that the reserved entries take away (AL2)."""
    toy = VswapToy()
    for mm, page in ((0, 0), (0, 2), (1, 0)):
        large(toy, page, mm)
    assert cluster(toy, 0) == VswapCluster(order=1, count=6, cached=True, refs=7, bitmap=0xFC)

    large(toy, 2, mm=1)
    assert cluster(toy, 0) == VswapCluster(order=1, count=6, full=True, refs=6, bitmap=0xFC)
    assert toy.slot(2, mm=1) == SIZE


def test_a_scattered_cluster_costs_an_attempt() -> None:
    """Room by count is no run: the cluster leaves the partial list and is marked full (AL3)."""
    toy = VswapToy()
    for mm, page in ((0, 0), (0, 2), (1, 0), (1, 2)):
        large(toy, page, mm)
    toy.zap(0)
    toy.zap(2)
    toy.zap(2, 2, mm=1)
    toy.run(toy.ops.vswap_cpu_dead(cpu=0))
    assert partial(toy, 1) == (0,)

    large(toy, 2, mm=1)
    assert partial(toy, 1) == ()
    assert cluster(toy, 0) == VswapCluster(order=1, count=4, full=True, refs=4, bitmap=0b1110_1000)
    assert toy.slot(2, mm=1) == SIZE


def test_clusters_serve_one_order() -> None:
    """Folios of different orders never share a cluster."""
    toy = VswapToy()
    fill(toy, 1)
    toy.allow_order(1)
    toy.write(2, "B")
    toy.out(2, 2)

    assert toy.entries() == [1, SIZE, SIZE + 1]
    assert [c.order for n in (0, 1) if (c := cluster(toy, n))] == [0, 1]


def test_a_folio_that_fills_a_cluster_never_gets_cluster_0() -> None:
    """Cluster 0 has no run of the size of a cluster, because entry 0 is taken out (SD-17)."""
    made = profile("vswap-v6")
    sizes = attrs.evolve(preset("toy"), vswap_cluster_size=4)
    toy = VswapToy()
    toy.v = made.system(attrs.evolve(toy.v.cfg, sizes=sizes))
    toy.v.choose = toy.choose
    toy.v[toy.v.at.thp_orders] = 1 << 2
    toy.watch()
    toy.write(0, "A")
    toy.out(0, 4)

    assert toy.entries() == [4, 5, 6, 7]
    assert cached(toy, 2) == [None, None]


def test_without_a_cluster_a_page_stays_in_memory() -> None:
    """A failed allocation takes back the cgroup's ids and counts the rejection (AL7)."""
    toy = VswapToy()
    toy.write(0, "A")
    toy.fail(choices.ALLOC_CLUSTER)
    toy.out(0)

    assert toy.slot(0) == 0
    assert toy.entries() == []
    assert toy.v[toy.v.at.vswap.alloc_reject] == 1
    assert [toy.v[place] for place in toy.v.at.vswap.id_refs] == [0, 0, 0]
    assert toy.read(0) == "A"


def test_without_a_cluster_a_large_folio_is_split_and_tried_again() -> None:
    """The pages of the split folio are swapped out one by one."""
    toy = VswapToy()
    toy.allow_order(1)
    toy.write(0, "A")
    toy.write(1, "B")
    toy.fail(choices.ALLOC_CLUSTER)
    toy.out(0, 2)

    assert toy.entries() == [1, 2]
    assert toy.v[toy.v.at.vswap.alloc_reject] == 2
    assert toy.v[toy.v.at.mthp[1].swpout_fallback] == 1
    assert (toy.read(0), toy.read(1)) == ("A", "B")


def test_the_map_can_be_full() -> None:
    """Without a free number a cluster cannot be allocated."""
    toy = VswapToy()
    for number, place in enumerate(toy.v.at.vswap.cluster):
        toy.v[place] = VswapCluster(order=2, count=SIZE, refs=SIZE, bitmap=0xFF - (number == 0))
    toy.write(0, "A")
    toy.run(toy.ops.madvise_pageout(mm=0, page=0))

    assert toy.slot(0) == 0


def test_freed_runs_are_of_one_cluster_and_one_cgroup() -> None:
    """A zap over entries of two clusters and two cgroups frees them in runs that are alike (SF2, SD-24)."""
    toy = VswapToy()
    for mm in (1, 0):
        for page in range(4):
            toy.write(page, "A", mm=mm)
            toy.out(page, mm=mm)
    assert [toy.slot(page) for page in range(4)] == [5, 6, 7, 8]
    toy.v[toy.v.at.slot[6]] = attrs.evolve(toy.v[toy.v.at.slot[6]], memcg=2)
    toy.zap(0, 4)

    runs = [(fields["swp"], fields["nr"]) for name, fields in toy.events if name == "vswap_free"]
    assert runs == [(5, 1), (6, 1), (7, 1), (8, 1)]


def test_alike_entries_are_freed_together() -> None:
    """Consecutive entries of one cluster and one cgroup are one run (SF2)."""
    toy = VswapToy()
    fill(toy, 4)
    toy.zap(0, 4)

    assert [fields["nr"] for name, fields in toy.events if name == "vswap_free"] == [4]


@pytest.mark.parametrize("size", [0, 2, 6])
def test_a_cluster_holds_the_largest_folio(size: int) -> None:
    """The size of a cluster is a power of two and not smaller than the largest folio."""
    made = profile("vswap-v6")
    config = made.config(attrs.evolve(preset("toy"), vswap_cluster_size=size), {})

    with pytest.raises(ValueError, match=f"vswap_cluster_size {size}: expected a power of two of at least 4"):
        made.system(config)


def test_the_real_preset_has_the_clusters_of_the_kernel() -> None:
    """512 entries, enough for a folio of 2 MiB."""
    sizes = preset("real")

    assert sizes.vswap_cluster_size == 512 == 1 << sizes.max_order
