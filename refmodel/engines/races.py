"""Races: random runs of several actors, one run out of one sequence of bytes.

A race goes in rounds.  In each round some tasks run a few commands that are drawn as in walks, while the system
does its own work beside them; a round ends when nothing is in flight.  Who goes next is drawn by one of three
schedulers:

* even: anybody, at each step;
* lazy: the same one as before, mostly;
* by priority (PCT): always the first of a random order, which changes at a few random steps.  A bug that takes
  ``d`` switches at certain steps is found with a probability that has a lower bound.

Everybody who can go on comes to go on: who has run for long alone falls back in the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import attrs

from refmodel.engines.command import Command, Move
from refmodel.engines.environment import Drawn, Draws, Exhausted
from refmodel.engines.race_trial import TASKS, Outcome, Part, Race, RaceTrial
from refmodel.engines.rerun import STUCK
from refmodel.engines.scope import SMALL, Scope
from refmodel.engines.scope_file import POINTS
from refmodel.engines.setting import BATCHES, LENGTHS, zram_device
from refmodel.engines.violation import BUILT_IN, Violation
from refmodel.engines.walk import FAULT_RATES, CommandDraws
from refmodel.kernel.config import MAX_BATCH

if TYPE_CHECKING:
    from refmodel.engines.command import Kind
    from refmodel.engines.environment import Environment
    from refmodel.engines.setting import Setting
    from refmodel.kernel.config import Sizes
    from refmodel.machine import Operation
    from refmodel.profiles import Profile

COMMANDS = 16
"""Commands of a race at most."""

BYTES = 4096
"""Length of the sequence of a race: enough for most races to reach their number of commands."""

MEETING = attrs.evolve(
    SMALL,
    cpus=2,
    memcgs=2,
    pages=2,
    slots=4,
    slot_cache=2,
    folios=8,
    entries=6,
    objects=6,
    totalram_pages=120,
)
"""Sizes at which actors meet: two pages of one process, three slots, two CPUs, two cgroups."""

FAULTS = tuple(sorted(name for name, point in POINTS.items() if point.fault))
"""Choice points at which something may fail: all."""

OPENINGS = (
    (),
    (Command("shrinker_enabled", (1,)),),
    (Command("write", (0, 0, 2)), Command("pageout", (0, 0, 1))),
    (
        Command("shrinker_enabled", (1,)),
        Command("write", (0, 0, 2)),
        Command("pageout", (0, 0, 1)),
        Command("shrinker_scan", (1, 0, 1)),
    ),
)
"""How races begin, one like the other: an entry that is old takes commands that are rarely drawn in a row."""

_NARROW, _FEW = 160, 4
"""Of 256 races so many draw only so many kinds of commands, besides two that are favoured."""

_MOST_STEPS = 20_000
"""Steps of a round until everybody gets his turn, and again until it counts as endless."""

_ALONE = 400
"""Steps that one actor runs by priority before it falls back."""

_WITHIN = (16, 64, 256)
"""Steps within which priorities change."""

_NAPS = (1, 4, 16)
"""Steps between two looks for the system's own work; a race has one of these figures."""


def race_scope(setting: Setting, sizes: Sizes, profile: Profile) -> Scope:
    """Return the system of races of a profile: a setting that compresses tokens, in which everything may fail."""
    return Scope(
        "race",
        (),
        sizes=sizes,
        synchronous=setting.synchronous,
        enabled=setting.enabled,
        lengths=LENGTHS,
        batch=MAX_BATCH if setting.compressor == BATCHES else 1,
        faults=FAULTS,
        fixed=(),
        zram=zram_device(profile),
    )


def race(
    trial: RaceTrial,
    kinds: Mapping[str, Kind],
    data: bytes,
    *,
    commands: int = COMMANDS,
    never: frozenset[str] = frozenset(),
) -> Race:
    """Race from the initial state until something is broken, the kernel halts, or commands or data end.

    kinds: what may be drawn.  commands: how many at most.  never: names of choice points that never fail.
    """
    return _Rounds(trial, kinds, data, never).run(commands)


class Scheduler(Protocol):
    """Says who goes next."""

    def pick(self, awake: list[int]) -> int:
        """Return one of the actors that may go on."""
        ...


