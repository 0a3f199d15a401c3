"""zswap_store: what a store takes, and that a store that fails gives everything back."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.zswap_limits import accept_pages, max_pages
from refmodel.machine import ChoicePoint, evolve
from tests.kernel.toy import KERNELS, LARGE_FOLIO_KERNELS, LENGTH, LRU_KERNELS, Toy

FAULTS = (choices.ALLOC_ENTRY, choices.ALLOC_LRU, choices.COMPRESS, choices.ALLOC_OBJECT, choices.XA_STORE)
REJECT_COUNTER = {
    choices.ALLOC_ENTRY: "reject_kmemcache_fail",
    choices.ALLOC_OBJECT: "reject_alloc_fail",
    choices.XA_STORE: "reject_alloc_fail",
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_stored_page_is_in_tree_charge_and_counters(kernel: str) -> None:
    """A store takes an entry, an object, a pool reference, a charge, and counts the page."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.out(0)
    held = toy.zswap_holds()

    assert held["tree"] == [toy.slot(0)]
    assert held["pool ref"] == 2
    assert held["charged"] == [0, LENGTH, 0]
    assert held["zswapped"] == [0, 1, 0]
    assert (held["stored"], held["zswpout"]) == (1, 1)
    assert held["pages"] > 0


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_the_lru_comes_last(kernel: str) -> None:
    """Writeback starts from the LRU, so the charge is taken before the entry stands there (ZS-16)."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.run(toy.ops.madvise_pageout(mm=0, page=0))
    names = toy.names()

    assert names.index("zs_malloc") < names.index("charge") < names.index("lru_add") < names.index("store")


@pytest.mark.parametrize("kernel", LRU_KERNELS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_failed_store_leaves_nothing(kernel: str, fault: ChoicePoint) -> None:
    """Whatever fails, the page goes to the device and zswap is as before (ZS-20)."""
    toy = Toy(kernel)
    before = toy.zswap_holds()
    if fault is choices.COMPRESS and kernel != "linux-6.12":
        toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], zswap_writeback=False)
    toy.fail(fault)
    toy.write(0, "A")
    toy.out(0)

    assert toy.failing == {}
    assert toy.zswap_holds() == before
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", LRU_KERNELS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_failed_store_erases_the_older_copy(kernel: str, fault: ChoicePoint) -> None:
    """A copy from an earlier swap-out must not survive newer bytes on the device (I-10)."""
    toy = Toy(kernel)
    before = toy.zswap_holds()
    toy.write(0, "A")
    toy.out(0)
    number = toy.v[toy.v.at.tree[toy.slot(0)]]
    toy.run(toy.ops.madvise_willneed(mm=0, page=0))
    toy.v[toy.v.at.tree[toy.slot(0)]] = 0
    assert number
    toy.write(0, "B")
    if fault is choices.ALLOC_LRU:
        for place in toy.v.at.lru_ready[1:]:
            toy.v[place] = False
    if fault is choices.COMPRESS and kernel != "linux-6.12":
        toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], zswap_writeback=False)
    toy.fail(fault)
    toy.out(0)
    after = toy.zswap_holds()

    assert toy.failing == {}
    assert after["tree"] == []
    assert after["entries"] == before["entries"]
    assert toy.read(0) == "B"


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("fault", [choices.ALLOC_ENTRY, choices.ALLOC_OBJECT], ids=lambda fault: fault.name)
def test_each_failure_has_its_reject_counter(kernel: str, fault: ChoicePoint) -> None:
    """An allocation that fails moves exactly one reject counter by one."""
    toy = Toy(kernel)
    toy.fail(fault)
    toy.write(0, "A")
    toy.out(0)
    moved = {name: toy.v[getattr(toy.v.at.zs, name)] for name in set(REJECT_COUNTER.values())}

    assert moved[REJECT_COUNTER[fault]] == 1
    assert sum(moved.values()) == 1


@pytest.mark.parametrize("kernel", LARGE_FOLIO_KERNELS)
@pytest.mark.parametrize("page", range(4))
@pytest.mark.parametrize(
    "fault", [choices.ALLOC_ENTRY, choices.ALLOC_OBJECT, choices.XA_STORE], ids=lambda fault: fault.name
)
def test_a_large_folio_is_unwound_at_any_page(kernel: str, page: int, fault: ChoicePoint) -> None:
    """Page k of a folio fails: pages before it are freed again, zswpout has not moved (ZS-20)."""
    toy = Toy(kernel)
    before = toy.zswap_holds()
    toy.v[toy.v.at.thp_orders] = 1 << 2
    for index in range(4):
        toy.write(index, f"page {index}")
    toy.fail(fault, nth=page + 1)
    toy.out(0, 4)

    assert toy.failing == {}
    assert toy.zswap_holds() == before
    assert toy.v[toy.v.at.vm.pswpout] == 4
    assert [toy.read(index) for index in range(4)] == [f"page {index}" for index in range(4)]


@pytest.mark.parametrize("kernel", LARGE_FOLIO_KERNELS)
def test_a_large_folio_is_stored_page_by_page_and_counted_once(kernel: str) -> None:
    """Four pages, four entries, one step for the event counter."""
    toy = Toy(kernel)
    toy.v[toy.v.at.thp_orders] = 1 << 2
    toy.write(0, "A")
    toy.out(0, 4)
    held = toy.zswap_holds()

    assert (held["zswpout"], held["stored"]) == (0, 0) or len(held["tree"]) == held["stored"]
    assert toy.read(0) == "A"


def test_a_large_folio_is_refused_by_6_12() -> None:
    """6.12 stores single pages; the folio goes to the device as a whole."""
    toy = Toy("linux-6.12")
    toy.v[toy.v.at.thp_orders] = 1 << 2
    for index in range(4):
        toy.write(index, f"page {index}")
    toy.out(0, 4)

    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.vm.pswpout] == 4


@pytest.mark.parametrize("kernel", ["linux-6.18", "linux-7.3"])
def test_a_page_that_does_not_compress_is_stored_raw(kernel: str) -> None:
    """Raw pages are PAGE_SIZE long and counted apart, unless the cgroup forbids writeback."""
    toy = Toy(kernel)
    toy.fail(choices.COMPRESS)
    toy.write(0, "A")
    toy.out(0)

    assert toy.zswap_holds()["charged"] == [0, PAGE_SIZE, 0]
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == 1
    assert toy.read(0) == "A"
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == 0


def test_6_12_sends_such_a_page_to_the_device() -> None:
    """The compressor's error refuses the page and is counted."""
    toy = Toy("linux-6.12")
    toy.fail(choices.COMPRESS)
    toy.write(0, "A")
    toy.out(0)

    assert toy.v[toy.v.at.zs.reject_compress_fail] == 1
    assert toy.v[toy.v.at.vm.pswpout] == 1


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_disabled_zswap_takes_nothing_and_keeps_what_it_has(kernel: str) -> None:
    """The switch gates new stores only (ZS-31)."""
    toy = Toy(kernel)
    toy.write(0, "A")
    toy.out(0)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], enabled=False)
    toy.write(1, "B")
    toy.out(1)

    assert toy.zswap_holds()["tree"] == [toy.slot(0)]
    assert (toy.read(0), toy.read(1)) == ("A", "B")


