"""A schedule run again."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refmodel.engines.command import Command
from refmodel.engines.interleaving import Turn
from refmodel.engines.replay import Change
from refmodel.engines.rerun import rerun, rerun_token
from refmodel.engines.schedule_token import ScheduledRun, encode_run
from refmodel.engines.scope import SMALL, Scope, Thread
from refmodel.engines.token import BadToken
from refmodel.kernel.choices import DECOMPRESS
from refmodel.profiles import profile
from tests.engines.scheduled import BROKEN, DEADLOCK, GRABBING, PAGEOUT, READ, SCOPE, WRITE, run_of
from tests.engines.simple import LINUX, NO_COUNT, Raising, Waiting, with_write


def test_a_rerun_has_every_turn_with_what_it_did() -> None:
    seen = rerun(run_of(LINUX), LINUX)
    steps = {f"{step.operation}.{step.step}": step for turn in seen.turns for step in turn.steps}

    assert seen.violation is None
    assert seen.actors[:2] == ("writer", "reclaim")
    assert seen.turns[0].label == "write(mm=0, page=0, content=2)"
    assert steps["ZswapStore73.publish"].changes == (Change("tree[1]", 0, 1),)
    assert seen.turns[-1].ended


def test_changes_add_up_to_the_state_at_the_end() -> None:
    seen = rerun(run_of(LINUX), LINUX)
    state = dict(seen.initial)
    for change in (c for turn in seen.turns for step in turn.steps for c in step.changes):
        assert state[change.place] == change.before
        state[change.place] = change.after

    assert state["tree[1]"] == 1


def test_a_rerun_ends_with_the_violation() -> None:
    seen = rerun(attrs.evolve(BROKEN, schedule=(*BROKEN.schedule, Turn(0, 0))), NO_COUNT)

    assert seen.violation is not None
    assert (seen.violation.property, seen.violation.where) == ("ZS-1", "at rest")
    assert len(seen.turns) == len(BROKEN.schedule)


def test_a_step_that_raises_is_the_last_one() -> None:
    planted = with_write(Raising)
    seen = rerun(ScheduledRun("planted", SCOPE, (Turn(0, 0), Turn(0))), planted)

    assert seen.violation is not None
    assert seen.violation.property == "LIVE"
    assert [(step.step, step.raised) for turn in seen.turns for step in turn.steps] == [("access", True)]


def test_a_deadlock_names_who_waits_for_what() -> None:
    seen = rerun(DEADLOCK, GRABBING)

    assert seen.violation is not None
    assert seen.violation.property == "PROGRESS"
    assert [(each.name, each.step, each.what) for each in seen.waiting] == [
        ("task 1", "Grabbing.wait_for_mm", "the mmap lock of process 0"),
        ("task 2", "Grabbing.wait_for_table", "the page-table lock of process 0"),
    ]


def test_waiting_is_no_deadlock_while_somebody_can_go_on() -> None:
    scope = attrs.evolve(
        DEADLOCK.scope,
        threads=(*DEADLOCK.scope.threads, Thread("scan", (Command("shrinker_scan", (1, 0, 1)),))),
        initial=(Command("shrinker_enabled", (1,)),),
    )
    seen = rerun(ScheduledRun("grabbing", scope, (Turn(2, 0), Turn(0, 0), Turn(1, 0))), GRABBING)

    assert [each.name for each in seen.waiting] == ["task 1", "task 2"]
    assert seen.violation is None


def test_a_kernel_that_stops_halts_the_rerun() -> None:
    which = profile("linux-6.12")
    scope = Scope("damage", (Thread("task", (WRITE, PAGEOUT, READ)),), faults=(DECOMPRESS.name,))
    stored = run_of(which, scope, ((0, 99), (0, 99), (0, 99)))
    asked = [[a.choice for step in turn.steps for a in step.answers] for turn in rerun(stored, which).turns]
    place = asked.index([DECOMPRESS.name])
    failing = (*stored.schedule[:place], attrs.evolve(stored.schedule[place], answers=(1,)))
    seen = rerun(attrs.evolve(stored, schedule=(*failing, Turn(0))), which)

    assert (seen.halted, seen.violation) == (True, None)


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ((Turn(0),), "turn 1: actor 0 goes on, which it cannot here"),
        ((Turn(0, 1),), "turn 1: actor 0 starts its number 1, which it cannot here"),
        ((Turn(0, 0), Turn(0, 0)), "turn 2: actor 0 starts its number 0, which it cannot here"),
        ((Turn(99, 0),), "turn 1: actor 99 starts its number 0, which it cannot here"),
    ],
)
def test_a_turn_that_cannot_be_taken_is_a_bad_token(turns: tuple[Turn, ...], message: str) -> None:
    with pytest.raises(BadToken, match=message):
        rerun(ScheduledRun("linux-7.3", SCOPE, turns), LINUX)


def test_a_turn_that_would_have_to_wait_is_a_bad_token() -> None:
    planted = with_write(Waiting)
    with pytest.raises(BadToken, match="turn 1: writer cannot take it, it would wait"):
        rerun(ScheduledRun("planted", SCOPE, (Turn(0, 0),)), planted)


def test_a_scope_that_cannot_be_built_is_a_bad_token() -> None:
    sizes = attrs.evolve(SMALL, folios=1)
    scope = attrs.evolve(
        SCOPE, sizes=sizes, initial=(WRITE, Command("fork", (0,)), Command("write", (1, 0, 3)))
    )
    with pytest.raises(BadToken, match="token of scope"):
        rerun(ScheduledRun("linux-7.3", scope, ()), LINUX)


def test_an_initial_command_that_breaks_a_property_is_a_bad_token() -> None:
    scope: Any = attrs.evolve(SCOPE, initial=(Command("write", (0, 0, 2)),))
    with pytest.raises(BadToken, match="token of scope small: initial write"):
        rerun(ScheduledRun("planted", scope, ()), with_write(Raising))


def test_a_token_is_all_that_a_rerun_needs() -> None:
    assert rerun_token(encode_run(run_of(LINUX))).violation is None
