"""Descriptors: taken, handed over, given back."""

from __future__ import annotations

from errno import EAGAIN, EIO, ENXIO

import pytest

from refmodel.kernel.iaa_desc import Released, alloc_desc, free_desc, idxd_submit_desc, movdir64b
from refmodel.kernel.iaa_state import FREE_DESC
from refmodel.kernel.iaa_topology import Queue
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import evolve
from tests.kernel.iaa import answers, serve, system


def test_a_descriptor_goes_once_round() -> None:
    v = system("iaa-6.12", Queue(1))
    place, phases = v.at.iaa.desc[0][0], []
    assert alloc_desc(v, 0, cpu=0) == 0
    v[place] = evolve(v[place], data=1)
    phases.append(v[place].phase)
    assert idxd_submit_desc(v, 0, 0) == 0
    phases.append(v[place].phase)
    serve(v)
    phases.append(v[place].phase)
    serve(v)
    phases.append(v[place].phase)
    free_desc(v, 0, 0)
    assert phases == ["allocated", "queued", "service", "done"]
    assert v[place] == FREE_DESC


def test_an_empty_pool_says_so_and_a_halted_device_is_an_io_error() -> None:
    v = system("iaa-6.12", Queue(1))
    assert [alloc_desc(v, 0, 0), alloc_desc(v, 0, 0)] == [0, -EAGAIN]
    v[v.at.iaa.halted[0]] = True
    assert alloc_desc(v, 0, 0) == -EIO
    assert idxd_submit_desc(v, 0, 0) == -EIO


def test_a_queue_that_is_being_removed_takes_no_job_through_idxd_and_one_through_the_plain_store() -> None:
    v = system("iaa-v13", Queue(2))
    alloc_desc(v, 0, 0)
    v[v.at.iaa.wq[0]] = evolve(v[v.at.iaa.wq[0]], active=False)
    assert idxd_submit_desc(v, 0, 0) == -ENXIO
    movdir64b(v, 0, 0)
    assert v[v.at.iaa.wq[0]].fifo == (0,)


def test_a_shared_queue_has_as_many_descriptors_as_its_threshold_and_can_refuse() -> None:
    v = system("iaa-6.12", Queue(4, "shared", threshold=2))
    assert len(v.at.iaa.desc[0]) == 2
    alloc_desc(v, 0, 0)
    v.choose = answers(iaa_busy=(1, 0))
    assert [idxd_submit_desc(v, 0, 0), idxd_submit_desc(v, 0, 0)] == [-EAGAIN, 0]


def test_a_plain_store_to_a_shared_queue_is_lost() -> None:
    v = system("iaa-v13", Queue(1, "shared", threshold=1))
    alloc_desc(v, 0, 0)
    movdir64b(v, 0, 0)
    assert v[v.at.iaa.desc[0][0]].phase == "queued"
    assert not v[v.at.iaa.wq[0]].fifo
    assert not serve(v)


def test_a_descriptor_cannot_be_freed_twice() -> None:
    v = system("iaa-6.12", Queue(1))
    with pytest.raises(KernelBug, match=r"descriptor 0 of wq0\.0 is freed twice"):
        free_desc(v, 0, 0)


def test_freed_memory_cannot_be_touched() -> None:
    v = system("iaa-6.12", Queue(1))
    v[v.at.iaa.wq[0]] = evolve(v[v.at.iaa.wq[0]], there=False)
    with pytest.raises(Released, match=r"wq0\.0: its descriptors and completion records have been freed"):
        alloc_desc(v, 0, 0)
