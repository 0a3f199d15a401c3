"""Queues that come and go, and attributes."""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL, ENXIO

import pytest

from refmodel.kernel.iaa_topology import Queue, Wq
from refmodel.machine import evolve, run
from refmodel.machine.run import Execution
from tests.kernel.iaa import DRIVERS, answers, do, serve, system

TWO = (Queue(1), Queue(1))


@pytest.mark.parametrize("name", DRIVERS)
def test_a_queue_goes_and_comes_back(name: str) -> None:
    v = system(name, *TWO)
    before = [v[place] for place in v.at.iaa.tables]
    assert do(v, v.ops.iaa_unbind(1)) == 0
    assert {wq for place in v.at.iaa.tables for wq in v[place].comp.wqs} == {Wq(0, 0)}
    assert do(v, v.ops.iaa_bind(1)) == 0
    assert [{*v[place].comp.wqs} for place in v.at.iaa.tables] == [{*each.comp.wqs} for each in before]


@pytest.mark.parametrize("name", DRIVERS)
def test_a_queue_is_bound_once(name: str) -> None:
    v = system(name, *TWO)
    assert do(v, v.ops.iaa_bind(0)) == -EBUSY
    assert do(v, v.ops.iaa_unbind(0)) == 0
    assert do(v, v.ops.iaa_unbind(0)) == -ENXIO


def test_a_queue_that_cannot_be_enabled_is_not_bound() -> None:
    v = system("iaa-6.12", *TWO)
    do(v, v.ops.iaa_unbind(1))
    v.choose = answers(iaa_enable=(1,))
    assert do(v, v.ops.iaa_bind(1)) == -ENXIO
    v[v.at.iaa.halted[0]] = True
    assert do(v, v.ops.iaa_bind(1)) == -ENXIO
    assert not v[v.at.iaa.wq[1]].there


@pytest.mark.parametrize("name", DRIVERS)
def test_after_the_last_queue_the_algorithm_stays_registered_or_goes(name: str) -> None:
    v = system(name, Queue(1), written=True)
    do(v, v.ops.iaa_unbind(0))
    assert not v[v.at.iaa.crypto].enabled
    goes = name in ("iaa-v13", "iaa-v14")
    assert v[v.at.iaa.crypto].registered == (not goes)
    assert do(v, v.ops.iaa_bind(0)) == (0 if goes else -EEXIST)


def test_removal_waits_until_a_job_in_flight_is_polled() -> None:
    v = system("iaa-v13", Queue(1))
    job = run(v, v.ops.iaa_job(0, "compress", 2, poll=True))
    removal = Execution(v.ops.iaa_unbind(0))
    while removal.advance(v):
        pass
    assert removal.at[1] == "detach"
    while serve(v):
        pass
    do(v, v.ops.iaa_poll(0, "compress", 2, job.q, job.d))
    while not removal.over:
        assert removal.advance(v)
    assert (removal.value, v[v.at.iaa.wq[0]].there) == (0, False)


@pytest.mark.parametrize("name", DRIVERS)
def test_attributes_are_written_while_no_queue_is_bound(name: str) -> None:
    v = system(name, Queue(1))
    write = v.ops.iaa_attribute
    assert run(v, write("verify_compress", "1")) == -EBUSY
    do(v, v.ops.iaa_unbind(0))
    assert [run(v, write("verify_compress", value)) for value in ("1", "maybe")] == [0, -EINVAL]
    assert v[v.at.iaa.crypto].verify_compress
    assert run(v, write("sync_mode", "async")) == 0
    assert v[v.at.iaa.crypto].sync_mode == ("sync" if name in ("iaa-6.12", "iaa-7.3") else "async")


def test_jobs_go_by_what_was_set_when_the_algorithm_was_registered() -> None:
    v = system("iaa-v13", Queue(2))
    v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], verify_compress=True)
    assert not v[v.at.iaa.crypto].latched_verify
    do(v, v.ops.iaa_unbind(0))
    do(v, v.ops.iaa_bind(0))
    assert v[v.at.iaa.crypto].latched_verify
