"""Replay: a program run again, with everything that can be seen written down step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.command import describe
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.known import known_profiles
from refmodel.engines.token import Program, decode
from refmodel.engines.trial import Trial
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.engines.command import Command
    from refmodel.engines.violation import Violation
    from refmodel.machine import ChoicePoint, Event
    from refmodel.profiles import Profile
    from refmodel.properties import Property


@attrs.frozen
class Answer:
    """A choice that was answered.

    choice: name of the point.  index: which option was taken, from 0.  options: how many there were.
    taken: the option itself.
    """

    choice: str
    index: int
    options: int
    taken: Any


@attrs.frozen
class Change:
    """A component that a step changed.  place: its name, for example ``tree[3]``."""

    place: str
    before: Any
    after: Any


@attrs.frozen
class StepRecord:
    """One step of a timeline.

    operation, step: class and step that ran.  raised: the step did not come to its end.
    answers: choices with more than one option.  events: what observers were told.  changes: of the state.
    """

    operation: str
    step: str
    answers: tuple[Answer, ...]
    events: tuple[Event, ...]
    changes: tuple[Change, ...]
    raised: bool = False


@attrs.frozen
class MoveRecord:
    """One command of a timeline.

    text: the command as a person would write it.  applied: whether it did anything.
    steps: those of the command and of the background work after it.  value: what its operation returned.
    """

    text: str
    applied: bool
    steps: tuple[StepRecord, ...]
    value: Any


@attrs.frozen
class Timeline:
    """A program run again.

    violation: what it broke, or None.  halted: the kernel stopped where it says that it does.
    """

    program: Program
    moves: tuple[MoveRecord, ...]
    violation: Violation | None
    halted: bool


def replay_token(token: str, profiles: Mapping[str, Profile] | None = None) -> Timeline:
    """Run the program of a token again.

    profiles: those that are known, by name; by default ``known_profiles()``.
    Raises BadToken as ``decode`` does.
    """
    known = known_profiles() if profiles is None else profiles
    program = decode(token, known)
    return replay(program, known[program.profile])


def replay(program: Program, profile: Profile, properties: Sequence[Property] | None = None) -> Timeline:
    """Run a program again, up to the first violation: at rest, else between two steps.

    profile: the one that the program names.  properties: what is to hold, by default all of the profile.
    """
    checked = (*at_rest(profile), *in_history(profile)) if properties is None else properties
    timeline = _timeline(program, profile, checked, every_step=False)
    return timeline if timeline.violation else _timeline(program, profile, checked, every_step=True)


def _timeline(
    program: Program, profile: Profile, checked: Sequence[Property], *, every_step: bool
) -> Timeline:
    recorder = _Recorder(program, profile, checked, every_step=every_step)
    moves: list[MoveRecord] = []
    violation = None
    for move in program.moves:
        recorder.environment.follow(move.answers)
        violation, record = recorder.record(move.command)
        moves.append(record)
        if violation is not None:
            break
    return Timeline(program, tuple(moves), violation, recorder.trial.halted)


class _Told(Scripted):
    """Repeats noted answers and remembers the options that were taken in the present step."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Answer] = []

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice point."""
        taken = super().choose(point, options)
        if options is not None and len(options) > 1:
            self.told.append(Answer(point.name, self.answers[-1], len(options), taken))
        return taken


class _Recorder:
    """Runs commands and writes down their steps."""

    def __init__(
        self, program: Program, profile: Profile, properties: Sequence[Property], *, every_step: bool
    ) -> None:
        v = program.setting.system(profile, program.preset)
        self.trial = Trial(v, properties, every_step=every_step, watch=self.step)
        self.environment = _Told()
        self.steps: list[StepRecord] = []
        self.events: list[Event] = []
        self.state: list[Any] = list(v)
        note = v.emit

        def emit(name: str, /, **fields: Any) -> None:
            self.events.append((name, fields))
            note(name, **fields)

        v.emit = emit

    def record(self, command: Command) -> tuple[Violation | None, MoveRecord]:
        """Run one command; return what it broke, and what was seen."""
        self.steps = []
        before = self.trial.commands
        violation = self.trial.do(command, self.environment)
        applied = self.trial.commands > before
        self.broken_off(violation)
        value = self.trial.value if applied else None
        return violation, MoveRecord(describe(KINDS, command), applied, tuple(self.steps), value)

    def step(self, method: MethodType) -> None:
        """Write down a step that has come to its end."""
        self.note(type(method.__self__).__name__, method.__name__, raised=False)

    def broken_off(self, violation: Violation | None) -> None:
        """Write down a step that did not come to its end."""
        if violation is not None and "." in violation.where and " " not in violation.where:
            self.note(*violation.where.split("."), raised=True)

    def note(self, operation: str, step: str, *, raised: bool) -> None:
        """Write down what happened since the last step."""
        v = self.trial.v
        changes = tuple(
            Change(v.layout.name(place), before, after)
            for place, (before, after) in enumerate(zip(self.state, v, strict=True))
            if before is not after and before != after
        )
        seen = tuple(self.environment.told), tuple(self.events), changes
        self.steps.append(StepRecord(operation, step, *seen, raised))
        self.state = list(v)
        self.environment.told.clear()
        self.events.clear()