class TestPoolLimit:
    """The hysteresis of the pool limit (ZS-24)."""

    def full(self, kernel: str) -> Toy:
        """Return a system whose pool is at its limit: one page of memory share per stored page."""
        toy = Toy(kernel)
        toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], accept_threshold_percent=50)
        toy.v[toy.v.at.pool_pages[1]] = max_pages(toy.v)
        return toy

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_a_full_pool_refuses_and_counts(self, kernel: str) -> None:
        """At the limit a store is refused, the bit is set and the worker queued."""
        toy = self.full(kernel)
        toy.write(0, "A")
        toy.out(0)

        assert toy.v[toy.v.at.zs.pool_limit_hit] == 1
        assert toy.v[toy.v.at.reached_full]
        assert toy.v[toy.v.at.shrink_work].pending

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_it_refuses_until_the_accept_threshold(self, kernel: str) -> None:
        """Just above the threshold the page is still refused, at the threshold it is taken."""
        toy = self.full(kernel)
        toy.write(0, "A")
        toy.out(0)
        toy.v[toy.v.at.pool_pages[1]] = accept_pages(toy.v) + 1
        toy.write(1, "B")
        toy.out(1)
        assert toy.zswap_holds()["tree"] == []
        toy.v[toy.v.at.pool_pages[1]] = accept_pages(toy.v)
        toy.write(2, "C")
        toy.out(2)

        assert toy.zswap_holds()["tree"] == [toy.slot(2)]
        assert not toy.v[toy.v.at.reached_full]
        assert toy.v[toy.v.at.zs.pool_limit_hit] == 1

    def test_6_1_is_full_only_above_the_limit(self) -> None:
        """6.1 compares strictly: exactly at the limit it still accepts."""
        toy = self.full("linux-6.1")
        toy.write(0, "A")
        toy.out(0)

        assert toy.v[toy.v.at.zs.pool_limit_hit] == 0
        assert toy.zswap_holds()["tree"] == [toy.slot(0)]


class TestSameFilledPages:
    """Pages of one repeated word (Z4)."""

    def test_6_1_keeps_the_word(self) -> None:
        """No object, no pool reference, a charge of no bytes."""
        toy = Toy("linux-6.1")
        toy.write(0, -7)
        toy.out(0)
        held = toy.zswap_holds()

        assert toy.v[toy.v.at.zs.same_filled_pages] == 1
        assert (held["objects"], held["pool ref"]) == (1, 1)
        assert (held["charged"], held["zswapped"]) == ([0, 0, 0], [0, 1, 0])
        assert toy.read(0) == -7

    @pytest.mark.parametrize("kernel", LRU_KERNELS)
    def test_zeroes_are_a_bit_and_other_words_are_compressed(self, kernel: str) -> None:
        """Later kernels ask zswap only about pages that are not all zeroes."""
        toy = Toy(kernel)
        toy.write(0, ZERO_PAGE)
        toy.write(1, -7)
        toy.out(0, 2)

        assert toy.v[toy.v.at.zeromap[toy.slot(0)]]
        assert toy.v[toy.v.at.vm.swpout_zero] == 1
        assert toy.zswap_holds()["tree"] == [toy.slot(1)]
        assert (toy.read(0), toy.read(1)) == (ZERO_PAGE, -7)
