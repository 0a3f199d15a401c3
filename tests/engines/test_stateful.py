"""The rule-based machines."""

import pytest
from hypothesis import settings
from hypothesis.stateful import rule, run_state_machine_as_test

from refmodel.engines.command import Command
from refmodel.engines.replay import replay_token
from refmodel.engines.setting import Setting
from refmodel.engines.stateful import PropertyBroken, machine_for
from refmodel.kernel.state import Truth
from refmodel.profiles import profile
from tests.engines.simple import LINUX, NO_COUNT, STORE

SHORT = settings(max_examples=8, stateful_step_count=15, database=None, deadline=None, derandomize=True)

Machine = machine_for(LINUX)
TestCompressedSwap = Machine.TestCase
TestCompressedSwap.settings = SHORT


class TestOlderKernel(machine_for(profile("linux-6.12"), setting=Setting("lz4")).TestCase):  # type: ignore[misc]  # a class made at run time
    """A machine of another kernel, with real pages."""

    settings = SHORT


def test_a_broken_property_is_told_with_its_program_and_a_token() -> None:
    state = machine_for(NO_COUNT)()
    state.perform(STORE[0].command)
    with pytest.raises(PropertyBroken) as caught:
        state.perform(STORE[1].command)

    text = str(caught.value)
    assert text.startswith("ZS-1: ")
    assert "write(mm=0, page=0, content=2)" in text
    assert caught.value.violation.property == "ZS-1"
    token = text.split()[-1]
    violation = replay_token(token, {"no-count": NO_COUNT}).violation
    assert violation == caught.value.violation


def test_hypothesis_finds_a_planted_bug() -> None:
    with pytest.raises(PropertyBroken, match="ZS-1"):
        run_state_machine_as_test(
            machine_for(NO_COUNT), settings=settings(SHORT, max_examples=200, stateful_step_count=30)
        )


def test_rules_can_be_added() -> None:
    """A subclass sees the system and runs commands of its own."""
    seen = []

    class Mine(Machine):  # type: ignore[misc, valid-type]  # as above
        @rule()
        def look(self) -> None:
            self.perform(Command("write", (0, 0, 2)))
            seen.append(self.trial.v[self.trial.v.at.truth[0][0]])

    run_state_machine_as_test(Mine, settings=SHORT)

    assert Truth(2) in seen


def test_runs_start_at_the_initial_state() -> None:
    state = Machine()
    state.perform(Command("write", (0, 0, 2)))

    assert Machine().trial.v.snapshot() == state.trial.initial


def test_numbers_stand_for_commands_that_can_do_much() -> None:
    """A read of a page that is not swapped out gives way to one of a page that is."""
    state = Machine()
    for move in STORE:
        state.perform(move.command)

    assert state.numbered("read", 1) == Command("read", (0, 0))
    assert state.numbered("swapoff", 12345) == Command("swapoff")


def test_a_command_that_does_not_apply_returns_nothing() -> None:
    state = Machine()

    assert state.perform(Command("exit_child", (0,))) is None
    assert state.perform(Command("read", (0, 0))) is not None