class Even:
    """Anybody goes next; with ``lazy`` of 256 chances the one who went before, if he can."""

    def __init__(self, draws: Draws, lazy: int) -> None:
        self.draws, self.lazy, self.last = draws, lazy, -1

    def pick(self, awake: list[int]) -> int:
        """Draw an actor."""
        if self.lazy and self.last in awake and self.draws.byte() < self.lazy:
            return self.last
        self.last = awake[self.draws.below(len(awake))]
        return self.last


class Priorities:
    """The first of a random order goes next (Burckhardt and others, ASPLOS 2010).

    changes: at how many random steps the one whose turn it is becomes the last of the order.
    """

    def __init__(self, draws: Draws, actors: int, changes: int) -> None:
        self.order: list[int] = []
        for actor in range(actors):
            self.order.insert(draws.below(actor + 1), actor)
        within = _WITHIN[draws.below(len(_WITHIN))]
        self.changes = sorted(draws.below(within) for _ in range(changes))
        self.steps = self.row = 0
        self.last = -1

    def pick(self, awake: list[int]) -> int:
        """Take the first of the order, after the change that is due."""
        first = next(actor for actor in self.order if actor in awake)
        due = bool(self.changes) and self.steps >= self.changes[0]
        self.row = self.row + 1 if first == self.last else 0
        if due or self.row >= _ALONE:
            self.changes = self.changes[due:]
            self.order.remove(first)
            self.order.append(first)
            self.row = 0
            first = next(actor for actor in self.order if actor in awake)
        self.steps += 1
        self.last = first
        return first


class InTurn:
    """Everybody goes one step, one after the other."""

    def __init__(self) -> None:
        self.last = -1

    def pick(self, awake: list[int]) -> int:
        """Take the next one, counted round."""
        later = [actor for actor in awake if actor > self.last]
        self.last = min(later) if later else min(awake)
        return self.last


