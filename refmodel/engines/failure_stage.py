"""The stage of a store that fails: a system up to where the store begins, and what is seen of the store.

A stage is built once and gone back to for every failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any, Literal

import attrs

from refmodel.engines.command import Command, Move, describe
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Environment
from refmodel.engines.setting import Setting
from refmodel.engines.store_failures import STORE, Goal, Injected, Old, Situation
from refmodel.engines.token import Program, encode
from refmodel.engines.trial import Trial
from refmodel.engines.violation import Violation
from refmodel.kernel.choices import CPU, FOLIO_HELD
from refmodel.kernel.folio import live_folio
from refmodel.machine import ChoicePoint, run
from refmodel.profiles import preset
from refmodel.properties.no_trace import ID, SENTENCE, no_trace

if TYPE_CHECKING:
    from refmodel.kernel.config import Sizes
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile
    from refmodel.properties import Property

Ending = Literal["stored", "refused", "broken off"]


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


def folio_pages(sizes: Sizes) -> int:
    """Return how many pages the largest folio of a process has."""
    return 1 << min(sizes.max_order, sizes.pages.bit_length() - 1)


class Injecting(Environment):
    """Lets nothing fail but what it is told to; notes what failures it was asked for.

    asked: in their order.  hits: how many of the failures happened.  until: how many were asked when the last did.
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
        self.hits = self.until = 0

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
        self.until = len(self.asked)
        return count - 1


class Window:
    """Looks at one store while it runs.

    before, after: components before its first and after its last step.  folio: that is stored.
    wrote: how many components each of its steps changed.  batches: lengths of those that began.
    asked: how many failures were asked for until its last step.
    failed_at: how many steps had run when all failures had happened; batch: number of the batch then.
    look: called after each of its steps.
    """

    def __init__(self, environment: Injecting) -> None:
        self.environment = environment
        self.look: Callable[[], None] = lambda: None

    def open(self, v: KernelView, cls: type[Any], failures: int) -> None:
        """Wait for a store.  failures: how many are going to happen."""
        self.v, self.cls, self.failures = v, cls, failures
        self.before = self.after = self._last = v.snapshot()
        self.folio = self.failed_at = self.asked = self.returned = 0
        self.batch = -1
        self.ending: Ending = "broken off"
        self.store: Any = None
        self.batches: list[int] = []
        self.wrote: list[int] = []
        self._ran: list[str] = []

    def __call__(self, method: MethodType) -> None:
        """Look at the system after a step."""
        now = self.v.snapshot()
        operation = method.__self__
        if self.store is None and isinstance(operation, self.cls):
            self.store, self.before, self.folio = operation, self._last, operation.folio
        if self.store is not None:
            self._ran.append(f"{type(operation).__name__}.{method.__name__}")
            self.wrote.append(_changes(self._last, now))
            self.look()
            if not self.failed_at and self.environment.hits == self.failures:
                self.failed_at, self.batch = len(self._ran), len(self.batches) - 1
        if operation is self.store:
            self.after, self.returned, self.asked = now, len(self._ran), len(self.environment.asked)
        self._last = now

    @property
    def ran(self) -> list[str]:
        """Its steps, those of the operations that it calls included, as far as it came."""
        return self._ran if self.ending == "broken off" else self._ran[: self.returned]

    def told(self, name: str, fields: dict[str, Any]) -> None:
        """Look at an event."""
        if name == "batch":
            self.batches.append(fields["nr"])
        elif name == "store":
            self.ending = "stored" if fields["ok"] else "refused"


def _changes(before: Sequence[Any], after: Sequence[Any]) -> int:
    pairs = zip(before, after, strict=True)
    return sum(old is not new and old != new for old, new in pairs)


