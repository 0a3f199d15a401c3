"""Scopes: a bounded system and who does what in it.

A scope says how big the system is, how it begins, which threads run which commands, and what the environment may
let fail.  What it does not say follows the preset and the settings of checks, but small: one node, one CPU, one
cgroup, one process, one page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines import promise
from refmodel.engines.background import writes_end
from refmodel.engines.command import Argument, Command, describe
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.explorer.actors import Actors, Program, Start
from refmodel.engines.setting import BATCHES, TOKENS
from refmodel.engines.trial import Trial
from refmodel.kernel.choices import ALLOC_FOLIO, SLOT
from refmodel.kernel.config import MAX_BATCH, Sizes
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.iaa_config import IaaSystem
from refmodel.kernel.iaa_desc import name_of
from refmodel.kernel.iaa_engine import can_begin, can_end
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.lru_lists import LruLists
from refmodel.kernel.zram_config import ZramSystem
from refmodel.kernel.zram_writeback import block_work
from refmodel.kernel.zswap_load import CannotDecompress
from refmodel.kernel.zswap_pool import releasable
from refmodel.machine import ChoicePoint, Operation

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile

SMALL = Sizes(
    nodes=1, cpus=1, memcgs=1, processes=1, pages=1, slots=2, slot_cache=1, folios=3, entries=3, objects=3,
    pools=2, max_order=1, totalram_pages=30, vswap_cluster_size=2, vswap_clusters=2,
)  # fmt: skip
"""The sizes of a scope that names none: one page of one process, one swap slot."""

STEPS_BACKGROUND = ("writes", "worker", "release", "engines", "interrupts", "kcompressd", "backing")
"""What the system does on its own: writes to the device end, the shrink worker runs, pools are released; engines of
IAA devices work, and their interrupts are served; threads of kcompressd that are awake run; the backing device of
zram ends what it was told to do."""


SYMMETRIES = ("folios",)
"""What a scope may declare to be interchangeable."""

FAILURES_LEFT = "failures_left"
"""The component, last of all, that counts a scope's budget down."""


class BadScope(ValueError):
    """A scope that cannot be: names what is wrong, where, and what was expected."""


@attrs.frozen
class Thread:
    """Somebody who runs commands.

    commands: what it runs.  free: it chooses from them, again and again, instead of running them in order.
    times: how often it chooses, None for without end.  number: how many threads of this kind there are.
    """

    name: str
    commands: tuple[Command, ...]
    free: bool = False
    times: int | None = None
    number: int = 1


