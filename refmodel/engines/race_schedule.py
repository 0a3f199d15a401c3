"""Races as schedules: what a minimised race leaves behind, which an ``Interleaving`` runs again turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.interleaving import Turn
from refmodel.engines.race_course import Course
from refmodel.engines.race_trial import TASKS, Part, Race, RaceTrial, Repeated
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.scope import Scope, Thread
from refmodel.kernel.choices import COMPRESS

if TYPE_CHECKING:
    from refmodel.machine import ChoicePoint


def scheduled(trial: RaceTrial, race: Race) -> ScheduledRun:
    """Return a race as a schedule on a scope with a thread for each task, in which only that fails which did.

    trial: a system like the one in which the race was found; its state is lost.
    race: exactly what ran, as a course or the minimiser returns it.
    """
    course = Course(trial)
    course.begin()
    course.follow(race.parts, race.slices)
    scope = _scope(trial, race, tuple(sorted(trial.run_faults)))
    return ScheduledRun(trial.profile.name, scope, _turns(trial, race, scope))


def _scope(trial: RaceTrial, race: Race, faults: tuple[str, ...]) -> Scope:
    rows = {
        task: tuple(part.move.command for part in race.parts if part.actor == task) for task in range(TASKS)
    }
    threads = tuple(Thread(f"task {task + 1}", row) for task, row in rows.items() if row)
    lengths = trial.scope.lengths if COMPRESS.name in faults else trial.scope.lengths[:1]
    return attrs.evolve(trial.scope, threads=threads, faults=faults, lengths=lengths)


def _turns(trial: RaceTrial, race: Race, scope: Scope) -> tuple[Turn, ...]:
    course = _Told(trial, scope)
    course.begin()
    numbers = _numbers(trial, race)
    done = dict.fromkeys(numbers, 0)
    turns: list[Turn] = []
    begun: dict[int, None] = {}
    for number, steps in race.slices:
        part, start = race.parts[number], -1
        if number not in begun:
            begun[number] = None
            start = done[part.actor] if part.actor < TASKS else int(part.move.command.arguments[0])
            done[part.actor] += 1
        course.follow(race.parts, [(number, steps)])
        turns.append(Turn(numbers[part.actor], start, course.told(number), steps))
    return tuple(turns)


def _numbers(trial: RaceTrial, race: Race) -> dict[int, int]:
    """Return the number of each actor in the scope: tasks that do something, then the system's own work."""
    tasks = [task for task in range(TASKS) if any(part.actor == task for part in race.parts)]
    own = range(TASKS, len(trial.racers))
    return {actor: number for number, actor in enumerate((*tasks, *own))}


class _Telling(Repeated):
    """Repeats noted answers; keeps those of points at which a scope leaves a choice.

    told: how many of them were taken by a turn.
    """

    def __init__(self, trial: RaceTrial, script: Sequence[int], scope: Scope) -> None:
        super().__init__(script)
        self.trial, self.scope = trial, scope
        self.left: list[int] = []

    def choose(self, point: ChoicePoint, options: Sequence[Any] | None) -> Any:
        """Answer a choice point."""
        taken = super().choose(point, options)
        if len(self.scope.offer(self.trial.v, point, options)) > 1:
            self.left.append(self.answers[-1])
        return taken


class _Told(Course):
    """A course that tells the answers of its slices."""

    def __init__(self, trial: RaceTrial, scope: Scope) -> None:
        super().__init__(trial)
        self.scope = scope
        self.kept: dict[int, _Telling] = {}

    def environment(self, part: Part) -> Repeated:
        """Return who answers the choices of a part."""
        made = self.kept[len(self.ran)] = _Telling(self.trial, part.move.answers, self.scope)
        return made

    def told(self, number: int) -> tuple[int, ...]:
        """Return the answers of a part since it was asked last."""
        answers = tuple(self.kept[number].left)
        self.kept[number].left.clear()
        return answers
