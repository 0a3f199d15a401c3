"""A load on queues in simulated time: cores that compress batch after batch (P4, I7).

The operations are those of the model.  Each of their steps costs what the fitted queueing model of published
measurements says: derived figures, which hold for relations, not for nanoseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.scope import SMALL
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.iaa_config import MAX_BATCH_JOBS, IaaSystem, one_device
from refmodel.kernel.iaa_engine import can_begin
from refmodel.kernel.iaa_job import IaaJob
from refmodel.kernel.iaa_topology import Queue
from refmodel.machine import run
from refmodel.machine.run import Execution

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.profiles import Profile

PREPARE = 0.29
"""Microseconds that a core takes to prepare and submit a job (derived)."""

LATENCY = 1.0
"""Microseconds between submission and service, and from its end to its being seen, together (derived)."""

SERVICE = 2.15
"""Microseconds that an engine takes to compress 4 KiB (derived)."""

TRY = 0.06
"""Microseconds of an attempt to get a descriptor that fails (derived, UNVERIFIED)."""

ENGINES = 2
"""Engines of a device that compress (Sapphire Rapids; covers of the large-folio series v7 to v10)."""


@attrs.frozen
class Plan:
    """What is run.

    cores: that compress, each on its own.  devices: that they share.  queues: of each device, by their entries.
    batch: jobs of a batch, 1 to 8.  rounds: batches of each core, one after the other.

    Raises ValueError for a batch that no driver takes, and for less than one core or round; the host raises
    ImpossibleHost for queues that no device has room for.
    """

    cores: int = 30
    devices: int = 1
    queues: tuple[int, ...] = (128,)
    batch: int = MAX_BATCH_JOBS
    rounds: int = 2

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be run."""
        if not 2 <= self.batch <= MAX_BATCH_JOBS:
            raise ValueError(f"batch of {self.batch} jobs: expected 2 to {MAX_BATCH_JOBS}")
        for name in ("cores", "devices", "rounds"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: expected 1 or more")


@attrs.frozen
class Load:
    """What became of it.

    descriptors: of the queues that compression uses.
    jobs: that ended.  without: of them that failed, because they got no descriptor.  tries: the most that one needed.
    microseconds: until the last batch ended.  hung: not all did: the others wait for each other.
    """

    plan: Plan
    descriptors: int
    jobs: int
    without: int
    tries: int
    microseconds: float
    hung: bool


def load(plan: Plan, which: Profile) -> Load:
    """Run a plan on a driver, whose known bugs should have their remedies.

    Raises ImpossibleHost.
    """
    host = one_device(plan.cores, tuple(Queue(size) for size in plan.queues), ENGINES, plan.devices)
    config = which.config(
        attrs.evolve(SMALL, cpus=plan.cores),
        {"tokens": Symbolic("tokens", fail=False)},
        compressor="tokens",
        iaa=IaaSystem(host),
    )
    return _Clock(plan, which.system(config)).run()


def _descriptors(v: KernelView) -> int:
    """Return how many descriptors the queues have that cores compress with."""
    queues = dict.fromkeys(wq for place in v.at.iaa.tables for wq in v[place].comp.wqs)
    return sum(len(v.at.iaa.desc[v.at.iaa.system.number[wq]]) for wq in queues)


class _Clock:
    """Simulated time: what is due, in its order; what is due at the same time comes in the order of its noting."""

    def __init__(self, plan: Plan, v: KernelView) -> None:
        self.plan, self.v = plan, v
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        self.noted, self.now = 0, 0.0
        self.asleep: list[int] = []
        self.arrived = [0] * len(v.at.iaa.wq)
        self.left = [plan.rounds] * plan.cores
        self.current: list[Execution] = []
        self.jobs = self.without = self.tries = self.running = 0

    def run(self) -> Load:
        """Run until nothing is due."""
        self.running = self.plan.cores
        self.current = [self._batch(core) for core in range(self.plan.cores)]
        for core in range(self.plan.cores):
            self._note(0.0, partial(self._core, core))
        while self.due:
            self.now, _, act = heapq.heappop(self.due)
            act()
        return Load(
            self.plan, _descriptors(self.v), self.jobs, self.without, self.tries, self.now, self.running > 0
        )

    def _note(self, after: float, act: Callable[[], None]) -> None:
        self.noted += 1
        heapq.heappush(self.due, (self.now + after, self.noted, act))

    def _batch(self, core: int) -> Execution:
        self.left[core] -= 1
        return Execution(self.v.ops.iaa_call_batch(core, "compress", tuple(range(1, self.plan.batch + 1))))

    def _core(self, core: int) -> None:
        """Let a core go on until it takes time, or sleeps."""
        while True:
            current = self.current[core]
            operation, step = current.at
            if not current.advance(self.v):
                self.asleep.append(core)
                return
            if current.over:
                self._ended(current.value)
                if not self.left[core]:
                    self.running -= 1
                    return
                self.current[core] = self._batch(core)
            elif isinstance(operation, IaaJob) and step == "submit":
                self._note(PREPARE + LATENCY, partial(self._arrive, operation.q))
                self._note(PREPARE, partial(self._core, core))
                return
            elif isinstance(operation, IaaJob) and step == "alloc" and operation.d < 0:
                self.tries = max(self.tries, operation.tries)
                self._note(TRY, partial(self._core, core))
                return

    def _ended(self, value: tuple[int, ...]) -> None:
        self.jobs += len(value) - 1
        self.without += sum(length < 0 for length in value[1:])

    def _arrive(self, q: int) -> None:
        self.arrived[q] += 1
        self._begin(q)

    def _begin(self, q: int) -> None:
        if self.arrived[q] and can_begin(self.v, q):
            self.arrived[q] -= 1
            d = self.v[self.v.at.iaa.wq[q]].fifo[0]
            run(self.v, self.v.ops.iaa_engine_begin(q))
            self._note(SERVICE, partial(self._end, q, d))

    def _end(self, q: int, d: int) -> None:
        """End a job, wake who sleeps, and give the engine its next."""
        run(self.v, self.v.ops.iaa_engine_end(q, d))
        for core in self.asleep:
            self._note(0.0, partial(self._core, core))
        self.asleep.clear()
        for each in range(len(self.arrived)):
            self._begin(each)
