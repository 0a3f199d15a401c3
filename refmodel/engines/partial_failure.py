"""Partial failure: a large folio is stored again and again, and each time something else fails half-way.

Every goal is run directly.  The system is brought to where the store begins, exactly the failure of the goal is
injected, and afterwards everything is looked at: all properties, between any two steps and at rest, and every
component of the system, which has to be as the store found it (``refmodel.properties.no_trace``).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal

import attrs

from refmodel.engines.command import Command, Move, describe
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Environment
from refmodel.engines.setting import BATCHES, TOKENS, Setting
from refmodel.engines.store_failures import (
    OPERATIONS,
    STORE,
    OLD,
    USUAL,
    Goal,
    Injected,
    Left,
    Old,
    Path,
    Row,
    Situation,
    declare,
)
from refmodel.engines.token import Program, encode
from refmodel.engines.trial import Trial
from refmodel.engines.violation import Violation
from refmodel.kernel.choices import CPU, FOLIO_HELD
from refmodel.machine import ChoicePoint, run
from refmodel.profiles import PROFILES, preset
from refmodel.properties import at_rest, in_history
from refmodel.properties.no_trace import ID, SENTENCE, no_trace

if TYPE_CHECKING:
    from refmodel.profiles import Profile
    from refmodel.properties import Property

MOST_PAGES = 16
"""Pages of a folio that is stored with every failure, at most."""

Ending = Literal["stored", "refused", "broken off"]


class CannotStore(ValueError):
    """A profile, or a preset, whose folios are no whole that could fail in part; says what to use instead."""


@attrs.frozen
class Outcome:
    """What became of a goal.

    reached: whether exactly its failures happened, where it says.  ending: of the store.
    wrong: the property that was broken, or None.
    steps: of the store.  undoing: those of them after the last failure.
    program: the commands, the store under test last.  by_hand: what was done to the system besides, or "".
    token: replays the program; "" where something was done by hand.
    """

    goal: Goal
    reached: bool
    ending: Ending
    wrong: Violation | None
    steps: tuple[str, ...]
    undoing: int
    program: tuple[str, ...]
    by_hand: str
    token: str

    @property
    def fine(self) -> bool:
        """Whether the goal was reached and nothing was left."""
        return self.reached and self.wrong is None


@attrs.frozen
class Result:
    """What became of all goals of a profile.

    left: steps that can fail by their definition, but not here.  pairs: two failures in one store, if asked for.
    """

    profile: str
    preset: str
    outcomes: tuple[Outcome, ...]
    left: tuple[Left, ...]
    pairs: tuple[Outcome, ...]
    seconds: float

    @property
    def fine(self) -> bool:
        """Whether every goal was reached, and no failure left anything."""
        return all(each.fine for each in (*self.outcomes, *self.pairs))


@attrs.frozen
class Progress:
    """How far a run through all goals has come."""

    done: int
    declared: int
    pairs: int


def fail_everywhere(
    profile: Profile,
    sizes: str = "batches",
    *,
    pairs: bool = False,
    only: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Run every goal of a profile, and say what each left.

    sizes: name of a preset; the folio is the largest that a process can have there.
    pairs: also let a second failure follow wherever the store goes on after the first.
    only: number of the one goal to run.  progress: called after each goal.
    Raises CannotStore for a profile that does not store such folios, UnknownPreset, and LookupError for a number
    that no goal has.
    """
    begin = time.perf_counter()
    laboratory = Laboratory(profile, sizes)
    goals, left = laboratory.goals, laboratory.left
    if only is not None:
        goals = tuple(goal for goal in goals if goal.number == only)
        if not goals:
            raise LookupError(f"goal {only}: expected 1 to {len(laboratory.goals)}")
    outcomes: list[Outcome] = []
    followed: list[Outcome] = []
    for goal in goals:
        outcomes.append(laboratory.run(goal))
        if pairs:
            followed += [laboratory.run(each) for each in laboratory.following(goal)]
        if progress is not None:
            progress(Progress(len(outcomes), len(goals), len(followed)))
    return Result(
        profile.name, sizes, tuple(outcomes), left, tuple(followed), time.perf_counter() - begin
    )


