"""One job: what it takes and gives back, and what becomes of it in each version."""

from __future__ import annotations

from errno import E2BIG, EAGAIN, EINPROGRESS, EINVAL, EIO, ENODEV, ETIMEDOUT

import pytest

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.iaa_job import JobResult
from refmodel.kernel.iaa_status import Op
from refmodel.kernel.iaa_topology import Queue
from refmodel.machine import WouldBlock, evolve, run
from tests.kernel.iaa import DRIVERS, TRIES, answers, counted, do, system


@pytest.mark.parametrize("name", DRIVERS)
def test_a_page_is_compressed_and_read_again(name: str) -> None:
    v = system(name)
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == 1024
    assert do(v, v.ops.iaa_call(0, "decompress", 2)) == PAGE_SIZE
    assert counted(v) == {
        "total_comp_calls": 1,
        "total_decomp_calls": 1,
        "total_comp_bytes_out": 1024,
        "total_decomp_bytes_in": 1024,
    }


@pytest.mark.parametrize("name", DRIVERS)
def test_a_page_that_does_not_become_shorter_is_counted(name: str) -> None:
    v = system(name, verify_compress=False)
    v.choose = answers(compress=(1,))
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -E2BIG
    assert counted(v) == {"total_comp_calls": 1, "total_completion_comp_buf_overflow_errors": 1}


@pytest.mark.parametrize("name", DRIVERS)
def test_the_watchdog_is_counted_as_a_time_out(name: str) -> None:
    v = system(name, statuses=("watchdog",))
    v.choose = answers(iaa_status=(1,))
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -ETIMEDOUT
    assert counted(v)["total_completion_timeout_errors"] == 1


def test_nothing_is_counted_when_the_output_buffer_overflows() -> None:
    v = system("iaa-6.12", statuses=("outbuf_overflow",))
    v.choose = answers(iaa_status=(1,))
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -75
    assert counted(v) == {"total_comp_calls": 1}


def test_buffers_that_cannot_be_mapped_are_an_error_in_6_12_and_for_software_in_7_3() -> None:
    for name, value in (("iaa-6.12", -EIO), ("iaa-v13", -EIO), ("iaa-7.3", 1024)):
        v = system(name)
        v.choose = answers(iaa_map=(1,))
        assert do(v, v.ops.iaa_call(0, "compress", 2)) == value
    assert counted(v) == {"total_sw_comp_calls": 1}


@pytest.mark.parametrize("name", TRIES)
def test_without_a_descriptor_compression_fails_and_software_decompresses(name: str) -> None:
    v = system(name, Queue(1), tries=3)
    v[v.at.iaa.sbitmap[0]] = 1
    job = v.ops.iaa_job(0, "compress", 2)
    assert run(v, job) == JobResult(-ENODEV)
    assert job.tries == 3
    assert run(v, v.ops.iaa_call(0, "decompress", 2)) == PAGE_SIZE
    assert counted(v) == {"total_sw_decomp_calls": 1}


@pytest.mark.parametrize(("op", "limit"), [("compress", 1000), ("decompress", 500)])
def test_a_job_tries_as_often_as_its_version_says(op: Op, limit: int) -> None:
    v = system("iaa-v14", Queue(1))
    v[v.at.iaa.sbitmap[0]] = 1
    job = v.ops.iaa_job(0, op, 2)
    run(v, job)
    assert job.tries == limit


def test_a_device_that_is_not_enabled_ends_the_tries_at_once() -> None:
    v = system("iaa-v14", Queue(1))
    v[v.at.iaa.halted[0]] = True
    job = v.ops.iaa_job(0, "compress", 2)
    assert run(v, job).error == -ENODEV
    assert job.tries == 0


def test_mainline_sleeps_until_there_is_a_descriptor_or_a_signal() -> None:
    v = system("iaa-6.12", Queue(1))
    v[v.at.iaa.sbitmap[0]] = 1
    with pytest.raises(WouldBlock, match=r"a free descriptor of wq0\.0"):
        run(v, v.ops.iaa_job(0, "compress", 2))
    v = system("iaa-6.12", Queue(1))
    v[v.at.iaa.sbitmap[0]] = 1
    v.choose = answers(iaa_signal=(1, 1))
    assert run(v, v.ops.iaa_job(0, "compress", 2)).error == -EAGAIN


