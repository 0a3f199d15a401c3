"""Several recorded operations at once: their steps interleave as the recorded events say."""

from __future__ import annotations

from collections import deque
from itertools import chain

from refmodel.conformance.drive import operations
from refmodel.conformance.observed import Follower, Mismatch
from refmodel.conformance.trace_file import Event, Op
from refmodel.kernel.table import KernelView
from refmodel.machine import Execution


class Actor:
    """One worker of a parallel line: its operations and the events of its CPU."""

    def __init__(self, executions: deque[Execution], events: deque[Event]) -> None:
        """Stand before the first operation."""
        self.executions, self.events = executions, events

    def advance(self, v: KernelView) -> bool:
        """Run one step; return whether anything could run."""
        if not self.executions:
            return False
        moved = self.executions[0].advance(v)
        if self.executions[0].over:
            self.executions.popleft()
        return moved


def run_parallel(v: KernelView, follower: Follower, op: Op) -> None:
    """Run the operations of a ``parallel`` line.

    Worker k runs on CPU k.  Each recorded event is given to the worker of its CPU, which runs until it
    emits that event; the events of one CPU must come in their order.
    """
    cpus = v.cfg.sizes.cpus
    probed = [e for e in op.events if e.record["ev"] in follower.probed]
    actors = {}
    for each in op.record["ops"]:
        mine = deque(e for e in probed if e.record["cpu"] == each["w"] % cpus)
        actors[each["w"] % cpus] = Actor(deque(Execution(o) for o in operations(v, each)), mine)
    was_strict, follower.strict = follower.strict, True
    for event in probed:
        follower.cpu = event.record["cpu"]
        actor = actors[follower.cpu]
        follower.events = actor.events
        while actor.events and actor.events[0] is event:
            if not actor.advance(v):
                raise Mismatch(
                    event.line, f"an event of CPU {event.record['cpu']}", "nothing more on that CPU"
                )
    for follower.cpu, actor in actors.items():
        follower.events = actor.events
        while actor.executions:
            if not actor.advance(v):
                raise Mismatch(op.line, "the end of the operations", f"a wait at {actor.executions[0].at}")
    follower.events = deque(chain.from_iterable(actor.events for actor in actors.values()))
    follower.strict = was_strict
