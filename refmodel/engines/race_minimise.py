"""The minimiser of races: fewer commands, fewer actors, fewer switches, plainer arguments, no needless failures.

Every candidate is a race again (``refmodel.engines.race_course``) and is followed from the last state that it
shares with the best race so far.  It takes the best one's place if it breaks the same property, at the same step
where a step broke it, and is larger in nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, permutations
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.command import Argument, Command, Move
from refmodel.engines.commands import KINDS
from refmodel.engines.race_course import TO_ITS_END, Course, Stop
from refmodel.engines.race_trial import TASKS, Part, Race, Slice

if TYPE_CHECKING:
    from refmodel.engines.race_trial import RaceTrial
    from refmodel.engines.violation import Violation

_MOST_FOR_PAIRS = 12
"""Parts of a race at most for deleting every pair of them."""

_MOST_NESTED = 200
"""Steps of a part at most within which another one is tried everywhere."""

MOST_STEPS = 60_000
"""Steps that candidates for one race may run; the best race so far is then taken as it is."""

_STEP = re.compile(r"\w+\.\w+")
"""Where an error in a step broke a property."""


@attrs.frozen
class MinimisedRace:
    """A minimised race.  race: with the violation at its end.  replays: how many candidates were followed."""

    race: Race
    violation: Violation
    replays: int


def minimise_race(trial: RaceTrial, race: Race) -> MinimisedRace:
    """Minimise a race that breaks a property.

    trial: a system like the one in which it was found; its state is lost.
    Raises ValueError when the race breaks no property.
    """
    if race.violation is None:
        raise ValueError("the race breaks no property; minimise one that does")
    return _Minimiser(trial.only(race.violation.property), race.violation).minimise(race)


class _Minimiser:
    """The best race so far, with the course that it took."""

    def __init__(self, trial: RaceTrial, violation: Violation) -> None:
        self.trial, self.wanted = trial, violation
        self.replays = 0
        self.begun = trial.steps
        self.strayed = False
        self.failed: set[tuple[tuple[Part | None, int], ...]] = set()
        self.best = Course(trial)
        self.race = Race((), (), None)

    def minimise(self, race: Race) -> MinimisedRace:
        """Shorten until nothing can be taken away, then simplify, until neither changes anything."""
        if not self.accepts(race.parts, race.slices):
            raise ValueError(f"the race does not break {self.wanted.property}; minimise one that does")
        before = None
        while before != self.race:
            before = self.race
            self.delete_parts()
            self.run_in_one_go()
            self.delete_pairs()
            self.join_slices()
            self.nest_parts()
            self.shorten_slices()
            self.leave_out_actors()
            self.simplify_answers()
            self.simplify_arguments()
        assert self.race.violation is not None
        return MinimisedRace(self.race, self.race.violation, self.replays)

    # --- candidates -----------------------------------------------------------------------------------------

    def accepts(self, parts: Sequence[Part], slices: Sequence[Slice]) -> bool:
        """Follow a candidate; keep it if it breaks the property and is not larger than the best.

        Where parts take another way than before, slices end at the same steps as before, not after as many.
        With ``MOST_STEPS`` run nothing is followed any more.
        """
        if self.trial.steps - self.begun >= MOST_STEPS:
            return False
        key = _key(parts, slices)
        if key in self.failed:
            return False
        start = self.shared(parts, slices)
        if self.tries(parts, slices, start, None) or (
            self.strayed and self.tries(parts, slices, start, self.best.stops(slices)[start:])
        ):
            return True
        self.failed.add(key)
        return False

    def tries(
        self, parts: Sequence[Part], slices: Sequence[Slice], start: int, stops: list[Stop | None] | None
    ) -> bool:
        """Follow a candidate from where it differs from the best."""
        self.replays += 1
        course = Course(self.trial, marking=True)
        if start:
            course.resume(self.best, start)
        else:
            course.begin()
        course.follow(parts, slices[start:], stops)
        course.settle()
        race = course.race
        self.strayed = bool(self.race.parts) and any(mine not in self.best.names for mine in course.names)
        if self.breaks(race.violation) and (not self.race.parts or _size(race) <= _size(self.race)):
            self.best, self.race = course, race
            self.mark(race)
            return True
        return False

    def mark(self, race: Race) -> None:
        """Follow the best race exactly, so that there is a mark before each of its slices.

        A slice that ended early may have gone on later, before another part of the same actor could begin.
        """
        if [(m.parts, m.slices, m.steps) for m in self.best.marks] == _marks(race):
            return
        course = Course(self.trial, marking=True)
        course.begin()
        course.follow(race.parts, race.slices)
        course.settle()
        self.best = course

    def breaks(self, violation: Violation | None) -> bool:
        """Whether a violation is the one that is looked for."""
        if violation is None or violation.property != self.wanted.property:
            return False
        return violation.where == self.wanted.where or not _STEP.fullmatch(self.wanted.where)

    def shared(self, parts: Sequence[Part], slices: Sequence[Slice]) -> int:
        """Return how many slices a candidate has in common with the best race, at its beginning."""
        best, same = self.race, 0
        for mine, other in zip(slices[: len(self.best.marks) - 1], best.slices, strict=False):
            if mine != other or parts[mine[0]] != best.parts[mine[0]]:
                break
            same += 1
        return same

    # --- shorter --------------------------------------------------------------------------------------------

    def delete_parts(self) -> None:
        """Delete runs of parts: halves first, single ones last."""
        size = (len(self.race.parts) + 1) // 2
        while size:
            start = 0
            while start < len(self.race.parts):
                if not self.without(range(start, start + size)):
                    start += size
            size //= 2

    def delete_pairs(self) -> None:
        """Delete two parts that need each other."""
        again = len(self.race.parts) <= _MOST_FOR_PAIRS
        while again:
            pairs = combinations(range(len(self.race.parts)), 2)
            again = any(self.without(pair) for pair in pairs)

    def without(self, numbers: Sequence[int]) -> bool:
        """Try the race without some parts."""
        slices = [each for each in self.race.slices if each[0] not in numbers]
        return bool(slices) and self.accepts(self.race.parts, slices)

    # --- fewer switches -------------------------------------------------------------------------------------

    def run_in_one_go(self) -> None:
        """Let each part run to its end where it begins, or where it ends."""
        number = 0
        while number < len(self.race.parts):
            at = [n for n, each in enumerate(self.race.slices) if each[0] == number]
            if len(at) > 1 and not self.gather(number, at[0]):
                self.gather(number, at[-1])
            number += 1

    def gather(self, number: int, place: int) -> bool:
        """Try all steps of a part at one place."""
        slices: list[Slice] = []
        for n, each in enumerate(self.race.slices):
            if n == place:
                slices.append((number, TO_ITS_END))
            elif each[0] != number:
                slices.append(each)
        return self.accepts(self.race.parts, slices)

    def join_slices(self) -> None:
        """Move a slice to the next one of its part, or the next one to it."""
        first = 0
        while first < len(self.race.slices):
            before = len(self.race.slices)
            joined = any(self.accepts(self.race.parts, each) for each in self.joined(first))
            if not joined or len(self.race.slices) >= before:  # a run may come apart again as it was
                first += 1

    def joined(self, first: int) -> Iterator[list[Slice]]:
        """Yield the slices with two of them joined."""
        slices = self.race.slices
        number, steps = slices[first]
        second = next((n for n in range(first + 1, len(slices)) if slices[n][0] == number), None)
        if second is not None:
            one = number, steps + slices[second][1]
            yield [*slices[:first], one, *slices[first + 1 : second], *slices[second + 1 :]]
            yield [*slices[:first], *slices[first + 1 : second], one, *slices[second + 1 :]]

    def nest_parts(self) -> None:
        """Let one of two parts that take turns run to its end within the other, wherever that may be."""
        again = True
        while again:
            turns = [number for number in range(len(self.race.parts)) if self.count(number) > 1]
            again = any(
                self.accepts(self.race.parts, slices)
                for outer, inner in permutations(turns, 2)
                for slices in self.nested(outer, inner)
            )

    def count(self, number: int) -> int:
        """Return the number of slices of a part."""
        return sum(each[0] == number for each in self.race.slices)

    def nested(self, outer: int, inner: int) -> Iterator[list[Slice]]:
        """Yield the slices with a part run to its end after each number of steps of another one."""
        places = [n for n, each in enumerate(self.race.slices) if each[0] in (outer, inner)]
        steps = sum(count for number, count in self.race.slices if number == outer)
        if len(places) > 3 and steps <= _MOST_NESTED:
            before = list(self.race.slices[: places[0]])
            rest = [each for each in self.race.slices[places[0] :] if each[0] not in (outer, inner)]
            for done in range(1, steps):
                yield [*before, (outer, done), (inner, TO_ITS_END), (outer, TO_ITS_END), *rest]

    def shorten_slices(self) -> None:
        """Leave out steps of operations that need not come to their end, and whole slices."""
        place = 0
        while place < len(self.race.slices):
            number, steps = self.race.slices[place]
            before, after = self.race.slices[:place], self.race.slices[place + 1 :]
            tries = [steps - 1] if steps > 1 else []
            tried = [[*before, *after], *([*before, (number, less), *after] for less in tries)]
            if not any(self.fewer_steps(each) for each in tried):
                place += 1

    def fewer_steps(self, slices: list[Slice]) -> bool:
        """Try slices; what comes out must have fewer steps."""
        old, best = self.race, self.best
        if not slices or not self.accepts(old.parts, slices):
            return False
        if _steps(self.race) < _steps(old):
            return True
        self.race, self.best = old, best
        self.failed.add(_key(old.parts, slices))
        return False

    # --- fewer actors ---------------------------------------------------------------------------------------

    def leave_out_actors(self) -> None:
        """Give the parts of a task to others that are idle then; number the tasks in order."""
        for task in reversed(range(TASKS)):
            parts = self.given_away(task)
            if parts is not None:
                self.accepts(parts, self.race.slices)
        order = dict.fromkeys(part.actor for part in self.race.parts if part.actor < TASKS)
        names = {actor: number for number, actor in enumerate(order)}
        named = [attrs.evolve(part, actor=names.get(part.actor, part.actor)) for part in self.race.parts]
        if tuple(named) != self.race.parts:
            self.accepts(named, self.race.slices)

    def given_away(self, task: int) -> list[Part] | None:
        """Return the parts without those of a task, as far as the others are idle; None where they are not."""
        parts = list(self.race.parts)
        others = [actor for actor in range(TASKS) if actor != task and any(p.actor == actor for p in parts)]
        if not others or all(part.actor != task for part in parts):
            return None
        spans = [self.span(number) for number in range(len(parts))]
        for number, part in enumerate(parts):
            if part.actor == task:
                idle = (a for a in others if not any(
                    other.actor == a and _overlap(spans[number], spans[n]) for n, other in enumerate(parts)
                ))  # fmt: skip
                actor = next(idle, None)
                if actor is None:
                    return None
                parts[number] = attrs.evolve(part, actor=actor)
        return parts

    def span(self, number: int) -> tuple[int, int]:
        """Return the places of the first and the last slice of a part."""
        places = [n for n, each in enumerate(self.race.slices) if each[0] == number]
        return places[0], places[-1]

    # --- plainer --------------------------------------------------------------------------------------------

    def simplify_answers(self) -> None:
        """Let nothing unusual happen in a part, or at least not at one of its choices."""
        number = 0
        while number < len(self.race.parts):
            move = self.race.parts[number].move
            tries = [(), *(_zeroed(move.answers, n) for n, answer in enumerate(move.answers) if answer)]
            if not move.answers or not any(self.replace(number, move.command, each) for each in tries):
                number += 1

    def simplify_arguments(self) -> None:
        """Move arguments towards the first value of their domain, equal ones together, then each alone."""
        for name, value in self.named_values():
            if isinstance(value, int):
                any(self.rename(name, value, simpler) for simpler in range(min(value, 8)))
        number = 0
        while number < len(self.race.parts):
            part = self.race.parts[number]
            if part.actor >= TASKS or not any(
                self.replace(number, command, part.move.answers) for command in self.simpler(number)
            ):
                number += 1

    def named_values(self) -> list[tuple[str, Argument]]:
        """Return the arguments of commands, by name and value."""
        found: dict[tuple[str, Argument], None] = {}
        for part in self.race.parts:
            if part.actor < TASKS:
                command = part.move.command
                found |= dict.fromkeys(zip(KINDS[command.name].parameters, command.arguments, strict=True))
        return list(found)

    def rename(self, name: str, value: Argument, simpler: Argument) -> bool:
        """Try another value wherever an argument of a name has a value."""
        parts = [_renamed(part, name, value, simpler) for part in self.race.parts]
        return tuple(parts) != self.race.parts and self.accepts(parts, self.race.slices)

    def simpler(self, number: int) -> Iterator[Command]:
        """Yield the command of a part with one argument moved towards the first of its domain."""
        self.trial.restore(self.best.marks[self.span(number)[0]].state)
        command = self.race.parts[number].move.command
        domains = [list(domain(self.trial.v)) for domain in KINDS[command.name].domains]
        for position, (domain, value) in enumerate(zip(domains, command.arguments, strict=True)):
            place = domain.index(value) if value in domain else len(domain)
            for simpler in dict.fromkeys((0, place // 2, place - 1)):
                if 0 <= simpler < place:
                    before, after = command.arguments[:position], command.arguments[position + 1 :]
                    yield Command(command.name, (*before, domain[simpler], *after))

    def replace(self, number: int, command: Command, answers: tuple[int, ...]) -> bool:
        """Try another command or other answers for a part."""
        parts = list(self.race.parts)
        parts[number] = attrs.evolve(parts[number], move=Move(command, answers))
        return self.accepts(parts, self.race.slices)


def _key(parts: Sequence[Part], slices: Sequence[Slice]) -> tuple[tuple[Part | None, int], ...]:
    """Return a candidate as one value, in which each part stands for its number at its beginning."""
    numbers: dict[int, int] = {}
    key: list[tuple[Part | None, int]] = []
    for number, steps in slices:
        begins = number not in numbers
        own = numbers.setdefault(number, len(numbers))
        key += [(parts[number] if begins else None, own), (None, steps)]
    return tuple(key)


def _size(race: Race) -> tuple[int, int, int, int]:
    """Return what a race is measured by: parts, actors, slices, unusual answers."""
    actors = len({part.actor for part in race.parts})
    unusual = sum(answer > 0 for part in race.parts for answer in part.move.answers)
    return len(race.parts), actors, len(race.slices), unusual


def _steps(race: Race) -> int:
    return sum(steps for _, steps in race.slices)


def _marks(race: Race) -> list[tuple[int, int, int]]:
    """Return the numbers of parts, slices and steps that stand before each slice."""
    marks, seen, done = [], 0, 0
    for place, (number, steps) in enumerate(race.slices):
        marks.append((seen, place, done))
        seen, done = max(seen, number + 1), done + steps
    return marks


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _zeroed(answers: tuple[int, ...], position: int) -> tuple[int, ...]:
    return (*answers[:position], 0, *answers[position + 1 :])


def _renamed(part: Part, name: str, value: Argument, other: Argument) -> Part:
    """Return a part in which the arguments of a name have another value."""
    command = part.move.command
    if part.actor >= TASKS:
        return part
    names = KINDS[command.name].parameters
    given = tuple(
        other if (n, a) == (name, value) else a for n, a in zip(names, command.arguments, strict=True)
    )
    return attrs.evolve(part, move=attrs.evolve(part.move, command=Command(command.name, given)))
