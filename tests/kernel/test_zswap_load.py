"""zswap_load: three answers that are never mixed up, and who owns the bytes afterwards."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.kernel.swap_fault import SIGBUS
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import evolve
from tests.kernel.toy import KERNELS, LRU_KERNELS, Toy


def stored(kernel: str, **fixed: object) -> Toy:
    """Return a system with one page in zswap."""
    toy = Toy(kernel, **fixed)
    toy.write(0, "A")
    toy.out(0)
    return toy


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_a_load_takes_the_only_copy(kernel: str) -> None:
    """With the swap cache the entry is freed and the folio becomes dirty (ZS-21)."""
    toy = stored(kernel)
    slot = toy.slot(0)

    assert toy.read(0) == "A"
    folio = toy.v[toy.v.at.folio[toy.v[toy.v.at.swap_cache[slot]]]]
    assert folio is not None
    assert folio.dirty
    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.vm.zswpin] == 1


def test_6_1_keeps_the_entry() -> None:
    """A load of 6.1 is not exclusive: the entry goes when the slot is freed."""
    toy = stored("linux-6.1")

    assert toy.read(0) == "A"
    assert len(toy.zswap_holds()["tree"]) == 1


@pytest.mark.parametrize("kernel", ["linux-6.12", "linux-6.18"])
def test_a_direct_swap_in_that_backs_out_loses_nothing(kernel: str) -> None:
    """On a synchronous device the private folio may be thrown away: the entry must still be there (Z09)."""
    toy = stored(kernel, synchronous_device=True)
    toy.fail(choices.FAULT_RETRY)

    assert toy.read(0) == "A"
    assert toy.failing == {}
    assert toy.v[toy.v.at.vm.zswpin] == 2
    assert "swapcache_add" not in toy.names()


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-6.12"])
def test_older_kernels_stop_when_decompression_fails(kernel: str) -> None:
    """There is no way to report the error: BUG (Z19 variant a, H-12)."""
    toy = stored(kernel)
    toy.fail(choices.DECOMPRESS)

    with pytest.raises(KernelBug, match="cannot be decompressed"):
        toy.read(0)


@pytest.mark.parametrize("kernel", ["linux-6.18", "linux-7.3"])
def test_later_kernels_report_the_error_and_keep_the_entry(kernel: str) -> None:
    """The reader gets SIGBUS, not the device's bytes; the entry stays where it was (Z19, ZS-22)."""
    toy = stored(kernel)
    before = toy.zswap_holds()
    toy.fail(choices.DECOMPRESS)

    assert toy.read(0) == SIGBUS
    assert toy.v[toy.v.at.zs.decompress_fail] == 1
    assert toy.v[toy.v.at.vm.pswpin] == 0
    assert toy.zswap_holds() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_page_that_zswap_does_not_have_comes_from_the_device(kernel: str) -> None:
    """Only a miss goes to the device, and spares an entry from the dynamic shrinker."""
    toy = Toy(kernel)
    toy.fail(choices.ALLOC_ENTRY)
    toy.write(0, "A")
    toy.out(0)
    toy.run(toy.ops.madvise_pageout(mm=0, page=0))
    folio = toy.v[toy.v.at.swap_cache[toy.slot(0)]]
    toy.run(toy.ops.shrink_folio(folio=folio))

    assert toy.read(0) == "A"
    assert toy.v[toy.v.at.vm.pswpin] == 1
    assert toy.v[toy.v.at.nr_disk_swapins[1][0]] == 1


@pytest.mark.parametrize("kernel", LRU_KERNELS)
def test_zswap_that_never_had_a_pool_misses_at_once(kernel: str) -> None:
    """The sticky flag short-circuits the look-up (Z30 is what happens when it is wrong)."""
    toy = stored(kernel)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], ever_enabled=False)

    assert toy.read(0) != "A"


def test_6_1_reads_the_device_when_it_has_no_bounce_buffer() -> None:
    """The hook's failure is taken for a miss: a block that was never written (H-13, UNVERIFIED in practice)."""
    toy = stored("linux-6.1")
    toy.fail(choices.BOUNCE_BUFFER)

    assert toy.read(0) != "A"
    assert toy.v[toy.v.at.vm.pswpin] == 1
