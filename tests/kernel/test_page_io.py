"""Where a folio's bytes go and come from: nowhere, zero map, zswap, device."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.swap_fault import SIGBUS
from refmodel.machine import evolve
from tests.kernel.toy import KERNELS, LRU_KERNELS, Toy


def on_device(kernel: str, **fixed: object) -> Toy:
    """Return a system with one page on the device, out of memory."""
    toy = Toy(kernel, **fixed)
    toy.fail(choices.ALLOC_ENTRY)
    toy.write(0, "A")
    toy.out(0)
    return toy


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_refused_page_goes_to_the_device(kernel: str) -> None:
    """Written once; the folio stays in the swap cache until it is reclaimed."""
    toy = on_device(kernel)

    assert toy.v[toy.v.at.device[toy.slot(0)]] == "A"
    assert toy.v[toy.v.at.vm.pswpout] == 1
    assert toy.v[toy.v.at.swap_cache[toy.slot(0)]]
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_synchronous_device_is_done_at_once(kernel: str) -> None:
    """No writeback is left behind: reclaim takes the folio in the same run."""
    toy = on_device(kernel, synchronous_device=True)

    assert toy.v[toy.v.at.swap_cache[toy.slot(0)]] == 0
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_failed_write_keeps_the_page_in_memory(kernel: str) -> None:
    """The folio is dirty again; its bytes are nowhere else."""
    toy = Toy(kernel)
    toy.fail(choices.ALLOC_ENTRY)
    toy.fail(choices.DISK_WRITE)
    toy.write(0, "A")
    toy.out(0)
    folio = toy.v[toy.v.at.folio[toy.v[toy.v.at.swap_cache[toy.slot(0)]]]]
    assert folio is not None

    assert folio.dirty
    assert not folio.writeback
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_cgroup_that_forbids_writeback_keeps_what_zswap_refuses(kernel: str) -> None:
    """The page can go nowhere: dirty, in the swap cache, no I/O."""
    toy = Toy(kernel)
    toy.v[toy.v.at.memcg[1]] = evolve(toy.v[toy.v.at.memcg[1]], zswap_writeback=False)
    toy.fail(choices.ALLOC_ENTRY)
    toy.write(0, "A")
    toy.out(0)

    assert toy.v[toy.v.at.vm.pswpout] == 0
    assert toy.v[toy.v.at.swap_cache[toy.slot(0)]]
    assert toy.read(0) == "A"


@pytest.mark.parametrize("kernel", LRU_KERNELS)
class TestZeroMap:
    """Zeroes are kept as bits (Z4)."""

    def test_a_rewritten_slot_loses_its_bit(self, kernel: str) -> None:
        """Otherwise the load would answer zeroes without asking anybody (G6)."""
        toy = Toy(kernel)
        toy.write(0, ZERO_PAGE)
        toy.out(0)
        slot = toy.slot(0)
        toy.read(0)
        toy.write(0, "A")
        toy.out(0)

        assert toy.slot(0) == slot or not toy.v[toy.v.at.zeromap[toy.slot(0)]]
        assert toy.read(0) == "A"

    def test_a_large_folio_is_zero_only_as_a_whole(self, kernel: str) -> None:
        """One page that is not zero sends the whole folio the ordinary way."""
        toy = Toy(kernel)
        toy.v[toy.v.at.thp_orders] = 1 << 2
        toy.write(1, "B")
        toy.out(0, 4)

        assert not any(toy.v[toy.v.at.zeromap[toy.slot(page)]] for page in range(4))
        assert [toy.read(page) for page in range(4)] == [ZERO_PAGE, "B", ZERO_PAGE, ZERO_PAGE]

    def test_mixed_bits_are_refused(self, kernel: str) -> None:
        """A folio over slots with and without the bit is left not uptodate (S05)."""
        toy = on_device(kernel)
        slot = toy.slot(0)
        number = toy.v[toy.v.at.swap_cache[slot]]
        folio = toy.v[toy.v.at.folio[number]]
        assert folio is not None
        toy.v[toy.v.at.folio[number]] = evolve(folio, contents=("?", "?"), uptodate=False, locked=True)
        toy.v[toy.v.at.zeromap[slot]] = True
        toy.run(toy.ops.swap_read(folio=number))
        after = toy.v[toy.v.at.folio[number]]
        assert after is not None

        assert not after.uptodate
        assert toy.read(0) == SIGBUS
