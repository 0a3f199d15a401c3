"""The ways in which storing a large folio can fail: what is asked of the environment, and in which situation.

Which steps can fail is read off the definitions of the operations.  What cannot be read off stands in the tables
here: how often a store asks for what, what it counts when it is refused, and what has to be done first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import attrs

from refmodel.engines.command import Command
from refmodel.kernel.choices import ALLOC_BULK, ALLOC_ENTRY, ALLOC_LRU, ALLOC_OBJECT, COMPRESS, XA_STORE
from refmodel.machine.introspect import describe_operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from refmodel.profiles import Profile

STORE = "zswap_store"
"""The operation that is looked at, from its first step to its last."""

OPERATIONS = (STORE, "zswap_store_pages", "zswap_compress", "zswap_compress_pages", "acomp_compress")
"""Operations whose failures are those of a store; what shrinking or freeing an entry meets is not."""

Unit = Literal["folio", "batch", "page"]

UNITS: Mapping[str, Unit] = {ALLOC_LRU.name: "folio", ALLOC_BULK.name: "batch"}
"""How often a store asks for something, where that is not once for each page."""

AFTER: Mapping[str, str] = {ALLOC_ENTRY.name: ALLOC_BULK.name}
"""What is asked for only when something else has failed, in operations that ask for both."""

COUNTED: Mapping[str, str] = {
    ALLOC_ENTRY.name: "reject_kmemcache_fail",
    COMPRESS.name: "reject_compress_fail",
    ALLOC_OBJECT.name: "reject_alloc_fail",
    XA_STORE.name: "reject_alloc_fail",
}
"""Counter that moves by one for each failure that refuses a folio (BT-15)."""


@attrs.frozen
class Situation:
    """What stands before a store besides the folio and its older entries.

    name: "" for nothing special.  enabled: zswap is on from the beginning.  neighbours: other pages are stored, too.
    first: commands before everything else.  last: commands just before the store.
    cpu: which of the CPUs that are online the task runs on, counted from 0.
    """

    name: str = ""
    enabled: bool = True
    neighbours: bool = True
    first: tuple[Command, ...] = ()
    last: tuple[Command, ...] = ()
    cpu: int = 0


USUAL = Situation()
ALONE = Situation("nothing is stored", neighbours=False)
NO_WRITEBACK = Situation("writeback is forbidden", last=(Command("zswap_writeback", (1, 0)),))
KEPT_RAW = Situation("writeback is allowed")


@attrs.frozen
class Condition:
    """Something that refuses a folio before anything of it is stored: no answer of the environment, but a state.

    step: which looks at it, of the first of ``OPERATIONS`` that runs it.  counted: the counter that moves by one.
    """

    step: str
    situation: Situation
    counted: str = ""


CONDITIONS = (
    Condition("check_enabled", Situation("zswap is disabled", last=(Command("enabled", (0,)),))),
    Condition(
        "check_memcg_limit",
        Situation(
            "the cgroup is at its limit",
            last=(Command("zswap_max", (1, "0")), Command("zswap_writeback", (1, 0))),
        ),
    ),
    Condition(
        "check_pool_limit",
        Situation("the pools are full", last=(Command("max_pool_percent", ("0",)),)),
        counted="pool_limit_hit",
    ),
    Condition(
        "lock_ctx",
        Situation(
            "the CPU came after the pool",
            enabled=False,
            first=(Command("cpu_offline", (1,)), Command("enabled", (1,)), Command("cpu_online", (1,))),
            cpu=1,
        ),
    ),
)
"""The states in which a store has to give up or, without resources of its CPU, to find others."""


@attrs.frozen(order=True)
class Injected:
    """A failure of the environment: at which choice point, and at which of its askings by the store, from 0."""

    point: str
    occurrence: int


@attrs.frozen
class Row:
    """A step of a store that can fail, in one situation.

    operation: name in the operation table.  step: its step.  point: choice point, "" for a condition.
    unit: how often it is asked.  after: what has to fail first, "" for nothing.
    counted: counter that moves when the folio is refused, or "".
    """

    operation: str
    step: str
    point: str
    situation: Situation
    unit: Unit = "folio"
    after: str = ""
    counted: str = ""

    @property
    def text(self) -> str:
        """The row in a few words, for example ``zswap_store_pages.publish: xa_store fails``."""
        what = f"{self.point} fails" if self.point else self.situation.name
        when = f", {self.situation.name}" if self.point and self.situation.name else ""
        return f"{self.operation}.{self.step}: {what}{when}"


Old = Literal["none", "all", "some"]

OLD: tuple[Old, ...] = ("none", "all", "some")
"""Which slots of the folio have an older entry: a folio that was swapped out, found in the swap cache, and written.