class _Rounds:
    """One race under way.

    begun: actor, command and environment of each operation.  slices: who went on when.
    left: commands that each task still runs in this round.
    """

    def __init__(
        self, trial: RaceTrial, kinds: Mapping[str, Kind], data: bytes, never: frozenset[str]
    ) -> None:
        self.trial, self.draws, self.never = trial, Draws(data), never
        self.kinds = kinds
        self.begun: list[tuple[int, Command, Environment]] = []
        self.slices: list[list[int]] = []
        self.left = [0] * TASKS
        self.look = 0
        self.over = False
        self.stuck: Violation | None = None

    def run(self, commands: int) -> Race:
        """Go through the rounds."""
        self.trial.reset()
        try:
            self.setup()
            self.open(OPENINGS[self.draws.below(len(OPENINGS))])
            while not self.over and commands > 0:
                commands -= self.draw_round()
                self.round(self.scheduler())
        except Exhausted:
            pass
        parts = tuple(Part(actor, Move(c, tuple(e.answers))) for actor, c, e in self.begun)
        slices = tuple((number, steps) for number, steps in self.slices)
        return Race(parts, slices, self.stuck or self.trial.violation)

    def setup(self) -> None:
        """Draw what all rounds share; two kinds of commands are favoured, however rare."""
        draws = self.draws
        self.rate = FAULT_RATES[draws.below(len(FAULT_RATES))]
        self.tasks = 2 + draws.below(TASKS - 1)
        self.nap = _NAPS[draws.below(len(_NAPS))]
        self.choice = CommandDraws(draws, self.kinds)
        lottery, names = self.choice.lottery, list(self.kinds)
        if draws.byte() < _NARROW:
            self.choice.lottery = [lottery[draws.below(len(lottery))] for _ in range(_FEW)]
        favoured = [self.kinds[names[draws.below(len(names))]] for _ in range(2)]
        self.choice.lottery += favoured * (1 + len(self.choice.lottery) // 8)

    def open(self, commands: tuple[Command, ...]) -> None:
        """Let the first task run commands to their end, while nothing unusual happens."""
        trial = self.trial
        for command in commands:
            operation = trial.operation(0, command)
            if operation is not None and not self.over:
                environment, number = Drawn(self.draws, 0, frozenset(POINTS)), len(self.begun)
                outcome = trial.begin(0, number, command, operation, environment)
                self.begun.append((0, command, environment))
                while outcome is Outcome.RAN:
                    self.note(number)
                    outcome = trial.step(0)
                self.note(number)
                self.over = outcome is not Outcome.ENDED

    def draw_round(self) -> int:
        """Draw how many commands each task runs; in one round of four one task runs alone.  Return the sum."""
        draws, alone = self.draws, self.draws.byte()
        self.left = [0] * TASKS
        for task in range(self.tasks) if alone >= 64 else (alone % self.tasks,):
            self.left[task] = 1 + draws.below(2)
        return sum(self.left)

    def scheduler(self) -> Scheduler:
        """Draw who says who goes next."""
        byte = self.draws.byte()
        if byte % 2:
            return Even(self.draws, (0, 128, 224)[byte // 2 % 3])
        return Priorities(self.draws, len(self.trial.racers), byte // 2 % 4)

    def round(self, scheduler: Scheduler) -> None:
        """Run a round until nothing is in flight, or nothing can go on."""
        trial = self.trial
        awake = [actor for actor in range(len(trial.racers)) if actor >= TASKS or self.left[actor]]
        asleep: list[int] = []
        first, tried, fair = trial.steps, -1, False
        while trial.flying or any(self.left):
            if not awake:
                if tried == trial.steps:
                    self.stand_still()
                    return
                awake, asleep, tried = asleep, [], trial.steps
                continue
            actor = scheduler.pick(awake)
            outcome = self.go(actor)
            if outcome is Outcome.OVER:
                self.over = True
                return
            if outcome is None or outcome is Outcome.WAITED:
                awake.remove(actor)
                asleep.append(actor)
            elif asleep:
                self.wake(awake, asleep)
            if trial.steps - first > _MOST_STEPS:
                if fair:
                    self.stop("PROGRESS", BUILT_IN["PROGRESS"], f"{2 * _MOST_STEPS} steps have not ended it")
                    return
                first, fair, scheduler = trial.steps, True, InTurn()

    def wake(self, awake: list[int], asleep: list[int]) -> None:
        """Wake who waited, now that somebody has gone a step; the idle part of the system now and then."""
        racers, look = self.trial.racers, self.trial.steps >= self.look
        if look:
            self.look = self.trial.steps + self.nap
        for actor in asleep[:]:
            due = look if actor >= TASKS else self.left[actor] > 0
            if due or racers[actor].current is not None:
                asleep.remove(actor)
                awake.append(actor)

    def go(self, actor: int) -> Outcome | None:
        """Let an actor go one step, or begin something; None if it has nothing to do."""
        trial = self.trial
        if trial.racers[actor].current is None:
            return self.begin(actor)
        outcome = trial.step(actor)
        if outcome is not Outcome.WAITED:
            self.note(trial.racers[actor].number)
        return outcome

    def begin(self, actor: int) -> Outcome | None:
        """Let an idle actor begin what is drawn."""
        trial, number = self.trial, len(self.begun)
        if actor < TASKS:
            if not self.left[actor]:
                return None
            self.left[actor] -= 1
            drawn = self.choice.draw(trial.v)
        else:
            drawn = self.own_work(actor)
        if drawn is None:
            return None
        environment = Drawn(self.draws, self.rate, self.never)
        outcome = trial.begin(actor, number, *drawn, environment)
        if outcome is not Outcome.WAITED:
            self.begun.append((actor, drawn[0], environment))
            self.note(number)
        return outcome

    def own_work(self, actor: int) -> tuple[Command, Operation] | None:
        """Draw a piece of the system's own work that is due, with its operation."""
        trial, due = self.trial, self.trial.due(actor)
        if not due or not (trial.flying or any(self.left)):
            return None
        command = Command(trial.own[actor - TASKS].name, (due[self.draws.below(len(due))],))
        operation = trial.operation(actor, command)
        return None if operation is None else (command, operation)

    def note(self, number: int) -> None:
        """Note a step of an operation."""
        if self.slices and self.slices[-1][0] == number:
            self.slices[-1][1] += 1
        else:
            self.slices.append([number, 1])

    def stand_still(self) -> None:
        """Nobody can go on: if operations are in flight, they wait for ever."""
        if self.trial.flying:
            self.stop("PROGRESS", STUCK, "every operation in flight waits")

    def stop(self, property: str, sentence: str, found: str) -> None:
        """End the race with a violation of its own."""
        self.over = True
        self.stuck = Violation(property, sentence, found, "")
