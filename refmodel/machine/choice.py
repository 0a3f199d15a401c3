"""Choice points: everything that an operation does not decide itself.

Each allocation, each result of a device, each free selection is a named point at which the
environment answers.  Engines supply the answers, so a run is reproduced by its answers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


@attrs.frozen
class ChoicePoint:
    """A named decision of the environment.

    name: what reports, tokens and timelines print, for example ``alloc_entry``.
    meaning: one sentence that says what is decided.
    fault: whether every answer but the first is a failure of the environment; walks draw those
        rarely, searches for an explanation try them last, and coverage declares each as a goal.
    """

    name: str
    meaning: str
    fault: bool = False


Chooser = Callable[[ChoicePoint, "Sequence[Any] | None"], Any]
"""Answers a choice point: given the point and its options, returns one of them.

Options are ``None`` where only an environment with knowledge of its own can answer, for example a
compressed length that was recorded elsewhere.
"""


class NoAnswer(LookupError):
    """An open choice reached an environment that cannot answer it."""


def first_answer(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
    """Answer with the first option: the environment in which nothing fails.

    Raises NoAnswer for an open choice, which has no first option.
    """
    if options is None:
        raise NoAnswer(f"choice {point.name}: open, and this environment has no recorded answer for it")
    return options[0]