class Stage:
    """A system as the store under test finds it, built once for all goals that begin with it.

    sizes: name of a preset, or sizes of its own.  compressor, old, situation: what stands before the store.
    properties: what is to hold.

    final: the command that stores the folio.  program: the moves before it.
    broken: what went wrong before the store, or None.
    """

    def __init__(
        self,
        profile: Profile,
        sizes: str | Sizes,
        compressor: str,
        old: Old,
        situation: Situation,
        properties: Sequence[Property],
    ) -> None:
        self.profile, self.situation = profile, situation
        self.name = sizes if isinstance(sizes, str) else ""
        made = preset(sizes) if isinstance(sizes, str) else sizes
        self.setting = Setting(compressor, enabled=situation.enabled)
        v = self.setting.system_of(profile, made)
        self.pages = folio_pages(made)
        self.environment = Injecting()
        self.window = Window(self.environment)
        self.window.open(v, getattr(profile.operations, STORE), 0)
        self.trial = Trial(v, properties, every_step=True, watch=self.window)
        self._listen(v)
        self.program: list[Move] = []
        self.broken: Violation | None = None
        self.by_hand = ""
        self._prepare(old)
        self.saved = self.trial.save()

    def _listen(self, v: KernelView) -> None:
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
        self._do(Command("max_pool_percent", ("50",)))  # room for everything, twice
        if self.situation.neighbours:
            self._neighbours()
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

    def _neighbours(self) -> None:
        """Store a page of each other process, two where they are in the folio's own list, whose order counts."""
        sizes = self.trial.v.cfg.sizes
        for process in range(1, sizes.processes):
            pages = 1 if process % sizes.memcgs else 2
            for page in range(pages):
                self._do(Command("write", (process, page, 2)))
            self._do(Command("pageout", (process, 0, pages)))

    def _drop_every_other(self) -> None:
        v = self.trial.v
        first = live_folio(v, int(self.final.arguments[0])).swap
        slots = range(first, first + self.pages, 2)
        for slot in slots:
            run(v, v.ops.zswap_invalidate(slot=slot))
        self.by_hand = f"the entries of the slots {', '.join(map(str, slots))} were taken out by hand"

    def _do(self, command: Command, *failures: Injected) -> None:
        self.environment.inject(failures, 0)
        wrong = self.trial.do(command, self.environment)
        self.broken = self.broken or wrong
        self.program.append(Move(command, tuple(self.environment.answers)))

    def store(self, *failures: Injected) -> Ending:
        """Store the folio with some failures; return how that ended."""
        self._run(failures)
        return self.window.ending

    @property
    def slots(self) -> range:
        """The slots of the folio that was stored last; none if no store was seen."""
        folio = self.window.before[self.trial.v.at.folio[self.window.folio]]
        return range(folio.swap, folio.swap + len(folio.contents)) if folio is not None else range(0)

    def _run(self, failures: Sequence[Injected], *, every_step: bool = True) -> Violation | None:
        self.trial.every_step = every_step
        self.trial.restore(self.saved)
        self.trial.reached.clear()
        self.trial.failed.clear()
        self.environment.inject(failures, self.situation.cpu)
        self.window.open(self.trial.v, getattr(self.profile.operations, STORE), len(failures))
        return self.trial.do(self.final, self.environment)

    def outcome(self, goal: Goal) -> Outcome:
        """Let the store fail as a goal says; return what became of it."""
        wrong = self._run(goal.injected, every_step=goal.second is None)
        window, answers = self.window, tuple(self.environment.answers)
        reached = self._reached(goal, wrong)
        if wrong is None and window.ending == "refused":
            wrong = self._trace(goal)
        moves = (*self.program, Move(self.final, answers))
        token = encode(Program(self.profile.name, self.name, self.setting, moves))
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
        return self.environment.asked[self.environment.until : self.window.asked]

    def _reached(self, goal: Goal, wrong: Violation | None) -> bool:
        cls, row = getattr(self.profile.operations, goal.row.operation), goal.row
        if not row.point:
            stopped = wrong is not None and wrong.where == f"{cls.__name__}.{row.step}"
            ran = ((each, step.__name__) for each, step in self.trial.reached)
            return stopped or (cls, row.step) in ran
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
