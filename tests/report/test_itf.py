"""Runs in the Informal Trace Format."""

import json
from typing import Any

import attrs
import pytest

from refmodel.engines.replay import Change
from refmodel.engines.rerun import rerun
from refmodel.kernel.state import SwapSlot
from refmodel.report.itf import itf
from refmodel.report.story import of_rerun
from tests.engines.scheduled import BROKEN
from tests.engines.simple import NO_COUNT

STORY = of_rerun(rerun(BROKEN, NO_COUNT))
TRACE = itf(STORY)
NOTHING = {"tag": "None", "value": {"#tup": []}}


def test_there_is_a_state_after_each_step_and_one_before_the_first() -> None:
    states = TRACE["states"]

    assert [state["#meta"]["index"] for state in states] == list(range(len(BROKEN.schedule) + 1))
    assert [states[n]["action"] for n in (0, 1)] == ["init", "WritePage.access"]
    assert (states[1]["actor"], states[1]["turn"]) == ("writer", 1)


def test_every_state_has_every_variable() -> None:
    for state in TRACE["states"]:
        assert set(state) == {"#meta", *TRACE["vars"]}


def test_components_have_their_names_and_records_their_fields() -> None:
    last = TRACE["states"][-1]

    assert last["tree[1]"] == 1
    assert last["slot[1]"] == attrs.asdict(SwapSlot(1, False, 1))
    assert last["lru[1][0]"] == {"#tup": [1]}
    assert (TRACE["states"][0]["entry[1]"], last["entry[1]"]["length"]) == (NOTHING, 1024)


def test_the_violation_is_described() -> None:
    assert STORY.violation is not None
    assert TRACE["#meta"]["description"] == f"Run on no-count, scope small: ZS-1: {STORY.violation.found}"
    assert json.loads(json.dumps(TRACE)) == TRACE


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (2**53, {"#bigint": "9007199254740992"}),
        (-5, -5),
        (True, True),
        ("max", "max"),
        (bytes(4096), "page of zeroes"),
        ((1, None), {"#tup": [1, NOTHING]}),
    ],
)
def test_values_are_written_as_the_format_wants_them(value: Any, written: Any) -> None:
    turn = STORY.turns[0]
    step = attrs.evolve(turn.steps[0], changes=(Change("tree[1]", 0, value),))
    trace = itf(attrs.evolve(STORY, turns=(attrs.evolve(turn, steps=(step,)),)))

    assert trace["states"][1]["tree[1]"] == written
