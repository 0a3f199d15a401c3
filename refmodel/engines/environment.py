"""Environments: who answers the choice points of a run.

Every environment notes its answers as small numbers, the index of the option that it took.  A point with a
single option is not a choice: nothing is drawn for it and nothing noted.  Replaying the numbers therefore
repeats the run, and dropping one of them means "the first option".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from refmodel.machine import ChoicePoint
from refmodel.machine.choice import NoAnswer

LATER = ChoicePoint("later", "Work in the background that is ready starts only after the next command.")
"""Asked by the engines for each piece of ready background work: now (0) or later (1)."""


class Environment(ABC):
    """Answers choice points and notes what it answered.

    answers: index of the option taken, for each point with more than one, since ``begin``.
    faults: fault points at which something failed in the present step; who watches the steps clears it.
    """

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.faults: list[ChoicePoint] = []

    def begin(self) -> None:
        """Start noting the answers of the next command."""
        self.answers = []

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice point (a ``Chooser``).

        Raises NoAnswer for an open choice: it needs an environment with recorded answers.
        """
        if options is None:
            raise NoAnswer(f"choice {point.name}: open; use a compressor whose results are computed")
        count = len(options)
        if count == 1:
            return options[0]
        index = self.pick(point, count)
        self.answers.append(index)
        if index and point.fault:
            self.faults.append(point)
        return options[index]

    @abstractmethod
    def pick(self, point: ChoicePoint, count: int) -> int:
        """Return which of ``count`` options is taken, counted from 0."""


class Scripted(Environment):
    """Repeats noted answers; where they end, or do not fit, nothing unusual happens."""

    def __init__(self, script: Sequence[int] = ()) -> None:
        super().__init__()
        self.follow(script)

    def follow(self, script: Sequence[int]) -> None:
        """Start the next command; take its answers out of a script."""
        self.begin()
        self._script, self._next = script, 0

    def pick(self, point: ChoicePoint, count: int) -> int:
        """Take the next noted answer."""
        position = self._next
        self._next = position + 1
        if position >= len(self._script):
            return 0
        index = self._script[position]
        return index if index < count else 0


class Exhausted(Exception):
    """A draw sequence has no more numbers: the walk that lives on it is over."""


class Draws:
    """Numbers out of one sequence of bytes, which is all the randomness of a run."""

    def __init__(self, data: bytes) -> None:
        self._data, self._next = data, 0

    def byte(self) -> int:
        """Take one byte.  Raises Exhausted at the end of the sequence."""
        position = self._next
        if position >= len(self._data):
            raise Exhausted
        self._next = position + 1
        return self._data[position]

    def below(self, count: int) -> int:
        """Take a number from 0 to ``count`` - 1; small numbers are a little likelier."""
        if count <= 256:
            return self.byte() % count
        return (self.byte() << 16 | self.byte() << 8 | self.byte()) % count


class Drawn(Environment):
    """Draws the answers: faults rarely, everything else evenly; bytes of zero are the first options.

    draws: the sequence.  rate: how many of 256 fault points that are asked fail.
    never: names of points at which only the first answer is given.
    """

    def __init__(self, draws: Draws, rate: int, never: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.draws, self.rate, self.never = draws, rate, never

    def pick(self, point: ChoicePoint, count: int) -> int:
        """Draw an answer; the first one when the sequence has ended, so that the command comes to its end."""
        if point.name in self.never:
            return 0
        try:
            if not point.fault:
                return self.draws.below(count)
            if self.draws.byte() < 256 - self.rate:
                return 0
            return 1 + self.draws.below(count - 1) if count > 2 else 1
        except Exhausted:
            return 0
