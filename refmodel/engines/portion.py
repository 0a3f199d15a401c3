"""Portions: a check cut into pieces that can run anywhere, each out of its own seed.

A portion is either random walks or rule-based runs.  What it finds depends on its number and the seed of the
check only, not on who runs it or when.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.reporting import with_reporter
from hypothesis.stateful import run_state_machine_as_test

from refmodel.engines.commands import KINDS
from refmodel.engines.coverage import Goal, reached
from refmodel.engines.minimise import minimise
from refmodel.engines.stateful import PropertyBroken, machine_for
from refmodel.engines.token import Program
from refmodel.engines.trial import Trial
from refmodel.engines.walk import LENGTH, Walk, walk
from refmodel.profiles import preset
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.engines.setting import Setting
    from refmodel.engines.violation import Violation
    from refmodel.kernel.table import OperationTable
    from refmodel.profiles import Profile

STEPS = 20_000
"""Model steps of a portion of walks, if a check is not shorter."""

RULE_RUNS = 20
"""Rule-based runs of a portion."""

THOROUGH = 8
"""Every so many portions of walks look at the state after every step."""

RULES = 10
"""Every so many portions are rule-based runs."""

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
"""Failing walks of a portion that are minimised; the shortest program of each property is kept."""


@attrs.frozen
class Found:
    """A failure that a portion found, minimised.

    program: the shortest that was found.  violation: what it breaks.  length: moves before minimising.
    """

    program: Program
    violation: Violation
    length: int


@attrs.frozen
class Report:
    """What a portion did.

    rules: whether it was rule-based.  runs: walks, or rule-based runs.  commands, steps: how many ran.
    halts: runs that ended where the kernel stops.  cpu: seconds of the process.
    """

    number: int
    rules: bool
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
    steps: model steps of a portion of walks, which ends with the walk that reaches them.
    """

    profile: Profile
    preset: str
    settings: tuple[Setting, ...]
    seed: int
    never: frozenset[str]
    steps: int


class Worker:
    """Runs portions of one check; systems are kept from one portion to the next."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kinds = KINDS.of(plan.profile.operations)
        self.properties = (*at_rest(plan.profile), *in_history(plan.profile))
        self._trials: dict[tuple[Setting, bool], Trial] = {}

    def run(self, number: int, until: float | None = None) -> Report:
        """Run a portion.  until: time (``time.time()``) after which no further walk begins."""
        rules = number % RULES == RULES - 1
        turn = number // RULES if rules else number
        setting = self.plan.settings[turn % len(self.plan.settings)]
        return self._rules(number, setting) if rules else self._walks(number, setting, until)

    def _walks(self, number: int, setting: Setting, until: float | None) -> Report:
        trial = self._trial(setting, every_step=number % THOROUGH == THOROUGH - 1)
        counted = _Counted(number, trial, rules=False)
        chance = random.Random(f"{self.plan.seed}:{number}")
        length = _BYTES_OF_PAGE * LENGTH * preset(self.plan.preset).pages
        failed: list[Walk] = []
        while trial.steps - counted.steps < self.plan.steps and (until is None or time.time() < until):
            done = walk(trial, self.kinds, chance.randbytes(length), never=self.plan.never)
            counted.runs += 1
            counted.halts += trial.halted
            if done.violation is not None:
                failed.append(done)
        return self._report(counted, setting, failed)

    def _rules(self, number: int, setting: Setting) -> Report:
        plan = self.plan
        machine = machine_for(plan.profile, plan.preset, setting, self.properties, plan.never)
        counted = _Counted(number, machine.trial, rules=True)
        counted.runs = RULE_RUNS
        failed: list[Walk] = []
        with with_reporter(_say_nothing), _no_traces():
            try:
                run_state_machine_as_test(seed(f"{plan.seed}:{number}")(machine), settings=_SETTINGS)
            except PropertyBroken as broken:
                failed.append(Walk(broken.moves, broken.violation))
        return self._report(counted, setting, failed)

    def _trial(self, setting: Setting, *, every_step: bool) -> Trial:
        key = setting, every_step
        if key not in self._trials:
            v = setting.system(self.plan.profile, self.plan.preset)
            self._trials[key] = Trial(v, self.properties, every_step=every_step)
        return self._trials[key]

    def _report(self, counted: _Counted, setting: Setting, failed: Sequence[Walk]) -> Report:
        report = counted.report(self.plan.profile.operations)
        return (
            attrs.evolve(report, found=self._shortest(counted.trial, setting, failed)) if failed else report
        )

    def _shortest(self, trial: Trial, setting: Setting, failed: Sequence[Walk]) -> tuple[Found, ...]:
        """Minimise what failed; return the shortest program for each property."""
        found: dict[str, Found] = {}
        for one in failed[:_MOST_MINIMISED]:
            assert one.violation is not None
            least = minimise(trial, one.moves, one.violation)
            known = found.get(one.violation.property)
            if known is None or len(least.moves) < len(known.program.moves):
                program = Program(self.plan.profile.name, self.plan.preset, setting, least.moves)
                found[one.violation.property] = Found(program, least.violation, len(one.moves))
        return tuple(found.values())


class _Counted:
    """What a portion counts, from where its trial stood."""

    def __init__(self, number: int, trial: Trial, *, rules: bool) -> None:
        self.number, self.rules, self.trial = number, rules, trial
        self.steps, self.commands, self.cpu = trial.steps, trial.commands, time.process_time()
        self.runs = self.halts = 0

    def report(self, table: OperationTable) -> Report:
        """Return the report of a portion that has found nothing yet."""
        return Report(
            number=self.number,
            rules=self.rules,
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