def test_the_limit_of_looking_turns_the_driver_off() -> None:
    v = system("iaa-7.3", written=True)
    v.choose = answers(iaa_spin=(1,))
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -ETIMEDOUT
    assert not v[v.at.iaa.crypto].enabled
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -ENODEV
    assert "total_completion_timeout_errors" not in counted(v)


def test_a_job_that_is_polled_holds_a_descriptor_two_mappings_and_a_reference() -> None:
    v = system("iaa-v14")
    found = run(v, v.ops.iaa_job(0, "compress", 2, poll=True))
    assert (found.error, found.q, found.d) == (-EINPROGRESS, 0, 0)
    assert (v[v.at.iaa.sbitmap[0]], v[v.at.iaa.mapped], v[v.at.iaa.wq[0]].refs) == (1, 2, 1)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_job_of_a_driver_that_is_off_is_refused(name: str) -> None:
    for written in (True, False):
        v = system(name, written=written)
        v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], enabled=False)
        assert do(v, v.ops.iaa_call(0, "compress", 2)) == -ENODEV
        software = name in ("iaa-v13", "iaa-v14") or not written
        assert do(v, v.ops.iaa_call(0, "decompress", 2)) == (PAGE_SIZE if software else -ENODEV)


@pytest.mark.parametrize("name", ["iaa-v13", "iaa-v14"])
def test_without_the_algorithm_only_the_remedy_decompresses(name: str) -> None:
    """The last queue has taken it along, whoever still has a transform of it (IAA-H27)."""
    for written in (True, False):
        v = system(name, written=written)
        do(v, v.ops.iaa_unbind(0))
        assert do(v, v.ops.iaa_call(0, "compress", 2)) == -ENODEV
        assert do(v, v.ops.iaa_call(0, "decompress", 2)) == (-ENODEV if written else PAGE_SIZE)


@pytest.mark.parametrize("name", DRIVERS)
def test_an_interrupt_ends_a_single_job(name: str) -> None:
    v = system(name, sync_mode="async_irq")
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == 1024
    v.choose = answers(iaa_status=(1,))
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -EIO


@pytest.mark.parametrize(("name", "verifies"), [("iaa-6.12", True), ("iaa-v13", False), ("iaa-v14", False)])
def test_the_series_forgets_to_verify_when_interrupts_end_its_jobs(name: str, *, verifies: bool) -> None:
    """A verification would take the descriptor that there is not: with it the job sleeps, or fails, for ever."""
    v = system(name, Queue(1), sync_mode="async_irq", verify_compress=True)
    if verifies:
        with pytest.raises(WouldBlock):
            do(v, v.ops.iaa_call(0, "compress", 2))
    else:
        assert do(v, v.ops.iaa_call(0, "compress", 2)) == 1024


@pytest.mark.parametrize("name", DRIVERS)
def test_a_result_that_cannot_be_verified_is_no_success(name: str) -> None:
    v = system(name, verify_compress=True, statuses=("page_fault_ir",))
    v.choose = answers(iaa_status=(0, 1))
    assert do(v, v.ops.iaa_call(0, "compress", 2)) == -EINVAL
    assert counted(v)["total_completion_einval_errors"] == 1
    assert "total_decomp_calls" not in counted(v)


def test_dynamic_mode_tries_longer_and_leaves_more_than_a_page_to_software() -> None:
    v = system("iaa-v13-dynamic", Queue(1))
    v[v.at.iaa.sbitmap[0]] = 1
    job = v.ops.iaa_job(0, "compress", 2)
    assert run(v, job) == JobResult(-ENODEV)
    assert job.tries == 2000
    assert run(v, v.ops.iaa_job(0, "compress", 2, length_in=2 * PAGE_SIZE)).length == 1024
    assert counted(v) == {"total_sw_comp_calls": 1}
