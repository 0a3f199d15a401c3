"""Straightening: the same run with fewer switches between actors, which is what a person wants to read.

A search returns a shortest run, but the order of steps that do not depend on each other is any.  Here a stretch
of one actor's turns moves to that actor's next stretch, or the next one to it, as long as the run stays possible
and ends with the same violation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.interleaving import Interleaving, Schedule, Turn, violation_of
from refmodel.engines.rerun import begin, judged, waits
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.properties import at_rest

if TYPE_CHECKING:
    from refmodel.engines.violation import Violation
    from refmodel.profiles import Profile

Stretch = tuple[Turn, ...]
"""Turns of one actor that follow each other."""

Ending = tuple[str, str, str] | tuple[tuple[int, str], ...]
"""What is wrong after the last turn: property, finding and place, or who waits for what."""


def straightened(run: ScheduledRun, profile: Profile) -> ScheduledRun:
    """Return a run with the same turns and the same end, and as few switches as moving stretches gives.

    profile: the one that the run names.
    Raises BadToken for a scope that cannot be built.
    """
    system = begin(run, profile)
    course = _Course(system, profile)
    wanted = course.ending(run.schedule)
    stretches = [tuple(turns) for _, turns in groupby(run.schedule, lambda turn: turn.actor)]
    moved = True
    while moved:
        moved = False
        for candidate in _candidates(stretches):
            if course.ending(_flat(candidate)) == wanted:
                stretches, moved = candidate, True
                break
    return attrs.evolve(run, schedule=_flat(stretches))


class _Course:
    """Runs schedules on one system, each from its beginning."""

    def __init__(self, system: Interleaving, profile: Profile) -> None:
        self.system, self.properties = system, at_rest(profile)
        self.components, self.locals = system.v.snapshot(), list(system.locals)

    def ending(self, schedule: Schedule) -> Ending | None:
        """Return what is wrong after the last turn; None where nothing is, or a turn cannot be taken."""
        self.system.v.restore(self.components)
        self.system.locals[:] = self.locals
        for left, turn in zip(range(len(schedule) - 1, -1, -1), schedule, strict=True):
            if turn.start not in self.system.can(turn.actor):
                return None
            try:
                if self.system.take(turn).waited:
                    return None
            except Exception as error:
                return None if left else _of(violation_of(error))
        violation = judged(self.system, self.properties)
        return _of(violation) if violation else tuple((w.actor, w.what) for w in waits(self.system)) or None


def _of(violation: Violation) -> Ending:
    return violation.property, violation.found, violation.where


def _candidates(stretches: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Yield the stretches with two of one actor joined: the later one moved forward, or the other one back."""
    for first, stretch in enumerate(stretches):
        actor = stretch[0].actor
        second = next((n for n in range(first + 1, len(stretches)) if stretches[n][0].actor == actor), None)
        if second is not None:
            before, between, after = stretches[:first], stretches[first + 1 : second], stretches[second + 1 :]
            joined = (*stretch, *stretches[second])
            yield _joined([*before, joined, *between, *after])
            yield _joined([*before, *between, joined, *after])


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Join neighbours of one actor."""
    return [tuple(t for s in same for t in s) for _, same in groupby(stretches, lambda s: s[0].actor)]


def _flat(stretches: Sequence[Stretch]) -> Schedule:
    return tuple(turn for stretch in stretches for turn in stretch)
