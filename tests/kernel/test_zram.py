"""Zram: what becomes of a page that is written, read, freed, and written back, and what is counted (B16, K2, K8)."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refmodel.engines.background import ready
from refmodel.engines.contents import page
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Symbolic, make_codec
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.kcompressd_queue import thread_work
from refmodel.kernel.zram_config import ZramSystem
from refmodel.kernel.zram_slot import content_of, huge_class_size
from refmodel.kernel.zram_state import EMPTY
from refmodel.kernel.zram_writeback import backing_work
from refmodel.machine import ChoicePoint, evolve, run
from refmodel.profiles import preset, profile
from refmodel.properties import at_rest, first_broken

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

BOTH = ("zram-6.12", "zram-7.3")
ALL = (*BOTH, "zram-batching")
SAME, HUGE = 1, 3
"""Contents by number: filled with one word, random bytes; the others compress."""


def system(
    name: str, *, backing: int = 0, limit: int | None = None, zswap: bool = False, **sizes: int
) -> KernelView:
    """Return a system of real bytes on zram."""
    made = profile(name)
    v = made.system(
        made.config(
            attrs.evolve(preset("toy"), **sizes),
            {"lz4": make_codec("lz4", "6.12")},
            compressor="lz4",
            zswap_enabled=zswap,
            initial_pool=zswap,
            kcompressd=KcompressdSystem(capacity=2),
            zram=ZramSystem(backing, limit),
        )
    )
    assert v[v.at.si].synchronous
    return v


def do(v: KernelView, operation: Any) -> Any:
    """Run an operation, and whatever the system does on its own while it waits."""

    def serve() -> bool:
        work = backing_work(v) or thread_work(v)
        if work is not None:
            run(v, work, while_waiting=serve)
        return work is not None

    return run(v, operation, while_waiting=serve)


def swap_out(v: KernelView, content: int, index: int = 0) -> int:
    """Write a page and swap it out; return its slot, 0 if it stayed in memory."""
    do(v, v.ops.write_page(0, index, page(content)))
    do(v, v.ops.madvise_pageout(0, index, 1))
    return v[v.at.pte[0][index]].slot


def counts(v: KernelView, *names: str) -> tuple[int, ...]:
    """Return counters of zram."""
    return tuple(v[getattr(v.at.zram.count, name)] for name in names)


def fails_at(name: str, times: int = 1000) -> Any:
    """Return an environment in which one thing fails so many times."""
    left = [times]

    def choose(point: ChoicePoint, options: Sequence[Any]) -> Any:
        if point.name == name and left[0]:
            left[0] -= 1
            return options[1]
        return options[0]

    return choose


def holds(v: KernelView, name: str) -> bool:
    """Whether every property of states holds."""
    return first_broken(v, at_rest(profile(name))) is None


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("content", "kind"),
    [(SAME, "same"), (2, "compressed"), (HUGE, "huge")],
    ids=["same", "compressed", "huge"],
)
def test_a_page_is_kept_as_a_word_compressed_or_as_it_is_and_read_back(
    name: str, content: int, kind: str
) -> None:
    v = system(name)
    slot = v[v.at.zram.slot[swap_out(v, content)]]

    assert (slot.same, slot.huge, slot.wb) == (kind == "same", kind == "huge", False)
    assert (slot.size == PAGE_SIZE) == slot.huge
    assert (slot.size == 0) == slot.same
    assert counts(v, "pages_stored", "same_pages", "huge_pages") == (1, slot.same, slot.huge)
    assert holds(v, name)
    assert do(v, v.ops.read_page(0, 0)) == page(content)


def test_a_same_filled_page_takes_eight_bytes_and_no_memory_of_the_pool() -> None:
    v = system("zram-6.12")
    slot = v[v.at.zram.slot[swap_out(v, 6)]]

    assert slot.handle == 2
    assert v[v.at.pool_pages[0]] == 0
    assert v[v.at.objects_used] == 1


def test_a_page_as_long_as_the_huge_class_is_stored_as_it_is() -> None:
    """A page that zsmalloc would give a page of its own all the same is not compressed."""
    v = system("zram-6.12")
    least = huge_class_size(v)
    assert 0 < least < PAGE_SIZE
    for length in (least - 1, least):
        made = profile("zram-6.12")
        codecs = {"tokens": Symbolic("tokens", (length,))}
        v = made.system(
            made.config(preset("toy"), codecs, compressor="tokens", zswap_enabled=False, initial_pool=False)
        )
        do(v, v.ops.write_page(0, 0, 2))
        do(v, v.ops.madvise_pageout(0, 0, 1))
        slot = v[v.at.zram.slot[v[v.at.pte[0][0]].slot]]
        assert (slot.huge, slot.size) == (length == least, PAGE_SIZE if length == least else length)


@pytest.mark.parametrize("name", ALL)
def test_a_slot_is_emptied_when_its_swap_slot_is_freed(name: str) -> None:
    v = system(name)
    index = swap_out(v, 2)
    v[v.at.slot_cache_active] = False
    do(v, v.ops.zap_pages(0, 0, 1))

    assert v[v.at.zram.slot[index]] == EMPTY
    assert counts(v, "notify_free", "miss_free", "pages_stored", "compr_data_size") == (1, 0, 0, 0)
    assert holds(v, name)


@pytest.mark.parametrize("name", BOTH)
def test_a_free_that_finds_the_lock_taken_is_missed_and_the_next_write_makes_up_for_it(name: str) -> None:
    v = system(name)
    index = swap_out(v, 2)
    place = v.at.zram.slot[index]
    v[place] = evolve(v[place], locked=True)
    v[v.at.slot_cache_active] = False
    do(v, v.ops.zap_pages(0, 0, 1))
    v[place] = evolve(v[place], locked=False)

    assert counts(v, "notify_free", "miss_free", "pages_stored") == (1, 1, 1)
    assert holds(v, name)
    assert swap_out(v, HUGE) == index
    assert counts(v, "pages_stored", "huge_pages") == (1, 1)
    assert holds(v, name)


def test_an_allocation_in_a_hurry_that_fails_is_tried_again_without_the_stream() -> None:
    v = system("zram-6.12")
    v.choose = fails_at("alloc_object", 1)
    assert swap_out(v, 2)
    assert counts(v, "writestall", "failed_writes", "pages_stored") == (1, 0, 1)
    assert holds(v, "zram-6.12")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("point", ["alloc_object", "compress"])
def test_a_page_that_cannot_be_stored_stays_in_memory_and_its_slot_as_it_was(name: str, point: str) -> None:
    v = system(name)
    v.choose = fails_at(point)
    do(v, v.ops.write_page(0, 0, page(2)))
    do(v, v.ops.madvise_pageout(0, 0, 1))

    folio = v[v.at.folio[1]]
    assert folio is not None
    assert (folio.dirty, folio.writeback, folio.locked) == (True, False, False)
    assert counts(v, "failed_writes", "pages_stored", "compr_data_size") == (1, 0, 0)
    assert v[v.at.objects_used] == 1
    assert holds(v, name)
    assert do(v, v.ops.read_page(0, 0)) == page(2)


@pytest.mark.parametrize("name", ALL)
def test_the_pool_is_no_larger_than_its_limit_and_words_go_past_it(name: str) -> None:
    v = system(name, limit=0)
    swap_out(v, 2)
    assert counts(v, "failed_writes", "pages_stored") == (1, 0)
    assert v[v.at.pool_pages[0]] == 0
    swap_out(v, SAME, 1)
    assert counts(v, "failed_writes", "pages_stored") == (1, 1)
    assert holds(v, name)


@pytest.mark.parametrize("name", BOTH)
def test_zswap_stands_before_zram_and_what_it_refuses_or_evicts_goes_there(name: str) -> None:
    v = system(name, zswap=True)
    index = swap_out(v, 2)
    assert v[v.at.zram.slot[index]] == EMPTY
    v.choose = fails_at("alloc_entry")
    refused = swap_out(v, 4, 1)
    assert v[v.at.zram.slot[refused]].size
    assert holds(v, name)
    assert do(v, v.ops.read_page(0, 1)) == page(4)


# --- writeback ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("content", [2, HUGE], ids=["compressed", "huge"])
def test_an_idle_page_goes_to_the_backing_device_and_is_read_back(name: str, content: int) -> None:
    v = system(name, backing=2)
    index = swap_out(v, content)
    do(v, v.ops.zram_idle())
    assert do(v, v.ops.zram_writeback("idle")) == 0

    slot = v[v.at.zram.slot[index]]
    assert (slot.wb, slot.size, slot.idle, slot.selected) == (True, 0, False, False)
    assert counts(v, "bd_count", "bd_writes", "pages_stored", "compr_data_size") == (1, 1, 1, 0)
    assert content_of(v, index) == page(content)
    assert holds(v, name)
    assert do(v, v.ops.read_page(0, 0)) == page(content)
    assert counts(v, "bd_reads") == (1,)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("mode", "idle", "gone"),
    [
        ("huge", False, 1),
        ("idle", True, 2),
        ("huge_idle", True, 1),
        ("idle", False, 0),
        ("huge_idle", False, 0),
    ],
)
def test_a_mode_says_which_slots_go(name: str, mode: str, idle: bool, gone: int) -> None:
    """Of a compressed, a huge and a same-filled page; the last never goes."""
    v = system(name, backing=3)
    for index, content in enumerate((2, HUGE, SAME)):
        swap_out(v, content, index)
    if idle:
        do(v, v.ops.zram_idle())
    assert do(v, v.ops.zram_writeback(mode)) == 0
    assert counts(v, "bd_count") == (gone,)
    assert holds(v, name)


@pytest.mark.parametrize("name", ALL)
def test_a_page_that_was_read_since_is_not_idle(name: str) -> None:
    v = system(name, backing=2)
    swap_out(v, 2)
    do(v, v.ops.zram_idle())
    do(v, v.ops.madvise_willneed(0, 0))
    assert do(v, v.ops.zram_writeback("idle")) == 0
    assert counts(v, "bd_count") == (0,)


@pytest.mark.parametrize("name", ALL)
def test_writeback_says_why_it_cannot_begin(name: str) -> None:
    v = system(name)
    assert do(v, v.ops.zram_writeback("idle")) == -errno.ENODEV
    v = system(name, backing=1)
    v[v.at.zram.busy] = True
    assert do(v, v.ops.zram_writeback("idle")) == -errno.EAGAIN


@pytest.mark.parametrize("name", ALL)
def test_a_full_backing_device_ends_the_pass(name: str) -> None:
    v = system(name, backing=1)
    for index in range(3):
        swap_out(v, HUGE + 5 * index, index)
    assert do(v, v.ops.zram_writeback("huge")) == -errno.ENOSPC
    assert counts(v, "bd_count", "huge_pages") == (1, 2)
    assert holds(v, name)


@pytest.mark.parametrize("name", ALL)
def test_a_write_that_fails_leaves_the_page_in_the_pool(name: str) -> None:
    v = system(name, backing=2)
    swap_out(v, HUGE)
    v.choose = fails_at("backing_io")
    assert do(v, v.ops.zram_writeback("huge")) == -errno.EIO
    assert counts(v, "bd_count", "bd_writes", "huge_pages") == (0, 0, 1)
    assert holds(v, name)


@pytest.mark.parametrize("name", ALL)
def test_a_page_that_cannot_be_decompressed_is_passed_over_by_writeback(name: str) -> None:
    v = system(name, backing=1)
    swap_out(v, 2)
    do(v, v.ops.zram_idle())
    v.choose = fails_at("decompress")
    assert do(v, v.ops.zram_writeback("idle")) == 0
    assert counts(v, "bd_count", "pages_stored") == (0, 1)
    assert holds(v, name)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("point", ["decompress", "backing_io"])
def test_a_read_that_fails_is_told_and_counted(name: str, point: str) -> None:
    v = system(name, backing=1)
    index = swap_out(v, 2)
    if point == "backing_io":
        do(v, v.ops.zram_idle())
        do(v, v.ops.zram_writeback("idle"))
    v.choose = fails_at(point)
    assert do(v, v.ops.read_page(0, 0)) == "SIGBUS"
    assert counts(v, "failed_reads") == (1,)
    assert content_of(v, index) == page(2)


# --- beside other parts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", "abc")
def test_a_thread_of_kcompressd_stores_what_waits_in_zram(letter: str) -> None:
    name = f"zram-kcompressd-{letter}"
    v = system(name)
    do(v, v.ops.write_page(0, 0, page(2)))
    run(v, v.ops.kswapd(1))
    assert counts(v, "pages_stored") == (0,)
    while (work := thread_work(v)) is not None:
        run(v, work)
    assert counts(v, "pages_stored") == (1,)
    assert v[v.at.si].synchronous_writes == (letter != "a")
    assert holds(v, name)
    assert list(ready(v)) == []


@pytest.mark.parametrize("letter", "abc")
def test_who_is_not_kswapd_stores_in_place_whatever_the_flag_says_of_writes(letter: str) -> None:
    """Zram completes a bio before its submission returns (K2)."""
    v = system(f"zram-kcompressd-{letter}")
    assert swap_out(v, 2)
    assert v[v.at.folio[1]] is None


def large(v: KernelView, *contents: int) -> None:
    """Write the pages of a folio of four, by default with what compresses."""
    do(v, v.ops.set_thp(2, True))
    for index, content in enumerate(contents or (2, 4, 7, 9)):
        do(v, v.ops.write_page(0, index, page(content)))


def second_time(name: str) -> Any:
    """Return an environment in which the second of a thing fails."""
    seen = [0]

    def choose(point: ChoicePoint, options: Sequence[Any]) -> Any:
        seen[0] += point.name == name
        return options[1] if point.name == name and seen[0] == 2 else options[0]

    return choose


@pytest.mark.parametrize(("name", "left"), [("zram-7.3", 1), ("zram-batching", 0)])
@pytest.mark.parametrize("point", ["compress", "alloc_object"])
def test_a_folio_that_fails_half_way_leaves_pages_behind_only_without_batches(
    name: str, left: int, point: str
) -> None:
    """Page by page, those before the failure are in their slots; the folio is dirty, so nothing is lost either way."""
    v = system(name)
    large(v)
    v.choose = second_time(point)
    do(v, v.ops.madvise_pageout(0, 0, 4))

    folio = v[v.at.folio[1]]
    assert folio is not None
    assert folio.dirty
    assert counts(v, "pages_stored", "failed_writes") == (left, 1)
    assert holds(v, name)


def test_a_batch_that_fails_changes_nothing_but_the_count_of_failures() -> None:
    v = system("zram-batching")
    large(v)
    run(v, v.ops.add_to_swap(folio=1))
    v.choose = second_time("alloc_object")
    before = v.snapshot()
    assert run(v, v.ops.zram_bio_write(folio=1)) == -errno.ENOMEM
    changed = [v.layout.name(place) for place, was in enumerate(before) if v[place] != was]
    assert changed == ["zram.failed_writes"]


def test_same_filled_pages_of_a_batch_go_past_the_compressor() -> None:
    v = system("zram-batching")
    contents = (2, SAME, 4, HUGE)
    large(v, *contents)
    do(v, v.ops.madvise_pageout(0, 0, 4))
    assert counts(v, "pages_stored", "same_pages", "huge_pages") == (4, 1, 1)
    assert [do(v, v.ops.read_page(0, index)) for index in range(4)] == [page(each) for each in contents]
    assert holds(v, "zram-batching")
