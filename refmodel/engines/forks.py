"""Forks: what else could have happened at a turn of a schedule, each with the schedule that leads there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.interleaving import Interleaving, Turn, TurnRecord, violation_of
from refmodel.engines.rerun import attempt, begin, seen, waits
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.token import BadToken

if TYPE_CHECKING:
    from refmodel.engines.rerun import Waiting
    from refmodel.engines.violation import Violation
    from refmodel.profiles import Profile


@attrs.frozen
class Fork:
    """One thing that can happen at a turn.

    record: one step of one actor, as it would be seen.  step: its name.  run: the schedule up to it, itself the last.
    taken: the schedule goes on in this way.  violation: what the step itself breaks, or None.
    """

    record: TurnRecord
    step: str
    run: ScheduledRun
    taken: bool
    violation: Violation | None


def forks(run: ScheduledRun, profile: Profile, number: int) -> tuple[list[Fork], list[Waiting]]:
    """Return what could happen at a turn of a schedule, and who has to wait there.

    profile: the one that the run names.  number: of the turn, from 1; one more than there are asks what can follow.
    Raises BadToken for a number that the schedule does not have, and as ``rerun`` does.
    """
    if not 1 <= number <= len(run.schedule) + 1:
        raise BadToken(f"turn {number}: expected 1 to {len(run.schedule) + 1}, as the schedule has them")
    system = begin(run, profile)
    for before, turn in enumerate(run.schedule[: number - 1], start=1):
        _, error = attempt(system, turn, before)
        if error is not None:
            raise BadToken(f"turn {number}: the run ends with turn {before}; try --fork {before}")
    found = [
        fork
        for actor in range(len(system.locals))
        for start in system.can(actor)
        for fork in _answers(system, run, number, Turn(actor, start))
    ]
    return found, waits(system)


def _answers(system: Interleaving, run: ScheduledRun, number: int, turn: Turn) -> Iterator[Fork]:
    """Yield a turn of one step with each of its answers, none where it does not apply or has to wait."""
    components, local = system.v.snapshot(), system.locals[turn.actor]
    left = [turn]
    while left:
        one = left.pop()
        record, error = seen(system, one)
        system.v.restore(components)
        system.locals[turn.actor] = local
        if record.waited:
            return
        told = [answer for step in record.steps for answer in step.answers]
        answers = tuple(answer.index for answer in told)
        for place in range(len(told) - 1, len(one.answers) - 1, -1):
            others = range(told[place].options - 1, 0, -1)
            left += [attrs.evolve(one, answers=(*answers[:place], other)) for other in others]
        chosen = attrs.evolve(one, answers=answers)
        yield Fork(
            record=record,
            step=f"{record.steps[0].operation}.{record.steps[0].step}",
            run=attrs.evolve(run, schedule=(*run.schedule[: number - 1], chosen)),
            taken=number <= len(run.schedule) and _same(run.schedule[number - 1], chosen),
            violation=violation_of(error) if error else None,
        )


def _same(taken: Turn, fork: Turn) -> bool:
    """Whether a turn of a schedule begins as a fork does."""
    if (taken.actor, taken.start) != (fork.actor, fork.start):
        return False
    own = taken.answers[: len(fork.answers)]
    return (*own, *(0 for _ in fork.answers[len(own) :])) == fork.answers
