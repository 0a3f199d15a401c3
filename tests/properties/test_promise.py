"""The promise: who holds the bytes of a swapped-out page."""

from __future__ import annotations

import pytest

from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.state import UNKNOWN
from refmodel.kernel.table import KernelView
from refmodel.machine import evolve
from refmodel.museum.exhibit import Command, do, play
from refmodel.profiles import profile
from refmodel.properties.promise import NOTHING, authority, entry_content, same, shown
from tests.properties.mutants import OUT, READ, WRITE, mutant


def after(kernel: str, *program: Command) -> KernelView:
    """Return the system after a program on a released kernel."""
    bare = mutant("", kernel, {}, (), *program)
    *_, (v, _) = play(bare, profile(kernel))
    return v


def test_a_stored_page_is_read_from_zswap() -> None:
    v = after("linux-7.3", WRITE, OUT)
    assert authority(v, 1) == 1


def test_the_swap_cache_comes_before_zswap() -> None:
    v = after("linux-7.3", WRITE, OUT, do("madvise_willneed", mm=0, page=0))
    number = v[v.at.swap_cache[1]]
    folio = v[v.at.folio[number]]
    assert folio is not None
    v[v.at.folio[number]] = evolve(folio, contents=(7,))
    assert authority(v, 1) == 7


def test_a_folio_that_was_not_filled_holds_nothing() -> None:
    v = after("linux-7.3", WRITE, OUT, do("read_page", {"decompress": (1,)}, mm=0, page=0))
    assert v[v.at.swap_cache[1]]
    assert authority(v, 1) == 1


def test_the_zero_flag_comes_before_zswap() -> None:
    v = after("linux-7.3", WRITE, OUT)
    v[v.at.zeromap[1]] = True
    assert authority(v, 1) == ZERO_PAGE


def test_the_device_comes_last() -> None:
    v = after("linux-7.3", WRITE, OUT)
    v[v.at.tree[1]] = 0
    assert authority(v, 1) == UNKNOWN


def test_a_virtual_entry_without_a_block_holds_nothing() -> None:
    v = after("vswap-v6", WRITE, OUT)
    entry = next(slot for slot, place in enumerate(v.at.tree) if v[place])
    assert authority(v, entry) == 1
    v[v.at.tree[entry]] = 0
    assert authority(v, entry) == NOTHING


def test_a_same_filled_page_is_its_word() -> None:
    v = after("linux-6.1", do("write_page", mm=0, page=0, content=-5), OUT)
    assert v[v.at.vm.nr_zspages] == 0
    assert authority(v, 1) == -5


def test_an_entry_that_was_freed_holds_nothing() -> None:
    v = after("linux-7.3", WRITE, OUT, READ)
    assert entry_content(v, 1) == NOTHING


@pytest.mark.parametrize(
    ("one", "other", "alike"), [(0, ZERO_PAGE, True), (1, 1, True), (1, 2, False), (0, 1, False)]
)
def test_the_page_of_zeroes_has_two_spellings(one: object, other: object, alike: bool) -> None:
    assert same(one, other) is alike


def test_contents_are_shown_in_a_few_words() -> None:
    assert shown(0) == shown(ZERO_PAGE) == "the page of zeroes"
    assert shown(3) == "3"
    assert shown(b"\1" * 4096) == "bytes with CRC-32 3ad9e426"
