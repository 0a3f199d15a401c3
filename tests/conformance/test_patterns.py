"""Page patterns: recorded checksums, and what each pattern is for."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.conformance.patterns import PATTERNS, crc, page, splitmix64, store_byte
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import is_zero, same_filled_word

RECORDED = [
    ("lifecycle-6.12", "zero", 575183, 4096, 3340501009),
    ("lifecycle-6.18", "same", 112446, 4096, 88671544),
    ("lifecycle-6.1", "nsame", 822468, 4096, 3783370900),
    ("compressors-6.12", "rand", 879235, 4096, 2003864808),
    ("folios-7.3", "rand", 7002, 4096, 320436462),
    ("maxzero-6.18", "mix", 542451, 64, 845633571),
    ("compressors-6.12", "mix", 735776, 500, 1884300878),
    ("limits-7.3", "mix", 258456, 3500, 1864404480),
    ("lifecycle-7.3", "text", 255700, 4096, 2506166580),
    ("folios-6.12", "text", 2014, 2500, 2029568528),
]
"""Trace, pattern, seed, length in bytes, CRC-32 of the page as the kernel handed it back."""

RECORDED_AFTER_STORES = [
    ("lifecycle-6.12", "zero", 431822, 4096, [(2178, 62)], 1634416202),
    ("lifecycle-6.1", "nsame", 553278, 4096, [(179, 28), (3646, 15)], 1821290943),
    ("syncdev-6.12", "mix", 918109, 2000, [(1735, 12), (44, 141)], 119757364),
    ("lifecycle-7.3", "rand", 800265, 4096, [(1344, 85), (1284, 235)], 255117390),
]
"""The same, with the stores (offset, value) between the write and the read."""

RECORDED_RANGES = [
    ("pressure-6.12", "mix", 132390, 3400, 603, 1606112578),
    ("pressure-zbud-6.1", "mix", 138603, 3400, 293, 3381584519),
]
"""The same for `fillrange`: trace, pattern, seed of the range, length, page number, CRC-32."""

SEEDS = st.integers(min_value=0, max_value=2**64 - 1)


@pytest.mark.parametrize(("trace", "kind", "seed", "length", "recorded"), RECORDED)
def test_a_rebuilt_page_has_the_recorded_checksum(
    trace: str, kind: str, seed: int, length: int, recorded: int
) -> None:
    """A page rebuilt from its name has the checksum that the trace holds for it."""
    assert recorded == crc(page(kind, seed, length))


@pytest.mark.parametrize(("trace", "kind", "seed", "length", "stores", "recorded"), RECORDED_AFTER_STORES)
def test_a_page_after_stores_has_the_recorded_checksum(
    trace: str, kind: str, seed: int, length: int, stores: list[tuple[int, int]], recorded: int
) -> None:
    """Stores of single bytes change the rebuilt page as they changed the recorded one."""
    content = page(kind, seed, length)
    for offset, value in stores:
        content = store_byte(content, offset, value)

    assert recorded == crc(content)


@pytest.mark.parametrize(("trace", "kind", "seed", "length", "number", "recorded"), RECORDED_RANGES)
def test_a_page_of_a_range_is_seeded_by_its_number_in_the_worker(
    trace: str, kind: str, seed: int, length: int, number: int, recorded: int
) -> None:
    """Page number p of a filled range has the seed of the range plus p, wherever the range starts."""
    assert recorded == crc(page(kind, seed + number, length))


def test_the_generator_is_splitmix64() -> None:
    """The first outputs for seed 1234567 are those published for splitmix64."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]

    assert expected == list(islice(splitmix64(1234567), 4))


@given(kind=st.sampled_from(list(PATTERNS)), seed=SEEDS, length=st.integers(0, PAGE_SIZE))
def test_every_pattern_fills_exactly_one_page(kind: str, seed: int, length: int) -> None:
    """Every pattern, seed and length names one page of 4096 bytes, always the same."""
    content = page(kind, seed, length)

    assert len(content) == PAGE_SIZE
    assert content == page.__wrapped__(kind, seed, length)


@given(seed=SEEDS)
def test_zero_and_same_and_nsame_differ_in_what_fills_them(seed: int) -> None:
    """`zero` is filled with zeroes, `same` with one word, `nsame` misses that by one bit of its last word."""
    word = next(splitmix64(seed))
    same, nsame = page("same", seed), page("nsame", seed)

    assert is_zero(page("zero", seed))
    assert word == same_filled_word(same)
    assert same_filled_word(nsame) is None
    assert same == store_byte(nsame, PAGE_SIZE - 8, nsame[-8] ^ 1)


@given(seed=SEEDS, length=st.integers(0, PAGE_SIZE))
def test_mix_is_random_words_then_zeroes(seed: int, length: int) -> None:
    """`mix` agrees with `rand` in the whole words of its length and is zero from there on."""
    words = length // 8 * 8

    assert page("rand", seed)[:words].ljust(PAGE_SIZE, b"\0") == page("mix", seed, length)


def test_text_is_words_and_blanks() -> None:
    """`text` starts with whole words of the list; only the last word of a page may be cut."""
    words = page("text", 255700).split(b" ")

    assert set(words[:-1]) <= set(
        b"swap page node entry folio queue batch store load tree slot cgroup worker device zone list".split()
    )


def test_an_unknown_pattern_is_refused_with_the_known_ones() -> None:
    """The error for an unknown pattern lists the patterns that exist."""
    with pytest.raises(ValueError, match="'noise'; known are zero, same, nsame, rand, mix, text"):
        page("noise", 1)


@pytest.mark.parametrize("length", [-1, PAGE_SIZE + 1])
def test_a_length_beyond_the_page_is_refused(length: int) -> None:
    """A length that no page has is an error, not a shorter or longer page."""
    with pytest.raises(ValueError, match=f"length {length} is not in 0 to 4096 bytes"):
        page("mix", 1, length)


@pytest.mark.parametrize(("offset", "value"), [(-1, 0), (PAGE_SIZE, 0), (0, 256), (0, -1)])
def test_a_store_outside_the_page_or_of_no_byte_is_refused(offset: int, value: int) -> None:
    """A store never moves, shortens or lengthens the page."""
    with pytest.raises(ValueError, match="store "):
        store_byte(bytes(PAGE_SIZE), offset, value)


@given(offset=st.integers(0, PAGE_SIZE - 1), value=st.integers(0, 255))
def test_a_store_changes_one_byte(offset: int, value: int) -> None:
    """A store changes the byte at its offset and no other."""
    before = page("rand", 7)
    after = store_byte(before, offset, value)

    assert value == after[offset]
    assert before == store_byte(after, offset, before[offset])
