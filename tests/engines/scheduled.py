"""Small runs of several actors with planted bugs, for the tests of schedules and of what reports make of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from refmodel.engines.command import Command
from refmodel.engines.interleaving import Interleaving, Turn
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.scope import Scope, Thread
from refmodel.kernel.memory import WritePage
from refmodel.machine import Next, Return, Wait, step
from refmodel.profiles import Profile
from tests.engines.simple import LINUX, NO_COUNT

WRITE, PAGEOUT, READ = Command("write", (0, 0, 2)), Command("pageout", (0, 0, 1)), Command("read", (0, 0))

SCOPE = Scope("small", (Thread("writer", (WRITE,)), Thread("reclaim", (PAGEOUT,))), question="What is lost?")
"""One task writes the page, another pages it out."""

TWINS = Scope("twins", (Thread("task", (WRITE, PAGEOUT, READ), free=True, times=2, number=2),))
"""Two tasks that choose what they do."""


@attrs.define
class Grabbing(WritePage):
    """A write that takes the lock of the address space and the one of the page table, and keeps both."""

    @step
    def access(self, v: Any) -> Next:
        """Take the lock that is free."""
        if v[v.at.ptl[0]]:
            v[v.at.mmap_writer[0]] = True
            return self.wait_for_table
        v[v.at.ptl[0]] = True
        return self.wait_for_mm

    @step
    def wait_for_table(self, v: Any) -> Next:
        """Wait for the other lock."""
        return Wait("the page-table lock of process 0") if v[v.at.ptl[0]] else Return()

    @step
    def wait_for_mm(self, v: Any) -> Next:
        """Wait for the other lock."""
        return Wait("the mmap lock of process 0") if v[v.at.mmap_writer[0]] else Return()


GRABBING = LINUX.with_operations("grabbing", "Locks are kept.", write_page=Grabbing)

DEADLOCK = ScheduledRun(
    "grabbing", Scope("locks", (Thread("task", (WRITE,), number=2),)), (Turn(0, 0), Turn(1, 0))
)
"""Each of two tasks waits for what the other one holds."""


def run_of(
    profile: Profile, scope: Scope = SCOPE, order: Sequence[tuple[int, int]] = ((0, 99), (1, 99))
) -> ScheduledRun:
    """Return a run in which actors go on in an order, each as many steps as given, or to the end of its operation.

    An idle actor begins the first thing that it may.
    """
    system = Interleaving(scope, profile)
    turns: list[Turn] = []
    for actor, steps in order:
        for _ in range(steps):
            can = system.can(actor)
            if not can:
                break
            turn = Turn(actor, can[0])
            record = system.take(turn)
            assert not record.waited
            turns.append(turn)
            if record.ended:
                break
    return ScheduledRun(profile.name, scope, tuple(turns))


BROKEN = run_of(NO_COUNT, order=((0, 4), (1, 3), (1, 99)))
"""Both threads of ``SCOPE``, one after the other, where stores are not counted: ZS-1 is broken at the end."""

CROSSED = run_of(NO_COUNT, order=((0, 3), (1, 1), (0, 1), (1, 99)))
"""The same with an idle switch: the write ends when reclaim has begun."""