@attrs.frozen
class Scope:
    """A bounded system and who does what in it.

    name: as reports print it.  question: what it is to answer, in one sentence.
    threads: who runs commands.  initial: commands that run to their end before, while nothing fails.
    sizes: how big everything is.  synchronous, enabled, device: as in ``Setting``.
    lengths: compressed lengths that every page can get, in bytes, up to two pages; more than one page is an error.
    batch: pages that the compressor takes in one call, where the profile has batches.
    faults: choice points at which something may fail.  fixed: choice points that take their first answer.
    budget: how many failures there may be in a run, None for any number.
    background: what the system does on its own, of ``STEPS_BACKGROUND``.
    iaa: the IAA devices, where the profile has their driver.
    kcompressd: the queues, where the profile has some.
    zram: the device, where the profile has zram.
    synchronous_writes: whether writes are, where the profile tells them from reads; None for the same.
    lists: LRU lists whose order is kept.
    keeps: the values that commands return are part of the state; outcomes may ask for them.
    symmetry: things, of ``SYMMETRIES``, whose numbers only name them: states that differ in no more are one state.
    """

    name: str
    threads: tuple[Thread, ...]
    question: str = ""
    initial: tuple[Command, ...] = ()
    sizes: Sizes = SMALL
    synchronous: bool = False
    enabled: bool = True
    lengths: tuple[int, ...] = (1024,)
    batch: int = 1
    faults: tuple[str, ...] = ()
    fixed: tuple[str, ...] = (SLOT.name,)
    budget: int | None = None
    background: tuple[str, ...] = STEPS_BACKGROUND
    iaa: IaaSystem | None = None
    kcompressd: KcompressdSystem | None = None
    zram: ZramSystem | None = None
    synchronous_writes: bool | None = None
    lists: LruLists | None = None
    keeps: bool = False
    symmetry: tuple[str, ...] = ()

    def system(self, profile: Profile) -> KernelView:
        """Return the system of a profile as the threads find it.

        Raises BadScope when an initial command breaks a property, and for devices or queues that the profile lacks.
        """
        self._fit(profile)
        codecs = {
            name: Symbolic(name, self.lengths, fail="compress" in self.faults, batch_size=batch)
            for name, batch in ((TOKENS, self.batch), (BATCHES, MAX_BATCH))
        }
        config = profile.config(
            self.sizes,
            codecs,
            compressor=TOKENS,
            synchronous_device=self.synchronous,
            zswap_enabled=self.enabled,
            initial_pool=self.enabled,
            iaa=self.iaa,
            kcompressd=self.kcompressd,
            zram=self.zram,
            synchronous_writes=self.synchronous_writes,
            lists=self.lists,
        )
        v = profile.system(config)
        if self.budget is not None:
            v.layout.one(FAILURES_LEFT, self.budget)
            v.append(self.budget)
        trial = Trial(v, ())
        for command in self.initial:
            wrong = trial.do(command, Scripted())
            if wrong is not None:
                raise BadScope(f"{self.name}: initial {describe(KINDS, command)}: {wrong.found}")
        return v

    def _fit(self, profile: Profile) -> None:
        """Raise BadScope where the scope describes what the profile has not: nothing of it would run."""
        parts = (
            ("IAA devices", self.iaa, profile.operations.iaa_job, "a profile iaa-..."),
            (
                "queues of kcompressd",
                self.kcompressd,
                profile.operations.kcompressd_run,
                "a profile kcompressd-...",
            ),
            ("slots of zram", self.zram, profile.operations.zram_read, "a profile zram-..."),
            (
                "LRU lists with an order",
                self.lists,
                profile.operations.shrink_lru_list,
                "a profile kcompressd-...",
            ),
        )
        for words, described, operation, expected in parts:
            if described is not None and operation is None:
                raise BadScope(f"{self.name}: {words}, and {profile.name} has none: expected {expected}")

    def actors(self, v: KernelView) -> Actors:
        """Return the threads and the system's own work as actors."""
        programs = [
            Program(
                thread.name,
                tuple(_start(command, self.faults) for command in thread.commands),
                row=not thread.free,
                times=thread.times,
                keeps=self.keeps and not thread.free,
            )
            for thread in self.threads
        ]
        own = _background(v, self.background)
        return Actors([*programs, *own], [*(thread.number for thread in self.threads), *(1 for _ in own)])

    def offer(self, v: KernelView, point: ChoicePoint, options: Sequence[Any] | None) -> Sequence[Any]:
        """Return the options of a choice point that the scope allows."""
        assert options is not None
        if point.fault and (point.name not in self.faults or self._spent(v)):
            return options[:1]
        return options[:1] if point.name in self.fixed else options

    def _spent(self, v: KernelView) -> bool:
        return self.budget is not None and not v[_failures_left(v)]

    def took(self, v: KernelView, point: ChoicePoint, number: int) -> None:
        """Count a failure against the budget."""
        if point.fault and number and self.budget is not None:
            v[_failures_left(v)] -= 1


def _failures_left(v: KernelView) -> int:
    return v.layout.families[-1].start


class Wrong(Exception):
    """A command returned what the promise forbids; the text says how."""


def _start(command: Command, faults: tuple[str, ...]) -> Start:
    judge = None
    if command.name in promise.ACCESSES:

        def judge(v: Any, value: Any) -> None:
            failed = frozenset((*faults, ALLOC_FOLIO.name))  # a scope may have too few folios
            wrong = promise.broken(v, command, value, failed, failed)
            if wrong is not None:
                raise Wrong(wrong)

    return Start(describe(KINDS, command), lambda v: KINDS.operation(v, command), judge)


