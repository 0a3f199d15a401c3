"""Sleeping for a descriptor: wake-ups come in batches, and none is lost."""

from __future__ import annotations

from errno import EAGAIN

import attrs
import pytest

from refmodel.engines.command import Command
from refmodel.engines.exploration import explore
from refmodel.engines.scope import SMALL, Scope, Thread
from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_desc import free_desc, wake_batch
from refmodel.kernel.iaa_sleep import IaaSleep
from refmodel.kernel.iaa_topology import Queue
from refmodel.kernel.table import KernelView
from refmodel.machine import Execution, Next, evolve, step
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from tests.kernel.iaa import answers, system


def full(entries: int) -> KernelView:
    """Return a system whose queue has no free descriptor."""
    v = system("iaa-6.12", Queue(entries))
    for _ in range(entries):
        Execution(v.ops.iaa_job(0, "compress", 2, poll=True)).advance(v)
    v[v.at.iaa.sbitmap[0]] = (1 << entries) - 1
    return v


def asleep(v: KernelView) -> Execution:
    """Return somebody who sleeps for a descriptor."""
    made = Execution(v.ops.iaa_sleep(0, 0))
    while made.advance(v):
        pass
    assert not made.over
    return made


@pytest.mark.parametrize(("entries", "batch"), [(1, 1), (8, 1), (15, 1), (16, 2), (64, 8), (128, 8)])
def test_sleepers_are_woken_when_an_eighth_of_the_descriptors_has_come_back(entries: int, batch: int) -> None:
    assert wake_batch(entries) == batch


def test_two_sleepers_of_a_queue_of_16_are_woken_by_the_second_descriptor() -> None:
    v = full(16)
    sleepers = [asleep(v), asleep(v)]
    free_desc(v, 0, 3)
    assert [each.advance(v) for each in sleepers] == [False, False]
    assert v[v.at.iaa.wq[0]].given == 1
    free_desc(v, 0, 5)
    assert [each.advance(v) for each in sleepers] == [True, True]
    assert [each.value for each in sleepers] == [3, 5]
    assert (v[v.at.iaa.wq[0]].asleep, v[v.at.iaa.wq[0]].wakes) == (0, 0)


def test_what_comes_back_while_nobody_waits_is_not_counted() -> None:
    v = full(16)
    free_desc(v, 0, 3)
    assert v[v.at.iaa.wq[0]].given == 0


def test_a_sleeper_whose_descriptor_somebody_else_takes_goes_on_sleeping() -> None:
    v = full(2)
    sleeper = asleep(v)
    free_desc(v, 0, 1)
    v[v.at.iaa.sbitmap[0]] = 3
    sleeper.advance(v)
    assert not sleeper.over
    assert (v[v.at.iaa.wq[0]].asleep, v[v.at.iaa.wq[0]].wakes) == (1, 0)


def test_a_signal_ends_the_sleep() -> None:
    v = full(1)
    sleeper = asleep(v)
    v.choose = answers(iaa_signal=(1,))
    v[v.at.iaa.wq[0]] = evolve(v[v.at.iaa.wq[0]], wakes=1)
    sleeper.advance(v)
    assert sleeper.value == -EAGAIN
    assert (v[v.at.iaa.wq[0]].asleep, v[v.at.iaa.wq[0]].wakes) == (0, 0)


@attrs.define
class SleepsAtOnce(IaaSleep):
    """Sleep for a descriptor, without a look once the place in the queue is taken."""

    @step
    def queue_up(self, v: KernelView) -> Next:
        """Take a place among those who wait."""
        place = v.at.iaa.wq[self.q]
        v[place] = evolve(v[place], asleep=v[place].asleep + 1)
        return self.look


def test_without_the_second_look_a_wake_up_is_lost() -> None:
    """The descriptor comes back between the attempt and the place in the queue."""
    threads = (
        Thread("one", (Command("iaa_compress", (0, 2)),)),
        Thread("other", (Command("iaa_compress", (1, 2)),)),
    )
    devices = IaaSystem(one_device(2, (Queue(1),)), verify_compress=False)
    scope = Scope("lost", threads, sizes=attrs.evolve(SMALL, cpus=2), fixed=("cpu",), iaa=devices)
    made = without_known_bugs(profile("iaa-6.12"))
    assert explore(scope, made).verdict == "holds"
    found = explore(scope, made.with_operations("blind", "Blind", iaa_sleep=SleepsAtOnce))
    assert found.verdict == "refuted"
    assert found.counterexample is not None
    assert found.counterexample.violation.property == "IAA-9"
