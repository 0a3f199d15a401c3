"""Portions: a check cut into pieces that can run anywhere, each out of its own seed.

A portion is random walks, races of several actors or rule-based runs.  What it finds depends on its number and the
seed of the check only, not on who runs it or when.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Literal

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.reporting import with_reporter
from hypothesis.stateful import run_state_machine_as_test

from refmodel.engines.command import describe
from refmodel.engines.commands import KINDS
from refmodel.engines.coverage import Goal, reached
from refmodel.engines.minimise import minimise
from refmodel.engines.race_minimise import minimise_race
from refmodel.engines.race_schedule import scheduled
from refmodel.engines.race_trial import Race, RaceTrial
from refmodel.engines.races import BYTES as RACE_BYTES
from refmodel.engines.races import MEETING, race, race_scope
from refmodel.engines.rerun import rerun
from refmodel.engines.setting import BATCHES, TOKENS
from refmodel.engines.stateful import PropertyBroken, machine_for
from refmodel.engines.token import Program
from refmodel.engines.trial import Trial
from refmodel.engines.walk import LENGTH, Walk, walk
from refmodel.profiles import preset
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.engines.rerun import Rerun
    from refmodel.engines.schedule_token import ScheduledRun
    from refmodel.engines.setting import Setting
    from refmodel.engines.violation import Violation
    from refmodel.kernel.config import Sizes
    from refmodel.kernel.table import OperationTable
    from refmodel.profiles import Profile

Kind = Literal["walks", "races", "rules"]
"""What a portion is."""

STEPS = 20_000
"""Model steps of a portion of walks or races, if a check is not shorter."""

RULE_RUNS = 20
"""Rule-based runs of a portion."""

THOROUGH = 8
"""Every so many portions of walks and of races look at the state after every step."""

RULES = 10
"""Every so many portions are rule-based runs."""

RACES = 3
"""Every so many of the others are races, which is about a third of the time."""

_SETTINGS = settings(
    max_examples=RULE_RUNS,
    stateful_step_count=LENGTH,
    phases=[Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
)
"""The program is minimised here, so Hypothesis need not shrink it."""

_BYTES_OF_PAGE = 10
"""Bytes that a command draws for each page that it may be about, with some to spare."""

_MOST_MINIMISED = 6
"""Failing walks or races of a portion that are minimised; the shortest of each property is kept."""


@attrs.frozen
class Found:
    """A failure that a portion found, minimised.

    run: the shortest that was found.  text: its commands, or its turns, as a person would write them.
    violation: what it breaks.  length: commands before minimising.
    """

    run: Program | ScheduledRun
    text: tuple[str, ...]
    violation: Violation
    length: int


@attrs.frozen
class Report:
    """What a portion did.

    kind: what it was.  runs: walks, races, or rule-based runs.  commands, steps: how many ran.
    halts: runs that ended where the kernel stops.  cpu: seconds of the process.
    """

    number: int
    kind: Kind
    runs: int
    commands: int
    steps: int
    halts: int
    cpu: float
    reached: frozenset[Goal]
    found: tuple[Found, ...] = ()


@attrs.frozen
class Plan:
    """What all portions of a check share.

    profile, preset: what runs.  settings: taken in turn.  seed: of the check.
    never: names of choice points that never fail.
    steps: model steps of a portion of walks or races, which ends with the run that reaches them.
    races: whether there are races at all.
    """

    profile: Profile
    preset: str
    settings: tuple[Setting, ...]
    seed: int
    never: frozenset[str]
    steps: int
    races: bool = True


class Worker:
    """Runs portions of one check; systems are kept from one portion to the next."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kinds = KINDS.of(plan.profile.operations)
        self.properties = (*at_rest(plan.profile), *in_history(plan.profile))
        self._trials: dict[tuple[Setting, bool], Trial] = {}
        self._races: dict[tuple[Setting, Sizes, bool], RaceTrial] = {}
        self._racing = [each for each in plan.settings if can_race(each)] if plan.races else []

    def run(self, number: int, until: float | None = None) -> Report:
        """Run a portion.  until: time (``time.time()``) after which no walk or race begins but the very first."""
        kind = self.kind(number)
        turn = sum(self.kind(each) == kind for each in range(number))
        if kind == "races":
            return self._run_races(number, turn, until)
        setting = self.plan.settings[turn % len(self.plan.settings)]
        return self._rules(number, setting) if kind == "rules" else self._walks(number, turn, setting, until)

    def kind(self, number: int) -> Kind:
        """Return what the portion of a number is."""
        if number % RULES == RULES - 1:
            return "rules"
        return "races" if number % RACES == 1 and self._racing else "walks"

    def _walks(self, number: int, turn: int, setting: Setting, until: float | None) -> Report:
        trial = self._trial(setting, every_step=turn % THOROUGH == THOROUGH - 1)
        counted = _Counted(number, trial, "walks")
        chance = random.Random(f"{self.plan.seed}:{number}")
        length = _BYTES_OF_PAGE * LENGTH * preset(self.plan.preset).pages
        failed: list[Walk] = []
        while self._goes_on(counted, until):
            done = walk(trial, self.kinds, chance.randbytes(length), never=self.plan.never)
            counted.runs += 1
            counted.halts += trial.halted
            if done.violation is not None:
                failed.append(done)
        return self._report(counted, trial, setting, failed)

    def _run_races(self, number: int, turn: int, until: float | None) -> Report:
        """Run races, in turn on small systems and on those at which actors meet."""
        setting = self._racing[turn // 2 % len(self._racing)]
        sizes = (preset("toy"), MEETING)[turn % 2]
        trial = self._race_trial(setting, sizes, every_step=turn % THOROUGH >= THOROUGH - 2)
        counted = _Counted(number, trial, "races")
        chance = random.Random(f"{self.plan.seed}:{number}")
        failed: list[Race] = []
        while self._goes_on(counted, until):
            done = race(trial, self.kinds, chance.randbytes(RACE_BYTES), never=self.plan.never)
            counted.runs += 1
            counted.halts += trial.halted
            if done.violation is not None:
                failed.append(done)
        report = counted.report(self.plan.profile.operations)
        return attrs.evolve(report, found=self._shortest_races(trial, failed)) if failed else report

    def _goes_on(self, counted: _Counted, until: float | None) -> bool:
        enough = counted.trial.steps - counted.steps >= self.plan.steps
        first = not counted.number and not counted.runs
        return first or (not enough and (until is None or time.time() < until))

    def _rules(self, number: int, setting: Setting) -> Report:
        plan = self.plan
        machine = machine_for(plan.profile, plan.preset, setting, self.properties, plan.never)
        counted = _Counted(number, machine.trial, "rules")
        counted.runs = RULE_RUNS
        failed: list[Walk] = []
        with with_reporter(_say_nothing), _no_traces():
            try:
                run_state_machine_as_test(seed(f"{plan.seed}:{number}")(machine), settings=_SETTINGS)
            except PropertyBroken as broken:
                failed.append(Walk(broken.moves, broken.violation))
        return self._report(counted, machine.trial, setting, failed)

    def _race_trial(self, setting: Setting, sizes: Sizes, *, every_step: bool) -> RaceTrial:
        key = setting, sizes, every_step
        if key not in self._races:
            scope = race_scope(setting, sizes, self.plan.profile)
            self._races[key] = RaceTrial(scope, self.plan.profile, self.properties, every_step=every_step)
        return self._races[key]

    def _trial(self, setting: Setting, *, every_step: bool) -> Trial:
        key = setting, every_step
        if key not in self._trials:
            v = setting.system(self.plan.profile, self.plan.preset)
            self._trials[key] = Trial(v, self.properties, every_step=every_step)
        return self._trials[key]

    def _report(self, counted: _Counted, trial: Trial, setting: Setting, failed: Sequence[Walk]) -> Report:
        report = counted.report(self.plan.profile.operations)
        return attrs.evolve(report, found=self._shortest(trial, setting, failed)) if failed else report

    def _shortest(self, trial: Trial, setting: Setting, failed: Sequence[Walk]) -> tuple[Found, ...]:
        """Minimise what failed; return the shortest program for each property."""
        found: dict[str, Found] = {}
        for one in failed[:_MOST_MINIMISED]:
            assert one.violation is not None
            least = minimise(trial, one.moves, one.violation)
            program = Program(self.plan.profile.name, self.plan.preset, setting, least.moves)
            known = found.get(one.violation.property)
            if known is None or _length(program) < _length(known.run):
                found[one.violation.property] = Found(
                    program, _commands(program), least.violation, len(one.moves)
                )
        return tuple(found.values())

    def _shortest_races(self, trial: RaceTrial, failed: Sequence[Race]) -> tuple[Found, ...]:
        """Minimise races; return the shortest schedule for each property that it is seen to break."""
        found: dict[str, Found] = {}
        for one in failed[:_MOST_MINIMISED]:
            least = minimise_race(trial, one)
            run = scheduled(trial, least.race)
            seen = rerun(run, self.plan.profile)
            violation = seen.violation or least.violation
            known = found.get(violation.property)
            if known is None or _length(run) < _length(known.run):
                found[violation.property] = Found(run, _turns(seen), violation, len(one.parts))
        return tuple(found.values())


def can_race(setting: Setting) -> bool:
    """Whether a setting is one of those that a scope can have, on which races run."""
    return setting.compressor in (TOKENS, BATCHES) and setting.zpool == "zsmalloc" and setting.device


def _commands(program: Program) -> tuple[str, ...]:
    return tuple(describe(KINDS, move.command) for move in program.moves)


def _turns(seen: Rerun) -> tuple[str, ...]:
    """Return the turns of a schedule, one in a line: who, what it begins, and how many steps it goes."""
    counted = ((turn, len(turn.steps)) for turn in seen.turns)
    return tuple(
        f"{turn.actor}: {turn.label or 'goes on'}, {count} step{'s' if count > 1 else ''}"
        for turn, count in counted
    )


def _length(run: Program | ScheduledRun) -> int:
    """Return how long a run is: its commands, or its turns."""
    return len(run.moves) if isinstance(run, Program) else len(run.schedule)


class _Counted:
    """What a portion counts, from where its trial stood."""

    def __init__(self, number: int, trial: Trial | RaceTrial, kind: Kind) -> None:
        self.number, self.kind, self.trial = number, kind, trial
        self.steps, self.commands, self.cpu = trial.steps, trial.commands, time.process_time()
        self.runs = self.halts = 0

    def report(self, table: OperationTable) -> Report:
        """Return the report of a portion that has found nothing yet."""
        return Report(
            number=self.number,
            kind=self.kind,
            runs=self.runs,
            commands=self.trial.commands - self.commands,
            steps=self.trial.steps - self.steps,
            halts=self.halts,
            cpu=time.process_time() - self.cpu,
            reached=reached(table, [self.trial]),
        )


@cache
def _storage() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="refmodel-")


@contextmanager
def _no_traces() -> Iterator[None]:
    """Let Hypothesis keep its notes about source files out of the working directory, until the process ends."""
    if "HYPOTHESIS_STORAGE_DIRECTORY" in os.environ:
        yield
        return
    set_hypothesis_home_dir(_storage().name)
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)


def _say_nothing(text: object) -> None:
    """Take what Hypothesis would print: the minimised program says it better."""
