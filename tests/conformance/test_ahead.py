"""Implementations that run ahead: they are told of programs before they are asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from refmodel.conformance.boundary import Line
from refmodel.conformance.conform import LENGTH, conform
from refmodel.conformance.served import ServedModel
from refmodel.conformance.target import Target
from refmodel.profiles import Profile, profile


class Eager(Target):
    """The model, answering what it was told of; where it was told of something else, the test ends.

    wrong: the number of the command from which on all counters are wrong, 0 for none.
    """

    runs_ahead = True

    def __init__(self, against: Profile, wrong: int = 0) -> None:
        self.model, self.wrong = ServedModel(against), wrong
        self.told: deque[tuple[Line, Line]] = deque()
        self.most = 0
        super().__init__(1.0)

    def announce(self, commands: Sequence[Line]) -> None:
        self.told.extend((command, self.model.answer(command)) for command in commands)
        self.most = max(self.most, len(self.told))

    def recall(self) -> None:
        self.told.clear()

    def exchange(self, command: Line) -> Any:
        if command["op"] == "hello":
            return self.model.hello()
        if not self.told:
            self.announce([command])
        announced, answer = self.told.popleft()
        assert announced == command
        if not 0 < self.wrong <= command["i"]:
            return answer
        return answer | {"counters": {name: n + command["i"] for name, n in answer["counters"].items()}}

    def restart(self) -> None:
        raise AssertionError("nothing breaks here")

    def close(self) -> None:
        pass


def test_every_program_is_announced_while_the_one_before_it_runs() -> None:
    """Two programs with their resets are known at once; at the end nothing is left that was announced."""
    against = profile("linux-6.12")
    target = Eager(against)
    found = conform(target, "eager", against, runs=5, seconds=60)
    assert (found.verdict, found.commands) == ("not refuted", 5 * LENGTH)
    assert LENGTH < target.most <= 2 * (LENGTH + 1)
    assert not target.told


def test_the_same_seed_draws_the_same_programs_whatever_is_answered() -> None:
    """Programs are drawn from a model that runs alone, so no answer has a say in them."""
    against = profile("linux-6.12")
    right, wrong = Eager(against), Eager(against, wrong=LENGTH)
    found = conform(right, "right", against, runs=1, seed=7, seconds=60)
    other = conform(wrong, "wrong", against, runs=1, seed=7, seconds=60)
    assert other.found is not None
    assert other.found.number == LENGTH
    assert other.commands == found.commands


def test_a_divergence_is_shortened_although_other_programs_were_announced() -> None:
    """They are taken back before a shorter program is tried."""
    against = profile("linux-6.12")
    found = conform(Eager(against, wrong=3), "wrong", against, runs=5, seconds=60)
    assert found.verdict == "refuted"
    assert found.shrunk is not None
    assert len(found.shrunk.program) == 3
