"""The recorder knows what a step reads and writes, field by field, and changes nothing by looking."""

from __future__ import annotations

from typing import Any

import pytest

from refmodel.machine import Layout, View, component, evolve
from refmodel.machine.recorder import ABSENT, Recorder, Unkept, cells_of, plain, recording_view


@component
class Page:
    content: int = 0
    dirty: bool = False


LAYOUT = Layout()
NUMBERED: Any = [None, Page(), Page()]
PAGES: Any = LAYOUT.row("page", 3, lambda n: NUMBERED[n])
ORDER = LAYOUT.one("order", (1, 2))
COUNT = LAYOUT.counter("count")


@pytest.fixture
def recorder() -> Recorder:
    made = Recorder(len(LAYOUT.initial), frozenset({COUNT}))
    cells: dict[Any, Any] = {}
    for place, value in enumerate(LAYOUT.initial):
        cells |= cells_of(place, value)
    made.begin(lambda cell: cells.get(cell, ABSENT))
    return made


@pytest.fixture
def view(recorder: Recorder) -> Any:
    return recording_view(View(LAYOUT.initial), recorder)


def test_a_field_that_is_looked_at_is_read_and_no_other(view: Any, recorder: Recorder) -> None:
    assert view[PAGES[1]].dirty is False
    assert list(recorder.read) == [(PAGES[1], ""), (PAGES[1], "dirty")]


def test_a_copy_that_is_stored_writes_what_it_changed_and_leaves_the_rest_unread(
    view: Any, recorder: Recorder
) -> None:
    view[PAGES[1]] = evolve(view[PAGES[1]], dirty=True)
    assert recorder.written == {(PAGES[1], "dirty"): True}
    assert (PAGES[1], "content") not in recorder.read


def test_what_was_written_is_read_back(view: Any) -> None:
    view[PAGES[1]] = Page(content=7)
    assert view[PAGES[1]] == Page(content=7)
    assert view[PAGES[1]].content == 7


def test_an_older_copy_that_is_stored_takes_newer_changes_back(view: Any) -> None:
    old = view[PAGES[1]]
    view[PAGES[1]] = evolve(old, content=7)
    view[PAGES[1]] = evolve(old, dirty=True)
    assert view[PAGES[1]] == Page(content=0, dirty=True)


def test_a_record_that_goes_leaves_no_fields(view: Any, recorder: Recorder) -> None:
    view[PAGES[1]] = None
    assert recorder.written == {
        (PAGES[1], ""): None,
        (PAGES[1], "content"): ABSENT,
        (PAGES[1], "dirty"): ABSENT,
    }


def test_a_record_that_is_stored_elsewhere_is_read_as_a_whole(view: Any, recorder: Recorder) -> None:
    view[PAGES[0]] = view[PAGES[1]]
    assert {(PAGES[1], "content"), (PAGES[1], "dirty")} <= set(recorder.read)
    assert view[PAGES[0]] == Page()


def test_stand_ins_are_equal_to_the_records_that_they_stand_for(view: Any) -> None:
    assert view[PAGES[1]] == Page()
    assert Page() == view[PAGES[1]]
    assert view[PAGES[1]] != Page(dirty=True)
    assert hash(view[PAGES[1]]) == hash(Page())
    assert repr(view[PAGES[1]]) == repr(Page())


def test_a_counter_that_is_only_added_to_is_not_looked_at(view: Any, recorder: Recorder) -> None:
    recorder.kept.add(COUNT)
    view[COUNT] += 2
    view[COUNT] -= 1
    assert recorder.added == {COUNT: 1}
    assert not recorder.read


def test_a_counter_that_decides_something_is_looked_at(view: Any, recorder: Recorder) -> None:
    recorder.kept.add(COUNT)
    view[COUNT] += 2
    assert view[COUNT] == 2
    assert (COUNT, "") in recorder.read


def test_a_counter_that_is_not_kept_cannot_be_looked_at(view: Any) -> None:
    view[COUNT] += 1
    with pytest.raises(Unkept) as caught:
        bool(view[COUNT])
    assert caught.value.place == COUNT


def test_a_slice_of_a_row_gives_its_components(view: Any) -> None:
    assert view[PAGES[0] : PAGES[2] + 1] == [None, Page(), Page()]


def test_plain_values_hold_no_stand_ins(view: Any) -> None:
    found = plain((1, view[PAGES[1]]))
    assert found == (1, Page())
    assert type(found[1]) is Page
