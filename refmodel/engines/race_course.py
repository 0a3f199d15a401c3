"""Courses: a race followed again, part by part and slice by slice, with a note of what really ran.

Every row of slices is a race, whatever was deleted from it or put in another place: a part that does not apply
does nothing, a part whose actor is busy waits until that has come to its end, a slice ends early where its part
ends or waits, and at the end everybody comes to rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.command import Command, Move
from refmodel.engines.race_trial import TASKS, Outcome, Part, Race, Repeated, Slice
from refmodel.engines.rerun import STUCK
from refmodel.engines.violation import BUILT_IN, Violation

if TYPE_CHECKING:
    from refmodel.engines.race_trial import RaceTrial, Saved

TO_ITS_END = 1 << 30
"""Steps of a slice that ends with its part."""

_ALONE = 1_000
"""Steps that one actor goes until another one may, while all come to their end."""

_MOST_STEPS = 50_000
"""Steps of a course until it counts as endless."""

Stop = tuple[str, int]
"""Name of the step that comes next where a slice ends, and how often it has run in its part."""

_Ran = tuple[int, Command, Repeated]


@attrs.define
class Mark:
    """Where a course stood before a slice, to go on from there.

    parts, slices, steps: how many there were.
    """

    state: Saved
    parts: int
    slices: int
    steps: int


class Course:
    """A race under way.

    trial: its system.  names: of the steps that each part has run.
    marks: where the course stood before each slice, if ``marking``.
    over: nothing more happens.  violation: what was broken, if anything.
    """

    def __init__(self, trial: RaceTrial, *, marking: bool = False) -> None:
        self.trial, self.marking = trial, marking
        self.ran: list[_Ran] = []
        self.names: list[list[str]] = []
        self.slices: list[list[int]] = []
        self.marks: list[Mark] = []
        self.over = False
        self.violation: Violation | None = None
        self.numbers: dict[int, int] = {}
        self.first = trial.steps

    @property
    def race(self) -> Race:
        """What ran so far."""
        parts = tuple(Part(actor, Move(c, trimmed(e.answers))) for actor, c, e in self.ran)
        return Race(parts, tuple((number, steps) for number, steps in self.slices), self.violation)

    def begin(self) -> None:
        """Start from the initial state."""
        self.trial.reset()
        self.first = self.trial.steps

    def resume(self, other: Course, at: int) -> None:
        """Start from where another course stood before one of its slices."""
        mark = other.marks[at]
        self.trial.restore(mark.state)
        self.first = self.trial.steps
        self.ran = other.ran[: mark.parts]
        done = dict.fromkeys(range(mark.parts), 0)
        for number, steps in other.slices[: mark.slices]:
            done[number] += steps
        self.names = [other.names[number][: done[number]] for number in range(mark.parts)]
        self.slices = [list(each) for each in other.slices[: mark.slices]]
        self.marks = other.marks[:at]
        self.numbers = {number: number for number in range(mark.parts)}
        for racer in self.trial.racers:
            if racer.current is not None:
                actor, command, _ = self.ran[racer.number]
                assert isinstance(racer.environment, Repeated)
                self.ran[racer.number] = actor, command, racer.environment

    def follow(
        self,
        parts: Mapping[int, Part] | Sequence[Part],
        slices: Sequence[Slice],
        stops: Sequence[Stop | None] | None = None,
    ) -> None:
        """Run slices.  parts: by the numbers that the slices have.

        stops: where slices end, instead of after their number of steps; None for those that end with their part.
        """
        for place, (number, steps) in enumerate(slices):
            if self.over:
                return
            if self.marking:
                done = sum(each[1] for each in self.slices)
                self.marks.append(Mark(self.trial.save(), len(self.ran), len(self.slices), done))
            if stops is None:
                self.slice(number, parts[number], steps)
            else:
                self.slice(number, parts[number], TO_ITS_END, stops[place])

    def slice(self, number: int, part: Part, steps: int, stop: Stop | None = None) -> None:
        """Run one slice; note its part under the number of its beginning."""
        if number not in self.numbers:
            self.finish(part.actor)
            if self.over or not self.start(number, part):
                return
            steps -= 1
        own, racer = self.numbers[number], self.trial.racers[part.actor]
        for _ in range(steps):
            if self.over or racer.current is None or racer.number != own:
                return
            if (
                stop is not None
                and racer.current.__name__ == stop[0]
                and self.names[own].count(stop[0]) >= stop[1]
            ):
                return
            if not self.step(part.actor):
                return

    def stops(self, slices: Sequence[Slice]) -> list[Stop | None]:
        """Return where slices of the same parts end, by the steps that these ran here."""
        done, found = dict.fromkeys(range(len(self.ran)), 0), list[Stop | None]()
        for number, steps in slices:
            done[number] += steps
            names, at = self.names[number], done[number]
            found.append((names[at], names[:at].count(names[at])) if at < len(names) else None)
        return found

    def start(self, number: int, part: Part) -> bool:
        """Let an idle actor begin a part with its first step; return whether it could."""
        trial = self.trial
        operation = (
            None if trial.racers[part.actor].current else trial.operation(part.actor, part.move.command)
        )
        if operation is None:
            return False
        environment, own = self.environment(part), len(self.ran)
        outcome = trial.begin(part.actor, own, part.move.command, operation, environment)
        if outcome is Outcome.WAITED:
            return False
        self.numbers[number] = own
        self.ran.append((part.actor, part.move.command, environment))
        self.names.append([operation.first])
        self.note(own, outcome)
        return True

    def environment(self, part: Part) -> Repeated:
        """Return who answers the choices of a part."""
        return Repeated(part.move.answers)

    def step(self, actor: int) -> bool:
        """Let an actor go one step; return whether it could."""
        racer = self.trial.racers[actor]
        number, name = racer.number, racer.current.__name__
        outcome = self.trial.step(actor)
        if outcome is Outcome.WAITED:
            return False
        self.names[number].append(name)
        self.note(number, outcome)
        if self.trial.steps - self.first > _MOST_STEPS and not self.over:
            self.stop("PROGRESS", BUILT_IN["PROGRESS"], f"{_MOST_STEPS} steps have not ended it")
        return True

    def finish(self, actor: int) -> None:
        """Let an actor go on until it is idle or waits, or seems to wait for another one in a circle."""
        racer = self.trial.racers[actor]
        for _ in range(_ALONE):
            if self.over or racer.current is None or not self.step(actor):
                return

    def settle(self) -> None:
        """Let everybody come to rest; somebody who can only wait then waits for ever."""
        trial = self.trial
        while trial.flying and not self.over:
            before = trial.steps
            for actor in range(len(trial.racers)):
                self.finish(actor)
            if trial.steps == before and not self.serve():
                self.stop("PROGRESS", STUCK, "every operation in flight waits")

    def serve(self) -> bool:
        """Let the system begin a piece of its own work, for which somebody may wait; return whether it could."""
        for actor in range(TASKS, len(self.trial.racers)):
            due = self.trial.due(actor) if self.trial.racers[actor].current is None else []
            for number in due:
                command = Command(self.trial.own[actor - TASKS].name, (number,))
                if self.start(-1 - len(self.ran), Part(actor, Move(command))):
                    return True
        return False

    def note(self, number: int, outcome: Outcome) -> None:
        """Note a step of a part."""
        if self.slices and self.slices[-1][0] == number:
            self.slices[-1][1] += 1
        else:
            self.slices.append([number, 1])
        if outcome is Outcome.OVER:
            self.over, self.violation = True, self.trial.violation

    def stop(self, property: str, sentence: str, found: str) -> None:
        """End with a violation of its own."""
        self.over = True
        self.violation = Violation(property, sentence, found, "")


def trimmed(answers: Sequence[int]) -> tuple[int, ...]:
    """Return answers without those at the end that are the first option anyway."""
    end = len(answers)
    while end and not answers[end - 1]:
        end -= 1
    return tuple(answers[:end])
