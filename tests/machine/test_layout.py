"""Layouts: places of components and their names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from refmodel.machine import Layout, Place


def column_number(column: int) -> int:
    """Return what a cell of a grid starts with: the number of its column."""
    return column


def test_places_follow_each_other() -> None:
    """Families are handed out one after the other, in the order in which they are asked for."""
    layout = Layout()
    one = layout.one("one", "a")
    row = layout.row("row", 3, 0)
    grid: Sequence[Sequence[Place[int]]] = layout.grid("grid", 2, 2, column_number)

    assert one == 0
    assert list(row) == [1, 2, 3]
    assert [list(r) for r in grid] == [[4, 5], [6, 7]]
    assert layout.initial == ("a", 0, 0, 0, 0, 1, 0, 1)


def test_a_place_is_named_as_a_person_would_write_it() -> None:
    """Single components have no index, rows one, grids two."""
    layout = Layout()
    one, row, grid = layout.one("one", 0), layout.row("row", 2, 0), layout.grid("grid", 2, 3, 0)

    assert layout.name(one) == "one"
    assert layout.name(row[1]) == "row[1]"
    assert layout.name(grid[1][2]) == "grid[1][2]"


def test_a_family_tells_what_it_is_for() -> None:
    """Counters and ghosts are marked, so that engines can leave them out."""
    layout = Layout()
    layout.counter("count")
    layout.one("truth", 0, ghost=True)

    assert layout.family(0).counter
    assert layout.family(1).ghost


def test_a_place_outside_the_system_is_an_error() -> None:
    """The error names the place and the places that exist."""
    layout = Layout()
    layout.one("one", 0)

    with pytest.raises(IndexError, match="place 7: this system has places 0 to 0"):
        layout.name(7)