No sequence of commands leaves some of them, every other one: whatever takes one takes them all.  But a store must
not depend on that.
"""


@attrs.frozen
class Path:
    """How a store goes where nothing fails.

    compressor: as settings name it.  call: pages that it takes in one call.
    steps: (operation, step) that run.  batches: how many pages each batch has.
    in_batches: whether there are batches; else every page counts as one.
    olds: those of ``OLD`` that a store can find.
    """

    compressor: str
    call: int
    steps: frozenset[tuple[str, str]]
    batches: tuple[int, ...]
    in_batches: bool
    olds: tuple[Old, ...]


@attrs.frozen
class Goal:
    """A way of failing that has to be reached, and after which nothing may be left.

    number: in the order of declaration, from 1.  path: how the store goes otherwise.  old: see ``OLD``.
    batch: of the folio, position: in the batch, both from 0, or -1 where it is about the whole folio or batch.
    failures: what fails, in this order; () for a condition.
    second: what fails besides, later in the same store, or None.
    """

    number: int
    row: Row
    path: Path
    old: Old
    batch: int = -1
    position: int = -1
    failures: tuple[Injected, ...] = ()
    second: Injected | None = None

    @property
    def injected(self) -> tuple[Injected, ...]:
        """All that fails."""
        return (*self.failures, self.second) if self.second is not None else self.failures

    @property
    def counted(self) -> dict[str, int]:
        """Counters that move when the folio is refused, and by how much (BT-15)."""
        moved = [self.row.counted]
        if self.second is not None:
            same = self.second.point == self.row.point
            moved.append(self.row.counted if same else COUNTED.get(self.second.point, ""))
        return {name: moved.count(name) for name in moved if name}

    @property
    def where(self) -> str:
        """Where in the folio: ``folio``, ``batch 1``, or ``1.2`` for the third page of the second batch."""
        if self.batch < 0:
            return "folio"
        return f"batch {self.batch}" if self.position < 0 else f"{self.batch}.{self.position}"

    @property
    def text(self) -> str:
        """The goal in one line."""
        pages = "1 page" if self.path.call == 1 else f"{self.path.call} pages"
        text = (
            f"{self.row.text}, at {self.where}, {pages} a call, {self.old} of the slots with an older entry"
        )
        if self.second is None:
            return text
        return f"{text}; then {self.second.point} fails, its number {self.second.occurrence + 1} of the store"


@attrs.frozen
class Left:
    """What looks like a goal and is none, because nothing leads there.

    what: a row, or some of ``OLD``.  call: pages that the compressor takes in one call.  why: in one sentence.
    """

    what: str
    call: int
    why: str


@attrs.frozen
class Declaration:
    """The goals of a profile, and what is none."""

    goals: tuple[Goal, ...]
    left: tuple[Left, ...]


def declare(profile: Profile, paths: Sequence[Path]) -> Declaration:
    """Return all ways in which a store of a profile can fail half-way.

    paths: one for each kind of compressor.
    """
    goals: list[Goal] = []
    left: list[Left] = []
    for path in paths:
        if path.olds != OLD:
            left.append(
                Left("older entries", path.call, "they are released before the folio is stored again")
            )
        for row in rows(profile, path):
            why = _not_on(path, row)
            if why:
                left.append(Left(row.text, path.call, why))
                continue
            olds = path.olds if row.point != ALLOC_LRU.name else path.olds[:1]
            if olds != path.olds:
                left.append(Left(f"{row.text}, over older entries", path.call, "they have made the lists"))
            made = (Goal(0, row, path, old, *place) for old in olds for place in _places(row, path))
            goals += [attrs.evolve(goal, number=len(goals) + n) for n, goal in enumerate(made, start=1)]
    return Declaration(tuple(goals), tuple(left))


def rows(profile: Profile, path: Path) -> tuple[Row, ...]:
    """Return the steps of a profile's store that can fail, in the order of ``OPERATIONS``; then the conditions."""
    return (*_choices(profile), *_conditions(path))


def _choices(profile: Profile) -> Iterator[Row]:
    for operation in OPERATIONS:
        cls = getattr(profile.operations, operation)
        steps = describe_operation(cls).steps if cls is not None else ()
        asked = {point for step in steps for point in step.failures}
        for step in steps:
            for point in step.failures:
                after = AFTER.get(point, "")
                row = Row(operation, step.name, point, USUAL, UNITS.get(point, "page"))
                row = attrs.evolve(row, after=after if after in asked else "", counted=COUNTED.get(point, ""))
                yield from _in_situations(profile, row)


def _in_situations(profile: Profile, row: Row) -> Iterator[Row]:
    """Yield a row in the situations in which it differs."""
    if row.point == ALLOC_LRU.name:
        yield attrs.evolve(row, situation=ALONE)
    elif row.point == COMPRESS.name and profile.options.raw_pages:
        yield attrs.evolve(row, situation=NO_WRITEBACK)
        yield attrs.evolve(row, situation=KEPT_RAW, counted="")
    else:
        yield row


def _conditions(path: Path) -> Iterator[Row]:
    for condition in CONDITIONS:
        runs = [operation for operation in OPERATIONS if (operation, condition.step) in path.steps]
        if runs:
            yield Row(runs[0], condition.step, "", condition.situation, counted=condition.counted)


def _not_on(path: Path, row: Row) -> str:
    """Return why a step does not run on a path, or ""."""
    if (row.operation, row.step) in path.steps or row.after:
        return ""
    return f"the folio is stored {'in batches' if path.in_batches else 'page by page'}, and never comes there"


def _places(row: Row, path: Path) -> Iterator[tuple[int, int, tuple[Injected, ...]]]:
    """Yield batch, position and failures of each place at which a row can fail."""
    if row.unit == "folio":
        yield -1, -1, (Injected(row.point, 0),) if row.point else ()
        return
    page = 0
    for batch, length in enumerate(path.batches):
        if row.unit == "batch":
            yield batch, -1, (Injected(row.point, batch),)
            continue
        for position in range(length):
            before = (Injected(row.after, batch),) if row.after else ()
            yield batch, position, (*before, Injected(row.point, position if before else page))
            page += 1
