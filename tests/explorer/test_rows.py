"""Rows are numbers, and a table of them is exact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("numpy", reason="the extra speed is not installed")

from refmodel.engines.explorer.arrays.rows import Index, Rows, field_of, width_of
from refmodel.engines.explorer.bits import insert_bits

BITS = 150
NUMBERS = st.lists(st.integers(0, (1 << BITS) - 1) | st.integers(0, 300), min_size=1, max_size=200)
WIDTH = width_of(BITS)


@given(NUMBERS)
def test_rows_are_the_numbers_that_they_are_made_of(numbers: list[int]) -> None:
    rows = Rows.of(numbers, WIDTH)
    assert list(rows) == numbers
    assert rows[-1] == numbers[-1]
    assert list(rows[1:]) == numbers[1:]


@given(NUMBERS, st.integers(0, BITS), st.integers(1, 40))
def test_bits_are_inserted_into_all_rows(numbers: list[int], position: int, count: int) -> None:
    rows = Rows.of(numbers, WIDTH).widened(width_of(BITS + count))
    assert list(rows.inserted(position, count)) == insert_bits(numbers, position, count)


@given(NUMBERS, st.integers(0, BITS - 10), st.integers(1, 10))
def test_a_field_may_reach_into_the_next_word(numbers: list[int], offset: int, bits: int) -> None:
    low = (1 << bits) - 1
    assert field_of(Rows.of(numbers, WIDTH).words, offset, low).tolist() == [
        n >> offset & low for n in numbers
    ]


@given(NUMBERS, NUMBERS)
def test_a_table_has_each_row_once(first: list[int], second: list[int]) -> None:
    """What ``add`` returns are the new rows, in the order of their numbers."""
    index, expected = Index(WIDTH), dict[int, None]()
    for numbers in (first, second):
        new = [numbers[at] for at in index.add(Rows.of(numbers, WIDTH).words).tolist()]
        assert sorted(new) == sorted(dict.fromkeys(numbers).keys() - expected.keys())
        expected |= dict.fromkeys(new)
        assert list(index.rows()) == list(expected)
    numbers = [*first, *second, 1 << BITS]
    found = index.find(Rows.of(numbers, WIDTH).words).tolist()
    assert found == [list(expected).index(n) if n in expected else -1 for n in numbers]


@given(NUMBERS, NUMBERS)
def test_rows_that_were_added_last_can_be_forgotten(first: list[int], second: list[int]) -> None:
    index = Index(WIDTH)
    index.add(Rows.of(first, WIDTH).words)
    before = index.count
    index.add(Rows.of(second, WIDTH).words)
    index.cut(before)
    assert sorted(index.rows()) == sorted(set(first))
    found = index.find(Rows.of(second, WIDTH).words).tolist()
    assert [number >= 0 for number in found] == [n in first for n in second]


def test_a_table_grows() -> None:
    index = Index(1)
    for start in range(0, 30_000, 1_000):
        index.add(Rows.of(range(start, start + 1_500), 1).words)
    assert sorted(index.rows()) == list(range(30_500))
    assert sorted(index.find(Rows.of(range(30_500), 1).words).tolist()) == list(range(30_500))


@given(NUMBERS, st.integers(0, (1 << BITS) - 1))
def test_one_row_is_chosen_for_each_value_of_some_bits(numbers: list[int], mask: int) -> None:
    rows = Rows.of(numbers, WIDTH)
    chosen = [n & mask for n in rows.different(mask)]
    assert sorted(chosen) == sorted({n & mask for n in numbers})
    assert list(rows.where(mask, lambda n: n % 3 == 0)) == [n for n in numbers if (n & mask) % 3 == 0]