def _background(v: KernelView, names: Iterable[str]) -> list[Program]:
    """Return programs that do the system's own work whenever it is ready."""

    def worker(v: KernelView) -> Operation | None:
        work = v[v.at.shrink_work]
        return v.ops.shrink_worker() if work.pending and not work.running else None

    def ended(number: int) -> Callable[[KernelView], Operation | None]:
        def make(v: KernelView) -> Operation | None:
            folio = v[v.at.folio[number]]
            ends = folio is not None and folio.writeback and writes_end(v)
            return v.ops.end_swap_write(folio=number) if ends else None

        return make

    def released(number: int) -> Callable[[KernelView], Operation | None]:
        return lambda v: v.ops.pool_release(pool=number) if number in releasable(v) else None

    menus: Mapping[str, tuple[Start, ...]] = {
        "writes": tuple(Start(f"the write of folio {n} ends", ended(n)) for n in range(1, len(v.at.folio))),
        "worker": (Start("shrink worker", worker),),
        "release": tuple(Start(f"pool {n} is released", released(n)) for n in range(1, len(v.at.pool))),
    }
    titles = {"writes": "device", "worker": "kworker", "release": "release work"}
    own = [Program(titles[name], menus[name], serves=True) for name in names if name in menus]
    own += [_IAA[name](v) for name in names if name in _IAA and v.ops.iaa_job is not None]
    if "kcompressd" in names:
        own += _threads(v)
    return [*own, *_backing(v)] if "backing" in names else own


def _engines(v: KernelView) -> Program:
    """Return the program of the engines of IAA devices."""

    def begins(q: int) -> Callable[[KernelView], Operation | None]:
        return lambda v: v.ops.iaa_engine_begin(q) if can_begin(v, q) else None

    def ends(q: int, d: int) -> Callable[[KernelView], Operation | None]:
        return lambda v: v.ops.iaa_engine_end(q, d) if can_end(v, q, d) else None

    starts = []
    for q, row in enumerate(v.at.iaa.desc):
        starts.append(Start(f"an engine takes a job of {name_of(v, q)}", begins(q)))
        starts += [
            Start(f"the job of descriptor {d} of {name_of(v, q)} ends", ends(q, d)) for d in range(len(row))
        ]
    return Program("engines", tuple(starts), serves=True)


def _interrupts(v: KernelView) -> Program:
    """Return the program of the interrupt thread."""

    def serve(q: int, d: int) -> Callable[[KernelView], Operation | None]:
        def make(v: KernelView) -> Operation | None:
            desc = v[v.at.iaa.desc[q][d]]
            return v.ops.iaa_interrupt(q, d) if desc.irq and desc.phase == "done" else None

        return make

    return Program(
        "interrupt thread",
        tuple(
            Start(f"the interrupt of descriptor {d} of {name_of(v, q)}", serve(q, d))
            for q, row in enumerate(v.at.iaa.desc)
            for d in range(len(row))
        ),
        serves=True,
    )


def _threads(v: KernelView) -> list[Program]:
    """Return a program for each thread of kcompressd."""

    def awake(queue: int) -> Callable[[KernelView], Operation | None]:
        def make(v: KernelView) -> Operation | None:
            running = v[v.at.kcompressd.queue[queue]].thread == "running"
            return v.ops.kcompressd_run(queue) if running else None

        return make

    numbers = range(len(v.at.kcompressd.queue))
    return [Program(f"kcompressd{q}", (Start(f"thread {q} runs", awake(q)),), serves=True) for q in numbers]


def _backing(v: KernelView) -> list[Program]:
    """Return the program of the backing device of zram, if there is one."""

    def ends(block: int) -> Callable[[KernelView], Operation | None]:
        return lambda v: block_work(v, block)

    numbers = range(1, len(v.at.zram.block))
    starts = tuple(Start(f"the bio of block {b} ends", ends(b)) for b in numbers)
    return [Program("backing device", starts, serves=True)] if starts else []


_IAA = {"engines": _engines, "interrupts": _interrupts}


def halts(error: Exception) -> bool:
    """Whether a kernel stops, as it says that it does, because stored data cannot be decompressed."""
    return isinstance(error, CannotDecompress)


def expand(v: KernelView, name: str, given: Sequence[Argument | None]) -> list[Command]:
    """Return all commands of a kind; None among the given arguments stands for every value.

    Folios that do not exist yet are values too.
    """
    kind = KINDS[name]
    domains: list[tuple[Argument, ...]] = []
    for parameter, domain, value in zip(kind.parameters, kind.domains, given, strict=True):
        if value is not None:
            domains.append((value,))
        elif parameter == "folio":
            domains.append(tuple(range(1, len(v.at.folio))))
        else:
            domains.append(tuple(domain(v)))
    return [Command(name, tuple(arguments)) for arguments in product(*domains)]
