"""Swap-in of a window whose pages are decompressed in batches: what can be, what cannot, and what goes wrong (B15)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refmodel.kernel import choices
from refmodel.kernel.crypto import ZERO_PAGE, Codec, Symbolic, make_codec
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.swap_fault import SIGBUS
from refmodel.kernel.swapin_batch import SwapinReadahead, SwapReadBatch, pool_of
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, step
from refmodel.machine.run import Execution
from refmodel.profiles import profile
from refmodel.properties import at_rest, first_broken
from tests.kernel.wide_toy import PAGES, WideToy

KERNEL = "batching-decompress"
CONTENTS = tuple(range(2, 2 + PAGES))


def stored(pages: int = PAGES - 1, **how: Any) -> WideToy:
    """Return a system whose pages are compressed in zswap; page n is at slot n + 1, seven slots are a window."""
    toy = WideToy(KERNEL, **how)
    for page in range(pages):
        toy.write(page, CONTENTS[page])
        toy.out(page)
    assert [toy.slot(page) for page in range(pages)] == list(range(1, pages + 1))
    return toy


def cached(toy: WideToy) -> list[int]:
    """Return the slots that are in the swap cache."""
    return [slot for slot, place in enumerate(toy.v.at.swap_cache) if toy.v[place]]


def nothing_is_wrong(toy: WideToy) -> bool:
    """Whether every property of states at rest holds."""
    return first_broken(toy.v, at_rest(profile(KERNEL))) is None


# --- what is read together ----------------------------------------------------------------------------------


def test_a_fault_fills_its_window_with_one_call() -> None:
    """Seven pages, one lock of the context, one call; they wait in the swap cache, the only copies."""
    toy = stored()

    assert toy.read(0) == CONTENTS[0]
    assert toy.steps.count("ZswapLoadBatch.call") == 1
    assert toy.steps.count("AcompDecompressParallel.poll") == 7
    assert cached(toy) == [1, 2, 3, 4, 5, 6, 7]
    assert all(toy.folio(toy.v[toy.v.at.swap_cache[slot]]).dirty for slot in cached(toy))
    assert toy.v[toy.v.at.vm.zswpin] == 7
    assert toy.v[toy.v.at.zs.stored_pages] == 0
    assert nothing_is_wrong(toy)


def test_what_was_read_ahead_is_found_in_memory() -> None:
    """One major fault for the window."""
    toy = stored()
    assert tuple(toy.read(page) for page in range(PAGES - 1)) == CONTENTS[:-1]
    assert toy.v[toy.v.at.vm.pgmajfault] == 1
    assert nothing_is_wrong(toy)


def test_a_window_ends_where_the_next_begins() -> None:
    """Slot 8 begins another one."""
    toy = stored(PAGES)
    toy.read(7)
    assert [slot for slot in cached(toy) if slot < 8] == []
    assert toy.steps.count("ZswapLoadBatch.call") == 0


def test_a_compressor_that_takes_two_pages_is_called_again() -> None:
    """Seven pages are three calls of two; the last page is loaded by itself."""
    toy = stored(batch=2)
    toy.read(3)
    assert toy.steps.count("ZswapLoadBatch.call") == 3
    assert toy.steps.count("ZswapLoad618.find") == 1
    assert nothing_is_wrong(toy)


def test_without_a_batching_compressor_every_page_is_loaded_by_itself() -> None:
    toy = stored(batch=1)
    toy.read(3)
    assert toy.steps.count("ZswapLoad618.find") == 7
    assert toy.steps.count("ZswapLoadBatch.call") == 0


# --- mixed backends -----------------------------------------------------------------------------------------


def mixed() -> WideToy:
    """Return a window of seven slots.

    Zero map, device, raw, swap cache, free, and two compressed pages.
    """
    toy = WideToy(KERNEL)
    for page, content in enumerate((0, 3, 4, 5, 6, 7, 8)):
        toy.write(page, content)
        if page == 2:
            toy.fail(choices.COMPRESS)
        toy.out(page)
    toy.write_back(1)
    toy.run(toy.ops.madvise_willneed(mm=0, page=3))
    toy.zap(4)
    return toy


def test_only_compressed_pages_are_a_batch() -> None:
    """A flag, a copy and I/O are not for the compressor, a page in memory is there, and a free slot is nothing."""
    toy = mixed()
    backends = [toy.v[toy.v.at.zeromap[1]], toy.v[toy.v.at.tree[2]], toy.v[toy.v.at.swap_cache[4]] > 0]
    assert backends == [True, 0, True]

    assert toy.read(5) == 7
    assert toy.steps.count("ZswapLoadBatch.call") == 1
    assert toy.steps.count("AcompDecompressParallel.poll") == 2
    assert cached(toy) == [1, 2, 3, 4, 6, 7]
    assert [toy.read(page) for page in (0, 1, 2, 3, 4, 6)] == [ZERO_PAGE, 3, 4, 5, ZERO_PAGE, 8]
    assert nothing_is_wrong(toy)


def test_the_zero_map_is_asked_before_zswap() -> None:
    """An entry may stand under a flag (H-1), and is not what a reader gets."""
    toy = stored(2)
    toy.read(0)
    folio = toy.v[toy.v.at.swap_cache[2]]
    toy.v[toy.v.at.zeromap[2]] = True
    assert pool_of(toy.v, folio) == 0


@pytest.mark.parametrize(
    "compressors", [("zstd", "lz4"), ("deflate-iaa", "zstd"), ("deflate", "deflate-iaa")]
)
def test_pages_of_two_pools_are_two_batches(compressors: tuple[str, str]) -> None:
    """Real compressors: the stream of one is nothing to the other."""
    codecs: dict[str, Codec] = {name: make_codec(name, "6.18") for name in compressors}
    toy = WideToy(KERNEL, codecs)
    pages = [bytes([65 + page, page]) * 2048 for page in range(7)]
    for page, content in enumerate(pages):
        toy.write(page, content)
    for page in range(7):
        if page == 3:
            toy.run(toy.ops.set_param(name="compressor", value=compressors[1]))
        toy.out(page)

    assert [toy.read(page) for page in range(7)] == pages
    assert toy.v[toy.v.at.vm.pgmajfault] == 1
    assert nothing_is_wrong(toy)


def test_one_batch_for_two_pools_would_be_told_apart() -> None:
    """The planted mistake: whatever is compressed goes to the compressor of the first."""

    @attrs.define
    class OnePoolForAll(SwapReadBatch):
        @step
        def load_batch(self, v: KernelView) -> Next:
            if not self.compressed:
                return SwapReadBatch.load_batch(self, v)
            self.batch, self.compressed = self.compressed, ()
            pool = pool_of(v, self.batch[0])
            return Call(v.ops.zswap_load_batch(pool=pool, folios=self.batch), then=self.unlock)

    codecs: dict[str, Codec] = {"a": Different("a"), "b": Different("b")}
    toy = WideToy(KERNEL, codecs, swap_read_batch=OnePoolForAll)
    for page in (0, 1):
        toy.write(page, CONTENTS[page])
        toy.out(page)
        toy.run(toy.ops.set_param(name="compressor", value="b"))
    toy.read(0)
    assert not nothing_is_wrong(toy)


class Different(Symbolic):
    """A compressor of tokens whose streams mean something else to another one."""

    def __init__(self, name: str) -> None:
        super().__init__(name, batch_size=8)

    def decompress(self, data: Any) -> Any:
        """Return the content, which is one more than what this compressor keeps if its name is b."""
        kept: Any = super().decompress(data)
        return kept + (self.name == "b")

    def outcomes(self, content: Any) -> Any:
        """Return what is decompressed to the content."""
        return super().outcomes(content - (self.name == "b"))


# --- failures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("damaged", range(1, 8))
def test_a_damaged_page_keeps_no_other_from_being_filled(damaged: int) -> None:
    """Each request has an error of its own: one folio is not filled, one entry stays."""
    toy = stored()
    toy.fail(choices.DECOMPRESS, damaged)
    found = [toy.read(page) for page in range(PAGES - 1)]

    assert found.count(SIGBUS) == 1
    bad = found.index(SIGBUS)
    assert [each for each in found if each != SIGBUS] == [c for c in CONTENTS[:-1] if c != CONTENTS[bad]]
    assert toy.v[toy.v.at.zs.decompress_fail] == 1
    assert toy.v[toy.v.at.zs.stored_pages] == 1
    assert toy.v[toy.v.at.tree[bad + 1]]
    assert nothing_is_wrong(toy)


def test_without_a_folio_for_a_neighbour_the_neighbour_is_left_alone() -> None:
    """The second allocation is that of the first neighbour."""
    toy = stored()
    toy.fail(choices.ALLOC_FOLIO, 2)
    assert toy.read(3) == CONTENTS[3]
    assert cached(toy) == [2, 3, 4, 5, 6, 7]
    assert nothing_is_wrong(toy)


def test_without_a_folio_for_itself_a_fault_reads_nothing_ahead() -> None:
    toy = stored()
    toy.fail(choices.ALLOC_FOLIO)
    toy.read(3)
    assert cached(toy) == []


def test_a_pool_without_a_context_stops_the_kernel() -> None:
    """As for stores: contexts live as long as their pool."""
    toy = stored()
    for place in toy.v.at.acomp_ctx[1]:
        toy.v[place] = AcompCtx()
    with pytest.raises(KernelBug, match="zswap_load_batch: pool 1 has no context for CPU 0"):
        toy.read(0)


# --- when the window is sorted ------------------------------------------------------------------------------------


@attrs.define
class AsksBeforeClaiming(SwapinReadahead):
    """A planted bug: what is compressed is asked while nothing keeps it from being written back."""

    compressed: tuple[int, ...] = ()

    @step
    def read(self, v: KernelView) -> Next:
        """Note the slots with an entry, then claim."""
        following = SwapinReadahead.read(self, v)
        self.compressed = tuple(slot for slot in self.ahead if v[v.at.tree[slot]])
        return following

    @step
    def look_ahead(self, v: KernelView) -> Next:
        """Read what was noted as a batch."""
        if self.ahead:
            return SwapinReadahead.look_ahead(self, v)
        known = tuple(n for n in self.folios if slot_of(v, n) in self.compressed)
        rest = tuple(n for n in self.folios if n not in known)
        return Call(v.ops.swap_read_batch(folios=rest, compressed=known), then=self.put_ahead)


def slot_of(v: KernelView, number: int) -> int:
    """Return the slot of a folio."""
    folio = v[v.at.folio[number]]
    assert folio is not None
    return folio.swap


def read_while_a_neighbour_is_written_back(**operations: Any) -> WideToy:
    """Let a fault on page 0 stop before it claims its neighbour, whose page goes to the device meanwhile."""
    toy = stored(2, **operations)
    running = Execution(toy.ops.read_page(mm=0, page=0))
    toy.until(running, "look_ahead")
    toy.write_back(1)
    assert toy.finish(running) == CONTENTS[0]
    return toy


def test_a_page_that_is_written_back_before_it_is_claimed_is_read_from_the_device() -> None:
    toy = read_while_a_neighbour_is_written_back()
    assert cached(toy) == [1, 2]
    assert toy.v[toy.v.at.vm.pswpin] == 1
    assert toy.read(1) == CONTENTS[1]
    assert nothing_is_wrong(toy)


def test_who_asks_before_claiming_reaches_for_an_entry_that_is_gone() -> None:
    with pytest.raises((LookupError, AssertionError)):
        read_while_a_neighbour_is_written_back(swapin_readahead=AsksBeforeClaiming)


def test_a_window_is_claimed_without_waiting_for_somebody_elses_claim() -> None:
    """Another swap-in has marked the neighbour and shows no folio yet."""
    toy = stored(2)
    other = Execution(toy.ops.read_swap_cache_async(slot=2, nodes=(0,)))
    toy.until(other, "insert")
    assert toy.read(0) == CONTENTS[0]
    assert cached(toy) == [1]
    toy.finish(other)
    assert toy.read(1) == CONTENTS[1]
