"""Interleaving: several actors on one system, run turn by turn as a schedule says.

A schedule is plain data: whose turn it is, what it starts, how the environment answers.  It replays exactly,
so an exploration, a random run and a reader who edits one see the same thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.replay import Answer, Change, StepRecord
from refmodel.engines.scope import Scope, Wrong
from refmodel.engines.violation import BUILT_IN, Violation, of_error
from refmodel.machine import ChoicePoint
from refmodel.machine.flight import describe_frame

if TYPE_CHECKING:
    from refmodel.engines.explorer.actors import Actors, Local
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Event
    from refmodel.profiles import Profile


@attrs.frozen
class Turn:
    """What one actor does before another may.

    actor: its number.  start: number of what it starts, -1 where it goes on with what it has begun.
    answers: index of the option at each choice of the turn that has more than one.  steps: how many it runs.
    """

    actor: int
    start: int = -1
    answers: tuple[int, ...] = ()
    steps: int = 1


Schedule = tuple[Turn, ...]


@attrs.frozen
class TurnRecord:
    """A turn as it was seen.

    actor: the actor's name.  label: what it started, None where it went on.  steps: what ran.
    waited: the step could not run.  value: what its operation returned, when it ended in this turn.
    """

    turn: Turn
    actor: str
    label: str | None
    steps: tuple[StepRecord, ...]
    waited: bool = False
    ended: bool = False
    value: Any = None


class Interleaving:
    """A system with several operations in flight.

    v: the system.  actors: who runs what.  locals: what each of them is about to do.
    """

    def __init__(self, scope: Scope, profile: Profile) -> None:
        self.scope = scope
        self.v: KernelView = scope.system(profile)
        self.actors: Actors = scope.actors(self.v)
        self.locals: list[Local] = list(self.actors.initial)
        self._told: list[Answer] = []
        self._answers: list[int] = []
        self._events: list[Event] = []
        self.v.choose = self._choose
        self.v.emit = self._emit

    @property
    def resting(self) -> bool:
        """Whether no operation is in flight."""
        return not any(local.flight for local in self.locals)

    def can(self, actor: int) -> Sequence[int]:
        """Return what an actor may try: to go on (-1), or the numbers of starts."""
        return self.actors.actions(self.locals[actor])

    def take(self, turn: Turn) -> TurnRecord:
        """Run a turn.  A turn that cannot run changes nothing.

        Raises what a step of the model raises; ``record`` then has the steps, the failing one last.
        """
        self._answers = list(turn.answers)
        self.record: list[StepRecord] = []
        local = self.locals[turn.actor]
        label = self.actors.programs[local.program].starts[turn.start].label if turn.start >= 0 else None
        name = self.actors.name(turn.actor)
        if turn.start >= 0:
            begun = self.actors.begin(self.v, local, turn.start)
            if begun is None:
                return TurnRecord(turn, name, str(label), (), waited=True)
            local = begun
        for _ in range(turn.steps):
            before = self.v.snapshot()
            at = describe_frame(local.flight[0]).split(".")
            try:
                following = self.actors.step(self.v, local)
            except Exception:
                self._note(at, before, raised=True)
                raise
            if following is None:
                return TurnRecord(turn, name, _text(label), tuple(self.record), waited=True)
            self._note(at, before)
            self.locals[turn.actor] = local = following
            if not local.flight:
                return TurnRecord(turn, name, _text(label), tuple(self.record), ended=True)
        return TurnRecord(turn, name, _text(label), tuple(self.record))

    def _choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        offered = self.scope.offer(self.v, point, options)
        if len(offered) == 1:
            return offered[0]
        index = self._answers.pop(0) if self._answers else 0
        index = min(index, len(offered) - 1)
        self._told.append(Answer(point.name, index, len(offered), offered[index]))
        self.scope.took(self.v, point, index)
        return offered[index]

    def _emit(self, name: str, /, **fields: Any) -> None:
        self._events.append((name, fields))

    def _note(self, at: Sequence[str], before: Sequence[Any], *, raised: bool = False) -> None:
        name = self.v.layout.name
        changes = tuple(
            Change(name(place), old, new)
            for place, (old, new) in enumerate(zip(before, self.v, strict=True))
            if old is not new and old != new
        )
        self.record.append(StepRecord(at[0], at[1], tuple(self._told), tuple(self._events), changes, raised))
        self._told.clear()
        self._events.clear()


def violation_of(error: Exception) -> Violation:
    """Return the violation that an error of a step, or of the judge of its result, stands for."""
    if isinstance(error, Wrong):
        return Violation("PROMISE", BUILT_IN["PROMISE"], str(error), "")
    return of_error(error)


def _text(label: object) -> str | None:
    return None if label is None else str(label)
