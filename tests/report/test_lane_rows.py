"""What of a run is worth a row."""

from __future__ import annotations

from typing import Any

import pytest

from refmodel.engines.interleaving import Turn, TurnRecord
from refmodel.engines.replay import Answer, Change, StepRecord
from refmodel.engines.rerun import rerun
from refmodel.engines.violation import Violation
from refmodel.kernel.state import FREE_SLOT, Folio, SwapSlot
from refmodel.report.lane_rows import Row, change_text, stretches
from refmodel.report.story import Story, of_rerun
from tests.engines.scheduled import CROSSED
from tests.engines.simple import NO_COUNT


def step(actor: int, name: str, *changes: Change, label: str | None = None, **more: Any) -> TurnRecord:
    """Return a turn of one step."""
    answers = more.pop("answers", ())
    return TurnRecord(Turn(actor), "", label, (StepRecord("Op", name, answers, (), changes),), **more)


def rows(*turns: TurnRecord, found: str | None = None, unfold: bool = False) -> list[list[Row]]:
    """Return the rows of turns."""
    violation = None if found is None else Violation("ZS-1", "A sentence.", found, "at rest")
    return stretches(Story("", "", ("a", "b"), (), {}, turns, violation), unfold=unfold)


LOCK, UNLOCK = Change("ptl[0]", False, True), Change("ptl[0]", True, False)
STORED = Change("tree[1]", 0, 1)
BUSY = step(1, "begin", label="other()")
"""Something is under way meanwhile, so steps are not told all in one."""


def test_rows_between_two_switches_stand_together() -> None:
    assert [
        [row.actor for row in some] for some in rows(BUSY, step(0, "a"), step(0, "b", STORED), step(1, "c"))
    ] == [
        [1],
        [0, 0],
        [1],
    ]


def test_what_is_undone_before_the_next_switch_is_left_out() -> None:
    _, some = rows(BUSY, step(0, "lock", LOCK), step(0, "put", STORED), step(0, "unlock", UNLOCK))

    assert [row.changes for row in some] == [(), ("tree[1] 0 -> 1",), ()]


def test_what_another_actor_can_see_is_not_left_out() -> None:
    _, some, _, last = rows(BUSY, step(0, "lock", LOCK), step(1, "look"), step(0, "unlock", UNLOCK))

    assert (some[0].changes, last[0].changes) == (("ptl[0] set",), ("ptl[0] cleared",))


def test_what_happens_to_an_object_that_is_freed_is_left_out() -> None:
    folio, dirty = Folio(0, 1, (0,)), Folio(0, 1, (0,), dirty=True)
    changed, freed = Change("folio[1]", folio, dirty), Change("folio[1]", dirty, None)
    _, some = rows(BUSY, step(0, "dirty", changed), step(0, "free", freed))

    assert [row.changes for row in some] == [(), ("folio[1] freed",)]


def test_steps_that_change_nothing_are_folded() -> None:
    _, some = rows(BUSY, step(0, "a"), step(0, "b"), step(0, "c", STORED), step(0, "d"), step(0, "e"))

    assert [row.steps for row in some] == [("Op.a", "Op.b"), ("Op.c",), ("Op.d",), ("Op.e",)]


def test_a_choice_that_is_not_the_first_answer_is_worth_a_row() -> None:
    failed = (Answer("alloc_entry", 1, 2, True),)
    _, some = rows(BUSY, step(0, "a"), step(0, "b", answers=failed), step(0, "c"), step(0, "d"))

    assert [row.choices for row in some] == [(), ("alloc_entry fails",), (), ()]


def test_what_runs_alone_is_one_row_with_what_it_changed_in_all() -> None:
    grown = Change("tree[1]", 1, 2)
    (some,) = rows(step(0, "a", STORED, label="store()"), step(0, "b", grown), step(0, "c", ended=True))

    assert some == [
        Row(0, 1, "store()", ("Op.a", "Op.b", "Op.c"), changes=("tree[1] 0 -> 2",), returned="None")
    ]


def test_what_leads_to_the_violation_is_told_step_by_step() -> None:
    (some,) = rows(step(0, "a", STORED, label="store()"), step(0, "b", LOCK), found="wrong")

    assert [row.steps for row in some] == [("Op.a",), ("Op.b",)]


def test_counters_are_told_where_the_violation_speaks_of_them() -> None:
    counted = step(0, "count", Change("zs.stored_pages", 0, 1))

    assert rows(counted, found="something else")[0][0].changes == ()
    assert rows(counted, found="stored_pages is 1; expected 0")[0][0].changes == ("zs.stored_pages 0 -> 1",)


def test_unfolding_leaves_nothing_out() -> None:
    steps = sum(len(turn.steps) for turn in rerun(CROSSED, NO_COUNT).turns)
    some = stretches(of_rerun(rerun(CROSSED, NO_COUNT)), unfold=True)
    changes = [text for stretch in some for row in stretch for text in row.changes]

    assert sum(len(stretch) for stretch in some) == steps
    assert "entries_used 1 -> 3" in changes
    assert "vm.nr_swapcached 0 -> 1" in changes


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (STORED, "tree[1] 0 -> 1"),
        (LOCK, "ptl[0] set"),
        (UNLOCK, "ptl[0] cleared"),
        (Change("slot[1]", FREE_SLOT, SwapSlot(1, True)), "slot[1] count 0 -> 1, cache"),
        (Change("slot[1]", SwapSlot(1, True), SwapSlot(1)), "slot[1] not cache"),
        (
            Change("folio[1]", None, Folio(0, 1, (0,), locked=True)),
            "folio[1] new: nid 0, memcg 1, contents (0), locked",
        ),
        (Change("folio[1]", Folio(0, 1, (0,)), None), "folio[1] freed"),
        (Change("lru[1][0]", (), (1,)), "lru[1][0] () -> (1)"),
    ],
)
def test_a_change_takes_few_words(change: Change, text: str) -> None:
    assert change_text(change) == text


def test_hidden_fields_are_left_out_of_a_change() -> None:
    change = Change("slot[1]", FREE_SLOT, SwapSlot(1, True))

    assert change_text(change, ["count"]) == "slot[1] cache"
    assert change_text(change, ["count", "cache"]) == ""
    assert change_text(change, None) == ""
