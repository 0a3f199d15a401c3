"""zswap_decompress: the context of a CPU is taken for every page that is read, by loads and by writeback."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.zswap_decompress import decompress, is_raw
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import WouldBlock, evolve
from refmodel.machine.run import Execution
from tests.kernel.toy import KERNELS, Toy

OLD_KERNELS = KERNELS[:2]
LOOKING_AGAIN = ("linux-6.12", "linux-6.18", "vswap-v6")
"""Kernels that look whether a context has resources once it is locked."""

EMPTY = AcompCtx()


def stored(kernel: str) -> Toy:
    """Return a system with one page in zswap, and a locked folio to fill."""
    toy = Toy(kernel)
    toy.write(1, "other")
    toy.write(0, "A")
    toy.out(0)
    return toy


def decompressing(kernel: str) -> tuple[Toy, Execution]:
    """Return a system and the decompression of a page that has picked CPU 0 but not locked its context."""
    toy = stored(kernel)
    folio = toy.v[toy.v.at.pte[0][1]].folio
    toy.v[toy.v.at.folio[folio]] = evolve(toy.folio(folio), locked=True)
    running = Execution(toy.ops.zswap_decompress(entry=1, folio=folio))
    running.advance(toy.v)
    assert running.at[1] == "lock_ctx"
    return toy, running


def ctx(toy: Toy, cpu: int) -> AcompCtx:
    """Return a context of the first pool."""
    return toy.v[toy.v.at.acomp_ctx[1][cpu]]


def locked(toy: Toy, cpu: int) -> bool:
    """Return whether a context of the first pool is locked."""
    return toy.v[toy.v.at.ctx_locked[1][cpu]]


@pytest.mark.parametrize("kernel", [*KERNELS, "vswap-v6"])
def test_the_context_is_locked_while_a_page_is_decompressed(kernel: str) -> None:
    """Nobody else can use its request and its buffer; afterwards it is free again."""
    toy, running = decompressing(kernel)
    running.advance(toy.v)
    assert running.at[1] == "run_decompressor"
    assert locked(toy, 0)

    assert toy.finish(running) is True
    assert not locked(toy, 0)
    assert toy.folio(toy.v[toy.v.at.pte[0][1]].folio).contents == ("A",)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_load_waits_for_a_store_on_the_same_cpu(kernel: str) -> None:
    """Compression and decompression share the context."""
    toy, running = decompressing(kernel)
    toy.v[toy.v.at.ctx_locked[1][0]] = True

    assert not running.advance(toy.v)


@pytest.mark.parametrize("kernel", LOOKING_AGAIN)
def test_a_context_without_resources_sends_its_user_to_another_cpu(kernel: str) -> None:
    """The CPU went away between the look-up and the lock (I-17)."""
    toy, running = decompressing(kernel)
    toy.run(toy.ops.cpu_offline(cpu=0))

    running.advance(toy.v)
    assert running.at[1] == "pick_ctx"
    running.advance(toy.v)
    running.advance(toy.v)
    assert locked(toy, 1)
    assert toy.finish(running) is True
    assert not locked(toy, 1)


@pytest.mark.parametrize("kernel", LOOKING_AGAIN)
def test_a_cpu_that_goes_waits_for_the_reader_that_uses_its_context(kernel: str) -> None:
    """The context is emptied under its lock."""
    toy, running = decompressing(kernel)
    running.advance(toy.v)

    with pytest.raises(WouldBlock, match="the compression context of CPU 0"):
        toy.run(toy.ops.cpu_offline(cpu=0))


def test_a_context_of_a_cpu_that_has_gone_can_be_used_where_it_belongs_to_the_pool() -> None:
    """Nothing was freed (7.3)."""
    toy, running = decompressing("linux-7.3")
    toy.run(toy.ops.cpu_offline(cpu=0))

    assert toy.finish(running) is True
    assert ctx(toy, 0) == AcompCtx(present=True)


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-7.3"])
def test_a_context_that_is_not_there_stops_a_kernel_that_does_not_look(kernel: str) -> None:
    """6.1 frees it under its user; in 7.3 that cannot happen, so it would be a bug of the model."""
    toy, running = decompressing(kernel)
    toy.v[toy.v.at.acomp_ctx[1][0]] = EMPTY

    with pytest.raises(KernelBug, match="context"):
        running.advance(toy.v)


def test_6_1_frees_a_context_under_its_reader() -> None:
    """Nothing waits for the reader, who then decompresses with freed memory (Z15)."""
    toy, running = decompressing("linux-6.1")
    running.advance(toy.v)

    assert toy.run(toy.ops.cpu_offline(cpu=0)) == 0
    with pytest.raises(KernelBug, match="after it was freed"):
        running.advance(toy.v)


@pytest.mark.parametrize("kernel", OLD_KERNELS)
def test_older_kernels_stop_when_a_page_cannot_be_decompressed(kernel: str) -> None:
    """There is no way to report the error: BUG (H-12)."""
    toy, running = decompressing(kernel)
    running.advance(toy.v)
    toy.fail(choices.DECOMPRESS)

    with pytest.raises(KernelBug, match="entry 1 of slot 1 cannot be decompressed"):
        running.advance(toy.v)


@pytest.mark.parametrize("kernel", ["linux-6.18", "linux-7.3", "vswap-v6"])
def test_later_kernels_count_a_failure_and_unlock_the_context(kernel: str) -> None:
    """The folio is left as it was; the caller decides what becomes of the entry."""
    toy, running = decompressing(kernel)
    toy.fail(choices.DECOMPRESS)

    assert toy.finish(running) is False
    assert toy.v[toy.v.at.zs.decompress_fail] == 1
    assert not locked(toy, 0)
    assert toy.folio(toy.v[toy.v.at.pte[0][1]].folio).contents == ("other",)


@pytest.mark.parametrize("kernel", ["linux-6.18", "linux-7.3"])
def test_a_raw_page_is_copied_with_the_context_locked_and_cannot_fail(kernel: str) -> None:
    """The length says that the page was stored as it is; the code takes the context before it looks."""
    toy, running = decompressing(kernel)
    toy.v[toy.v.at.entry[1]] = evolve(live_entry(toy.v, 1), length=PAGE_SIZE)
    toy.fail(choices.DECOMPRESS)
    running.advance(toy.v)
    assert locked(toy, 0)

    assert toy.finish(running) is True
    assert choices.DECOMPRESS in toy.failing


@pytest.mark.parametrize("kernel", KERNELS)
def test_only_kernels_that_keep_raw_pages_take_a_full_page_for_one(kernel: str) -> None:
    """They give back what is stored; in 6.12 a stream of PAGE_SIZE bytes is a stream."""
    toy = stored(kernel)
    entry = evolve(live_entry(toy.v, 1), length=PAGE_SIZE)
    stored_there = toy.v[toy.v.at.zs_object[1]]
    assert stored_there is not None

    assert is_raw(toy.v, entry) == (kernel not in OLD_KERNELS)
    assert decompress(toy.v, entry) == ("A" if kernel in OLD_KERNELS else stored_there.data)


def test_only_the_first_page_of_a_large_folio_is_filled() -> None:
    """An entry holds one page."""
    toy = stored("linux-7.3")
    folio = toy.v[toy.v.at.pte[0][1]].folio
    toy.v[toy.v.at.folio[folio]] = evolve(toy.folio(folio), contents=("x", "y"))

    assert toy.run(toy.ops.zswap_decompress(entry=1, folio=folio)) is True
    assert toy.folio(folio).contents == ("A", "y")


@pytest.mark.parametrize(("kernel", "told"), [*zip(KERNELS, [0, 1, 1, 1], strict=True)])
def test_observers_see_each_decompression_where_it_is_a_function(kernel: str, told: int) -> None:
    """6.1 has the code in its callers, where no probe can stand."""
    toy = stored(kernel)

    toy.read(0)
    assert toy.names().count("decompress") == told


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_same_filled_page_needs_no_context(kernel: str) -> None:
    """6.1 keeps such a page as a word, later kernels do not know of it."""
    toy = Toy(kernel)
    toy.write(0, -7)
    toy.out(0)
    for cpu in (0, 1):
        toy.v[toy.v.at.ctx_locked[1][cpu]] = True

    if kernel == "linux-6.1":
        assert toy.read(0) == -7
    else:
        with pytest.raises(WouldBlock, match="the compression context of CPU 0"):
            toy.read(0)
