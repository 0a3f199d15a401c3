"""What a property is: a sentence about the model, who says so, and the judge that decides whether it holds.

A property speaks of a state (``rest``: whenever no operation is under way; ``step``: between any two
steps) or of the events of one command (``history``).  Its sentence is the docstring of its judge.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, Literal

import attrs

from refmodel.kernel.table import KernelView
from refmodel.machine import Event
from refmodel.profiles import Profile
from refmodel.properties.index import Index

When = Literal["rest", "step", "history"]

StateJudge = Callable[[Index], "str | None"]
"""Says of a state what is wrong with it: the object, the value found and the value expected."""

HistoryJudge = Callable[["list[Event]", KernelView], "str | None"]
"""Says what is wrong with the events of one command, from start to rest, and the state after it."""


@attrs.frozen(kw_only=True)
class Property:
    """A sentence about the model that can be refuted.

    id: as the specification names it, for example ``ZS-1``.  when: of what it speaks.
    source: file and kernel version, series, or document that says so.  requirements: ids of the mission.
    bug: the exhibit of the museum, or the planted mutant, that breaks it.
    not_in: kernels (``Profile.kernel``) of which it does not speak.
    only: the trait (``Profile.traits``) that a profile must have for it to speak of it, "" for none.
    """

    id: str
    sentence: str
    when: When
    source: str
    requirements: tuple[str, ...]
    bug: str
    not_in: tuple[str, ...]
    only: str

    def speaks_of(self, profile: Profile) -> bool:
        """Whether it must hold in a profile."""
        return profile.kernel not in self.not_in and (not self.only or self.only in profile.traits)


@attrs.frozen(kw_only=True)
class StateProperty(Property):
    """A property of states.  judge: decides it on the index of a state."""

    judge: StateJudge

    def check(self, v: KernelView) -> str | None:
        """Return None if the state has the property, else one sentence that says what is wrong.

        Several properties of one state are judged faster by ``first_broken``.
        """
        return self.judge(Index(v))


@attrs.frozen(kw_only=True)
class HistoryProperty(Property):
    """A property of the events of one command.  judge: decides it."""

    judge: HistoryJudge

    def check(self, events: list[Event], v: KernelView) -> str | None:
        """Return None if a command had the property, else one sentence that says what is wrong.

        events: all that the command emitted.  v: the state in which it came to rest.
        """
        return self.judge(events, v)


def first_broken(v: KernelView, properties: Iterable[StateProperty]) -> tuple[StateProperty, str] | None:
    """Return the first property that a state lacks, with what is wrong, or None.

    The state is indexed once for all of them.
    """
    index = Index(v)
    for candidate in properties:
        wrong = candidate.judge(index)
        if wrong is not None:
            return candidate, wrong
    return None


def first_broken_history(
    events: list[Event], v: KernelView, properties: Iterable[HistoryProperty]
) -> tuple[HistoryProperty, str] | None:
    """Return the first property that the events of a command lack, with what is wrong, or None."""
    for candidate in properties:
        wrong = candidate.judge(events, v)
        if wrong is not None:
            return candidate, wrong
    return None


def state_property(
    id: str,
    *,
    source: str,
    bug: str,
    when: Literal["rest", "step"] = "rest",
    requirements: tuple[str, ...] = (),
    not_in: tuple[str, ...] = (),
    only: str = "",
) -> Callable[[StateJudge], StateProperty]:
    """Make a property of states out of its judge, whose docstring is the sentence."""

    def make(judge: StateJudge) -> StateProperty:
        return StateProperty(
            id=id,
            sentence=_sentence(judge),
            when=when,
            source=source,
            requirements=requirements,
            bug=bug,
            not_in=not_in,
            only=only,
            judge=judge,
        )

    return make


def history_property(
    id: str,
    *,
    source: str,
    bug: str,
    requirements: tuple[str, ...] = (),
    not_in: tuple[str, ...] = (),
    only: str = "",
) -> Callable[[HistoryJudge], HistoryProperty]:
    """Make a property of events out of its judge, whose docstring is the sentence."""

    def make(judge: HistoryJudge) -> HistoryProperty:
        return HistoryProperty(
            id=id,
            sentence=_sentence(judge),
            when="history",
            source=source,
            requirements=requirements,
            bug=bug,
            not_in=not_in,
            only=only,
            judge=judge,
        )

    return make


def _sentence(judge: Callable[..., Any]) -> str:
    return " ".join(inspect.cleandoc(judge.__doc__ or "").split())
