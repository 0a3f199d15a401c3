"""Check: look for a run that breaks a property, for as long as is asked.

Of ten portions six are random walks, three are races of several actors and one is rule-based runs of Hypothesis.
The settings take turns.  With a bound in steps the result depends on profile, preset and seed only.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import attrs

from refmodel.engines.coverage import Coverage, Goal, declared
from refmodel.engines.portion import STEPS, Found, Kind, Plan, Report, Worker
from refmodel.engines.processes import processes
from refmodel.engines.races import COMMANDS
from refmodel.engines.schedule_token import encode_run
from refmodel.engines.setting import BATCHES, COMPRESSORS, TOKENS, Setting, settings
from refmodel.engines.token import Program, encode
from refmodel.engines.walk import LENGTH

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

    from refmodel.engines.scope import Scope
    from refmodel.profiles import Profile

Verdict = Literal["not refuted", "refuted", "undecided"]


@attrs.frozen
class Failure:
    """A property that was broken, and the shortest program or schedule that was found to break it.

    property, sentence: which, and what it says.  found, where: what was found instead, and at which point.
    program: its commands, or the turns of its actors, as a person would write them.
    length: commands before minimising.  commands: afterwards.  setting: what stood at the start.  token: replays it.
    """

    property: str
    sentence: str
    found: str
    where: str
    program: tuple[str, ...]
    length: int
    commands: int
    setting: str
    token: str


@attrs.frozen
class Progress:
    """How far a check has come.

    seconds: since it began.  runs: walks, races and rule-based runs.  steps: of the model.
    reached, declared: goals.  failures: portions that found something.
    """

    seconds: float
    runs: int
    commands: int
    steps: int
    reached: int
    declared: int
    failures: int


@attrs.frozen
class CheckResult:
    """What a check did and what it found.

    verdict: "not refuted" within the bound, "refuted", or "undecided" when it could not do its work.
    bound: one sentence that says how much was looked at.  reason: why it is undecided, else "".
    assumptions: choice points that were taken never to fail, with the reason.
    walk_rate, race_rate, rule_rate: model steps a second and core, everything but minimising included; 0 without any.
    """

    profile: str
    preset: str
    seed: int
    verdict: Verdict
    bound: str
    reason: str
    settings: tuple[str, ...]
    assumptions: Mapping[str, str]
    walks: int
    races: int
    rule_runs: int
    halts: int
    commands: int
    walk_steps: int
    race_steps: int
    rule_steps: int
    seconds: float
    walk_rate: float
    race_rate: float
    rule_rate: float
    coverage: Coverage
    failures: tuple[Failure, ...]


def check(
    profile: Profile,
    preset: str = "toy",
    *,
    seconds: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    compressors: tuple[str, ...] = COMPRESSORS,
    assumptions: Mapping[str, str] = MappingProxyType({}),
    races: bool = True,
    progress: Callable[[Progress], None] | None = None,
    remake: Callable[[], Profile] | None = None,
) -> CheckResult:
    """Check a profile until something is refuted or the first bound is reached.

    A released kernel has bugs that are known; ``refmodel.museum.without_known_bugs`` returns the profile in
    which only others are found.

    profile: what is checked.  preset: name of the sizes.
    seconds: bound on the time.  steps: bound on model steps; without both bounds 20 seconds.
    seed: of all randomness.  jobs: processes.  compressors: which of ``COMPRESSORS`` to use.
    assumptions: choice points that are taken never to fail, with the reason.
    races: whether to run several actors at a time too; they use tokens, and small systems in every preset.
    progress: called after each portion, at most a second apart on the preset "toy".
    remake: how a process makes the profile, if it holds classes that cannot be sent there; must be picklable.
    Raises UnknownPreset, and ValueError for a compressor that does not exist or bounds that are not positive.
    """
    for name, bound in (("seconds", seconds), ("steps", steps), ("jobs", jobs)):
        if bound is not None and bound <= 0:
            raise ValueError(f"{name} is {bound}: expected more than 0")
    used, size = settings(profile, compressors), STEPS if steps is None else min(steps, STEPS)
    plan = Plan(profile, preset, used, seed, frozenset(assumptions), size, races)
    limit = 20.0 if seconds is None and steps is None else seconds
    tally = _Tally(plan, dict(assumptions), progress)
    until = None if limit is None else tally.begin + limit
    try:
        for report in _reports(plan, until, jobs, remake):
            tally.add(report)
            if report.found or (steps is not None and tally.steps >= steps):
                break
    except BrokenProcessPool:
        tally.reason = "a process ended before its time, perhaps for want of memory; try fewer jobs"
    return tally.result()


def _reports(
    plan: Plan, until: float | None, jobs: int, remake: Callable[[], Profile] | None
) -> Iterator[Report]:
    """Yield the reports of portions in the order of their numbers, until the time is over."""
    if jobs == 1:
        worker = Worker(plan)
        for number in count():
            if until is not None and number and time.time() >= until:
                return
            yield worker.run(number, until)
    make = partial(_itself, plan.profile) if remake is None else remake
    rest = attrs.astuple(plan, recurse=False)[1:]
    with processes(jobs, _start, (make, *rest)) as pool:
        yield from _in_order(pool, jobs, until)


def _in_order(pool: ProcessPoolExecutor, jobs: int, until: float | None) -> Iterator[Report]:
    numbers = count()
    under_way: deque[Future[Report]] = deque(pool.submit(_run, next(numbers), until) for _ in range(2 * jobs))
    while under_way:
        yield under_way.popleft().result()
        if until is None or time.time() < until:
            under_way.append(pool.submit(_run, next(numbers), until))


_worker: Worker | None = None
"""The worker of a process that runs portions for another one."""


def _itself(profile: Profile) -> Profile:
    return profile


def _start(make: Callable[[], Profile], *rest: Any) -> None:
    global _worker
    _worker = Worker(Plan(make(), *rest))


def _run(number: int, until: float | None) -> Report:
    assert _worker is not None
    return _worker.run(number, until)


class _Tally:
    """Adds reports up."""

    def __init__(
        self, plan: Plan, assumptions: Mapping[str, str], progress: Callable[[Progress], None] | None
    ) -> None:
        self.plan, self.assumptions, self.progress = plan, assumptions, progress
        self.begin = time.time()
        self.reason = ""
        self.declared = declared(plan.profile.operations)
        self.reached: set[Goal] = set()
        self.reports: list[Report] = []
        self.found: dict[str, Found] = {}

    @property
    def steps(self) -> int:
        """Model steps so far."""
        return sum(report.steps for report in self.reports)

    def add(self, report: Report) -> None:
        """Add a report."""
        self.reports.append(attrs.evolve(report, reached=frozenset()))
        self.reached |= report.reached
        for found in report.found:
            self.found.setdefault(found.violation.property, found)
        if self.progress is not None:
            self.progress(self.state())

    def state(self) -> Progress:
        """Return how far the check has come."""
        runs, commands = (sum(getattr(r, name) for r in self.reports) for name in ("runs", "commands"))
        seconds = time.time() - self.begin
        reached, failures = len(self.reached), len(self.found)
        return Progress(seconds, runs, commands, self.steps, reached, len(self.declared), failures)

    def of(self, kind: Kind) -> list[Report]:
        """Return the reports of portions of a kind."""
        return [report for report in self.reports if report.kind == kind]

    def result(self) -> CheckResult:
        """Return the result."""
        walks, races, rules = (self.of(kind) for kind in ("walks", "races", "rules"))
        state, plan = self.state(), self.plan
        verdict: Verdict = "refuted" if self.found else "not refuted"
        if not self.found and (self.reason or not state.commands):
            verdict = "undecided"
        walked, raced, ruled = (sum(r.runs for r in each) for each in (walks, races, rules))
        return CheckResult(
            profile=plan.profile.name,
            preset=plan.preset,
            seed=plan.seed,
            verdict=verdict,
            bound=_bound(walked, raced, ruled, state),
            reason=self.reason or ("" if state.commands else "no command ran; give it more time"),
            assumptions=self.assumptions,
            settings=tuple(setting.text for setting in plan.settings),
            walks=walked,
            races=raced,
            rule_runs=ruled,
            halts=sum(r.halts for r in self.reports),
            commands=state.commands,
            walk_steps=sum(r.steps for r in walks),
            race_steps=sum(r.steps for r in races),
            rule_steps=sum(r.steps for r in rules),
            seconds=state.seconds,
            walk_rate=_rate(walks),
            race_rate=_rate(races),
            rule_rate=_rate(rules),
            coverage=Coverage(self.declared, frozenset(self.reached)),
            failures=tuple(_failure(found) for found in self.found.values()),
        )


def _bound(walks: int, races: int, rules: int, state: Progress) -> str:
    runs = f"{walks:,} walks and {rules:,} rule-based runs of at most {LENGTH} commands"
    raced = f", {races:,} races of at most {COMMANDS}" if races else ""
    return f"{runs}{raced}, {state.commands:,} commands and {state.steps:,} steps in all"


def _rate(reports: list[Report]) -> float:
    cpu = sum(report.cpu for report in reports)
    return sum(report.steps for report in reports) / cpu if cpu else 0.0


def _failure(found: Found) -> Failure:
    violation, run = found.violation, found.run
    if isinstance(run, Program):
        commands, setting, token = len(run.moves), run.setting.text, encode(run)
    else:
        commands = sum(len(thread.commands) for thread in run.scope.threads)
        setting, token = _setting(run.scope), encode_run(run)
    return Failure(
        property=violation.property,
        sentence=violation.sentence,
        found=violation.found,
        where=violation.where,
        program=found.text,
        length=found.length,
        commands=commands,
        setting=setting,
        token=token,
    )


def _setting(scope: Scope) -> str:
    """Return what stood at the start of a race in a few words."""
    compressor = BATCHES if scope.batch > 1 else TOKENS
    setting = Setting(compressor, synchronous=scope.synchronous, enabled=scope.enabled)
    return f"{setting.text}, {scope.sizes.pages} pages, {scope.sizes.slots - 1} slots"