class Laboratory:
    """Systems of one profile in which stores fail.

    goals, left: what is declared, and what is none.
    """

    def __init__(self, profile: Profile, sizes: str) -> None:
        self.profile, self.sizes = profile, sizes
        self._stages: dict[tuple[str, Old, Situation], _Stage] = {}
        pages = _folio_pages(sizes)
        if pages > MOST_PAGES:
            raise CannotStore(
                f"preset {sizes!r}: its folios have {pages} pages; expected at most {MOST_PAGES}, "
                "as those of the preset batches"
            )
        if not stores_whole(profile, sizes):
            raise CannotStore(_refusal(profile, sizes, pages))
        kinds = (TOKENS, BATCHES) if profile.options.batching else (TOKENS,)
        declaration = declare(profile, [_path(profile, sizes, kind) for kind in kinds])
        self.goals, self.left = declaration.goals, declaration.left

    def run(self, goal: Goal) -> Outcome:
        """Let a store fail as a goal says."""
        return self._stage(goal).outcome(goal)

    def following(self, goal: Goal) -> list[Goal]:
        """Return the goal with each second failure that the run before, which was of this goal, asked for later."""
        if len(goal.injected) != 1:
            return []
        points = {each.row.point for each in self.goals}
        later = self._stage(goal).asked_later
        return [attrs.evolve(goal, second=each) for each in later if each.point in points]

    def _stage(self, goal: Goal) -> _Stage:
        key = goal.path.compressor, goal.old, goal.row.situation
        if key not in self._stages:
            properties = (*at_rest(self.profile), *in_history(self.profile))
            self._stages[key] = _Stage(self.profile, self.sizes, *key, properties)
        return self._stages[key]


def stores_whole(profile: Profile, sizes: str) -> bool:
    """Whether a store of a profile takes folios of several pages."""
    stage = _Stage(profile, sizes, TOKENS, "none", USUAL, ())
    return stage.store() == "stored" and len(stage.slots) == stage.pages


def _refusal(profile: Profile, sizes: str, pages: int) -> str:
    """Say why a profile cannot be used, and which one can."""
    names = list(PROFILES)
    base = profile.name.partition("+")[0]
    following = names[names.index(base) + 1 :] if base in names else names
    near = next(name for name in following if stores_whole(PROFILES[name], sizes))
    return (
        f"profile {profile.name!r} stores single pages, and a folio of {pages} pages not at all, so nothing of it "
        f"can fail half-way; the nearest profile that stores large folios is {near}"
    )


def _path(profile: Profile, sizes: str, compressor: str) -> Path:
    """Return how a store goes where nothing fails."""
    stage = _Stage(profile, sizes, compressor, "none", USUAL, ())
    stage.store()
    names = {getattr(profile.operations, name): name for name in OPERATIONS}
    ran = frozenset(names[cls] for cls, _ in stage.trial.reached if cls in names)
    batches = tuple(stage.window.batches)
    call = stage.trial.v.cfg.batch_size(compressor)
    olds = tuple(old for old in OLD if old == "none" or _has_older(profile, sizes, compressor, old))
    return Path(compressor, call, ran, batches or (1,) * stage.pages, bool(batches), olds)


def _has_older(profile: Profile, sizes: str, compressor: str, old: Old) -> bool:
    """Whether a store finds older entries at the folio's slots."""
    if profile.operations.zswap_invalidate is None:
        return False
    stage = _Stage(profile, sizes, compressor, old, USUAL, ())
    stage.store()
    v = stage.trial.v
    return any(stage.window.before[v.at.tree[slot]] for slot in stage.slots)


def _folio_pages(sizes: str) -> int:
    size = preset(sizes)
    return 1 << min(size.max_order, size.pages.bit_length() - 1)


