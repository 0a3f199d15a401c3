"""Several operations at once: their steps interleave as the events of the implementation say."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import Any

from refmodel.conformance.drive import operations
from refmodel.conformance.observed import Follower, Mismatch, SlotInUse
from refmodel.conformance.trace_file import Event, Op, Record
from refmodel.engines.background import under_writeback
from refmodel.kernel.folio import live_folio
from refmodel.kernel.mm import memcg_of
from refmodel.kernel.table import KernelView
from refmodel.machine import Execution, run


class Actor:
    """One worker of a parallel line: its operations, one after the other, and the events of its CPU.

    contents: what it has read, in order.
    """

    def __init__(self, worker: int, events: deque[Event]) -> None:
        """Stand before the first operation."""
        self.worker, self.events = worker, events
        self.executions: deque[tuple[Record, Execution]] = deque()
        self.contents: list[Any] = []

    def advance(self, v: KernelView) -> bool:
        """Run one step; return whether anything could run."""
        if not self.executions:
            return False
        record, execution = self.executions[0]
        moved = execution.advance(v)
        if execution.over:
            self.executions.popleft()
            self.end_writes(v)
            if record["op"] == "read":
                self.contents.append(execution.value)
        return moved

    def end_writes(self, v: KernelView) -> None:
        """Let the device finish what the worker has written: it waits for that before its next operation."""
        mine = memcg_of(v, self.worker)
        for number in under_writeback(v):
            if live_folio(v, number).memcg == mine:
                run(v, v.ops.end_swap_write(folio=number))


class Together:
    """The workers of a parallel line, each on a CPU of its own.

    Every event is emitted by the worker of its CPU, in the order of that CPU.  The order of all is kept as far as it
    can be: an event stands at the beginning of what it tells of, and its worker may have to end that first.
    """

    def __init__(self, v: KernelView, follower: Follower, op: Op) -> None:
        """Deal operations and events out to the CPUs."""
        self.v, self.follower, self.op = v, follower, op
        self.events = [e for e in op.events if e.record["ev"] in follower.probed]
        self.actors: dict[int, Actor] = {}
        for each in op.record["ops"]:
            cpu = follower.cpu_of(each["w"])
            mine = deque(e for e in self.events if e.record["cpu"] == cpu)
            actor = self.actors.setdefault(cpu, Actor(each["w"], mine))
            actor.executions.extend((each, Execution(o)) for o in operations(v, each))

    def run(self) -> None:
        """Run everything.  Raises Mismatch where the events cannot be had."""
        for event in self.events:
            cpu = event.record["cpu"]
            if cpu not in self.actors:
                raise Mismatch(event.line, f"an event of CPU {cpu}", "nothing on that CPU")
            while self.actors[cpu].events and self.actors[cpu].events[0] is event:
                self.advance(cpu, event.line, "an event")
        for cpu, actor in self.actors.items():
            while actor.executions:
                self.advance(cpu, self.op.line, "the end of the operations")

    def advance(self, cpu: int, line: int, wanted: str) -> None:
        """Run a step on a CPU; where it waits for others, run one of theirs."""
        failed = Mismatch(line, f"{wanted} on CPU {cpu}", "nothing more there")
        try:
            if self.step(cpu):
                return
        except SlotInUse as in_use:
            failed = in_use
        if not any(self.step(other) for other in self.actors if other != cpu):
            raise failed

    def step(self, cpu: int) -> bool:
        """Run a step on a CPU; return whether it could run."""
        self.follower.cpu, self.follower.events = cpu, self.actors[cpu].events
        return self.actors[cpu].advance(self.v)


def run_parallel(v: KernelView, follower: Follower, op: Op) -> list[Any]:
    """Run the operations of a ``parallel`` line; return what was read, in the order of the line."""
    together = Together(v, follower, op)
    was_strict, follower.strict = follower.strict, bool(follower.probed)
    try:
        together.run()
    finally:
        follower.strict = was_strict
    actors = together.actors.values()
    follower.events = deque(chain.from_iterable(actor.events for actor in actors))
    of_workers = {actor.worker: iter(actor.contents) for actor in actors}
    return [next(of_workers[each["w"]]) for each in op.record["ops"] if each["op"] == "read"]
