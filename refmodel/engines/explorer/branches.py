"""Taking every way through a step: its choices answered in all combinations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from refmodel.machine import ChoicePoint

Took = Callable[[ChoicePoint, int], None]
"""Told of every choice that was taken: the point and the number of the option."""


def not_told(point: ChoicePoint, number: int) -> None:
    """Take no notice of a choice."""


Offer = Callable[[ChoicePoint, "Sequence[Any] | None"], Sequence[Any]]
"""Returns the options of a choice point that a scope allows, the first one always."""


class Branches:
    """Answers choices so that run after run takes every way.

    Call ``next_run`` before each run of the step; it is false when all ways were taken.

    offer: options that the scope allows; a choice with one option left is no choice.  took: told of choices.
    points: the choices of this run with their answers, by number and as they are.
    """

    def __init__(self, offer: Offer, took: Took = not_told) -> None:
        self.offer, self.took = offer, took
        self._answers: list[int] | None = None
        self._counts: list[int] = []
        self.points: list[tuple[ChoicePoint, int, Any]] = []

    def next_run(self) -> bool:
        """Prepare the next run; return whether there is one."""
        self.points = []
        if self._answers is None:
            self._answers = []
            return True
        while self._answers and self._answers[-1] + 1 == self._counts[-1]:
            self._answers.pop()
            self._counts.pop()
        if not self._answers:
            return False
        self._answers[-1] += 1
        return True

    def answer(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer with the option that this run takes."""
        offered = self.offer(point, options)
        if len(offered) == 1:
            return offered[0]
        assert self._answers is not None
        at = len(self.points)
        if at == len(self._answers):
            self._answers.append(0)
            self._counts.append(len(offered))
        option = offered[self._answers[at]]
        self.points.append((point, self._answers[at], option))
        self.took(point, self._answers[at])
        return option
