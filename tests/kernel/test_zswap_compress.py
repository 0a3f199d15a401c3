"""Compressing one page: what becomes of a result that is longer than what the compressor was offered."""

from __future__ import annotations

from collections.abc import Sequence
from errno import ENOSPC
from typing import Any

import pytest

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import LONGEST, Overlong
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import ChoicePoint
from tests.kernel.toy import Toy

LZO_WORST = 4421
"""What lzo makes of a page at most, in bytes (lzo1x_worst_compress, include/linux/lzo.h)."""


def with_results_of(kernel: str, length: int) -> Toy:
    """Return a system whose compressor makes so many bytes of every page, whatever it is offered."""
    toy = Toy(kernel)

    def choose(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        return Overlong(ENOSPC, length) if point is choices.COMPRESS else toy.choose(point, options)

    toy.v.choose = choose
    return toy


@pytest.mark.parametrize("length", [PAGE_SIZE + 1, LZO_WORST, LONGEST])
def test_6_12_has_room_for_the_result_and_refuses_the_page(length: int) -> None:
    """The buffer has two pages; the length is compared with the one that was offered."""
    toy = with_results_of("linux-6.12", length)
    toy.write(0, "A")
    toy.out(0)

    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.zs.reject_compress_poor] == 1
    assert toy.v[toy.v.at.vm.pswpout] == 1


def test_6_1_has_it_in_a_scratch_buffer_and_refuses_the_page() -> None:
    """What is longer is not copied out; no counter of 6.1 moves for a compressor."""
    toy = with_results_of("linux-6.1", LZO_WORST)
    toy.write(0, "A")
    toy.out(0)

    assert toy.zswap_holds()["tree"] == []
    assert toy.v[toy.v.at.zs.reject_compress_poor] == 0
    assert toy.v[toy.v.at.vm.pswpout] == 1


@pytest.mark.parametrize("kernel", ["linux-6.18", "linux-7.3"])
def test_later_kernels_rely_on_compressors_that_look_at_what_they_are_offered(kernel: str) -> None:
    """Their buffer has one page."""
    toy = with_results_of(kernel, LZO_WORST)
    toy.write(0, "A")

    with pytest.raises(KernelBug, match="4421 bytes are written into a buffer of 4096: 325 past its end"):
        toy.out(0)


@pytest.mark.parametrize(("kernel", "stored"), [("batching-v9", 0), ("batching-v14", 1)])
def test_in_batches_it_is_an_error_as_any_other(kernel: str, stored: int) -> None:
    """The batch is refused, or the page is kept raw; no buffer of a batch is written past its end."""
    toy = with_results_of(kernel, LZO_WORST)
    toy.write(0, "A")
    toy.out(0)

    assert len(toy.zswap_holds()["tree"]) == stored
    assert toy.read(0) == "A"
