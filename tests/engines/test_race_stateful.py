"""The rule-based machines that race."""

import re

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from refmodel.engines.command import Command
from refmodel.engines.race_stateful import RaceBroken, race_machine_for
from refmodel.engines.rerun import rerun_token
from tests.engines.racing import CROSSED
from tests.engines.simple import LINUX

SHORT = settings(max_examples=8, stateful_step_count=12, database=None, deadline=None, derandomize=True)

Machine = race_machine_for(LINUX)
TestCompressedSwapRace = Machine.TestCase
TestCompressedSwapRace.settings = SHORT

ONE, OTHER = Command("write", (0, 0, 1)), Command("write", (0, 1, 1))


def test_a_broken_property_is_told_with_its_turns_and_a_token() -> None:
    """Both writes have one lock each and wait for the other one."""
    state = race_machine_for(CROSSED)()
    state.begin(0, ONE, until=1)
    state.begin(1, OTHER, until=1)
    with pytest.raises(RaceBroken) as caught:
        state.rest()

    text = str(caught.value)
    assert text.startswith("PROGRESS: ")
    assert "task 1: write(mm=0, page=0, content=1), 1 steps" in text
    assert rerun_token(text.split()[-1], {CROSSED.name: CROSSED}).violation == caught.value.violation


def test_what_was_begun_before_comes_to_its_end_first() -> None:
    state = Machine()
    state.begin(0, ONE, until=2)
    state.begin(0, OTHER)
    state.go_on(1)
    state.rest()

    assert [number for number, _ in state.course.race.slices] == [0, 1]


def test_failures_and_picks_are_named() -> None:
    """The write cannot get a folio; a command that does not apply does nothing."""
    state = Machine()
    state.begin(0, ONE, fails=["alloc_folio"])
    state.begin(1, Command("exit_child", (0,)))
    state.begin(1, Command("cpu_offline", (0,)), picks=[1])

    assert state.trial.run_faults == {"alloc_folio"}
    assert [part.move.command.name for part in state.course.race.parts] == ["write", "cpu_offline"]


def test_hypothesis_finds_a_deadlock_and_shows_it_in_few_turns(capsys: pytest.CaptureFixture[str]) -> None:
    """The falsifying example says who begins what, and how far it goes."""
    machine, longer = race_machine_for(CROSSED, kinds=("write",)), settings(SHORT, max_examples=2000)
    with pytest.raises(RaceBroken, match="PROGRESS") as caught:
        run_state_machine_as_test(machine, settings=longer)

    notes = "\n".join(getattr(caught.value, "__notes__", [])) + capsys.readouterr().out
    turns = re.findall(r"state\.(?:begins|goes_on)\(.*\)", notes)
    assert 2 <= len(turns) <= 6
    assert all("until=" in turn for turn in turns)


def test_the_number_of_tasks_is_small() -> None:
    with pytest.raises(ValueError, match="5 tasks: expected 1 to 4"):
        race_machine_for(LINUX, tasks=5)