class _Injecting(Environment):
    """Lets nothing fail but what it is told to; notes what failures it was asked for.

    asked: in their order.  hits: how many of the failures happened.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inject((), 0)

    def inject(self, failures: Sequence[Injected], cpu: int) -> None:
        """Start a command.  cpu: which of the CPUs that are online the task runs on."""
        self.begin()
        self.faults.clear()
        self.failures, self.cpu = frozenset(failures), cpu
        self.seen: Counter[str] = Counter()
        self.asked: list[Injected] = []
        self.hits = 0

    def pick(self, point: ChoicePoint, count: int) -> int:
        """Take the last option where something is to fail, else the first."""
        if point is CPU:
            return min(self.cpu, count - 1)
        if not point.fault:
            return 0
        asking = Injected(point.name, self.seen[point.name])
        self.seen[point.name] += 1
        self.asked.append(asking)
        if asking not in self.failures:
            return 0
        self.hits += 1
        return count - 1


class _Window:
    """Looks at one store while it runs.

    before, after: components before its first and after its last step.  folio: that is stored.
    ran: its steps, those of the operations that it calls included.  batches: lengths of those that began.
    failed_at: how many steps had run when all failures had happened; batch: number of the batch then.
    """

    def __init__(self, environment: _Injecting) -> None:
        self.environment = environment

    def open(self, v: Any, cls: type[Any], failures: int) -> None:
        """Wait for a store.  failures: how many are going to happen."""
        self.v, self.cls, self.failures = v, cls, failures
        self.before = self.after = self._last = v.snapshot()
        self.folio = self.failed_at = self.asked_by_then = self.asked = 0
        self.batch = -1
        self.ending: Ending = "broken off"
        self.store: Any = None
        self.batches: list[int] = []
        self.ran: list[str] = []
        self._all: list[str] = []

    def __call__(self, method: MethodType) -> None:
        """Look at the system after a step."""
        now = self.v.snapshot()
        operation = method.__self__
        if self.store is None and isinstance(operation, self.cls):
            self.store, self.before, self.folio = operation, self._last, operation.folio
        if self.store is not None:
            self._all.append(f"{type(operation).__name__}.{method.__name__}")
            if not self.failed_at and self.environment.hits == self.failures:
                self.failed_at, self.batch = len(self._all), len(self.batches) - 1
                self.asked_by_then = len(self.environment.asked)
        if operation is self.store:
            self.after, self.ran, self.asked = now, list(self._all), len(self.environment.asked)
        self._last = now

    def told(self, name: str, fields: dict[str, Any]) -> None:
        """Look at an event."""
        if name == "batch":
            self.batches.append(fields["nr"])
        elif name == "store":
            self.ending = "stored" if fields["ok"] else "refused"


class _Stage:
    """A system as the store under test finds it, built once for all goals that begin with it.

    final: the command that stores the folio.  program: the moves before it.
    broken: what went wrong before the store, or None.
    """

    def __init__(
        self,
        profile: Profile,
        sizes: str,
        compressor: str,
        old: Old,
        situation: Situation,
        properties: Sequence[Property],
    ) -> None:
        self.profile, self.sizes, self.situation = profile, sizes, situation
        self.setting = Setting(compressor, enabled=situation.enabled)
        v = self.setting.system(profile, sizes)
        self.pages = _folio_pages(sizes)
        self.environment = _Injecting()
        self.window = _Window(self.environment)
        self.window.open(v, profile.operations.zswap_store, 0)
        self.trial = Trial(v, properties, every_step=True, watch=self.window)
        self._listen(v)
        self.program: list[Move] = []
        self.broken: Violation | None = None
        self.by_hand = ""
        self._prepare(old)
        self.saved = self.trial.save()

    def _listen(self, v: Any) -> None:
        note = v.emit

        def emit(name: str, /, **fields: Any) -> None:
            self.window.told(name, fields)
            note(name, **fields)

        v.emit = emit

    def _prepare(self, old: Old) -> None:
        """Bring the system to where the store begins."""
        order = self.pages.bit_length() - 1
        for command in self.situation.first:
            self._do(command)
        if self.situation.neighbours:
            self._neighbours(0)
        self._do(Command("thp", (order, 1)))
        for page in range(self.pages):
            self._do(Command("write", (0, page, 2 + 5 * (page // 3) + page % 3)))
        self.final = Command("pageout", (0, 0, self.pages))
        if old != "none":
            self._do(self.final, Injected(FOLIO_HELD.name, 0))
            self._do(Command("read", (0, 0)))  # a fault that writes would free the slots
            self._do(Command("write", (0, 0, 22)))
            v = self.trial.v
            self.final = Command("reclaim", (v[v.at.pte[0][0]].folio,))
            if old == "some":
                self._drop_every_other()
        for command in self.situation.last:
            self._do(command)

    def _neighbours(self, page: int) -> None:
        """Store a page of each other process; some of them are in the folio's own list."""
        for process in range(1, self.trial.v.cfg.sizes.processes):
            self._do(Command("write", (process, page, 2)))
            self._do(Command("pageout", (process, page, 1)))

    def _drop_every_other(self) -> None:
        v = self.trial.v
        first = v[v.at.folio[int(self.final.arguments[0])]].swap
        slots = range(first, first + self.pages, 2)
        for slot in slots:
            run(v, v.ops.zswap_invalidate(slot=slot))
        self.by_hand = f"the entries of the slots {', '.join(map(str, slots))} were taken out by hand"

    def _do(self, command: Command, *failures: Injected) -> None:
        self.environment.inject(failures, 0)
        wrong = self.trial.do(command, self.environment)
        self.broken = self.broken or wrong
        self.program.append(Move(command, tuple(self.environment.answers)))

    def store(self) -> Ending:
        """Store the folio while nothing fails; return how that ended."""
        self._run(())
        return self.window.ending

    @property
    def slots(self) -> range:
        """The slots of the folio that was stored last."""
        folio = self.window.before[self.trial.v.at.folio[self.window.folio]]
        return range(folio.swap, folio.swap + len(folio.contents))

    def _run(self, failures: Sequence[Injected]) -> Violation | None:
        self.trial.every_step = len(failures) < 2
        self.trial.restore(self.saved)
        self.trial.reached.clear()
        self.trial.failed.clear()
        self.environment.inject(failures, self.situation.cpu)
        self.window.open(self.trial.v, self.profile.operations.zswap_store, len(failures))
        return self.trial.do(self.final, self.environment)

    def outcome(self, goal: Goal) -> Outcome:
        """Let the store fail as a goal says; return what became of it."""
        wrong = self._run(goal.injected)
        window, answers = self.window, tuple(self.environment.answers)
        reached = self._reached(goal)
        if wrong is None and window.ending == "refused":
            wrong = self._trace(goal)
        moves = (*self.program, Move(self.final, answers))
        token = encode(Program(self.profile.name, self.sizes, self.setting, moves))
        return Outcome(
            goal,
            reached,
            window.ending,
            wrong or self.broken,
            tuple(window.ran),
            len(window.ran) - window.failed_at if goal.injected else 0,
            tuple(describe(KINDS, move.command) for move in moves),
            self.by_hand,
            "" if self.by_hand else token,
        )

    @property
    def asked_later(self) -> list[Injected]:
        """Failures that the store was asked for after those that happened."""
        return self.environment.asked[self.window.asked_by_then : self.window.asked]

    def _reached(self, goal: Goal) -> bool:
        cls, row = getattr(self.profile.operations, goal.row.operation), goal.row
        if not row.point:
            return any(each is cls and step.__name__ == row.step for each, step in self.trial.reached)
        there = any(
            (each, step.__name__, point) == (cls, row.step, row.point)
            for each, step, point in self.trial.failed
        )
        wanted = goal.batch if goal.path.in_batches and goal.second is None else -1
        return there and self.environment.hits == len(goal.injected) and wanted in (-1, self.window.batch)

    def _trace(self, goal: Goal) -> Violation | None:
        v = self.trial.v
        v.restore(self.window.after)
        found = no_trace(v, self.window.before, self.window.folio, goal.counted)
        return None if found is None else Violation(ID, SENTENCE, found, "after the store")
