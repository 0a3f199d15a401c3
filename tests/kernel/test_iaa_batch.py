"""Batches in flight: order, errors, and what each posting tells."""

from __future__ import annotations

from errno import E2BIG, EINVAL, ENODEV

import pytest

from refmodel.kernel.iaa_decisions import largest_first
from refmodel.kernel.iaa_status import Op
from refmodel.kernel.iaa_topology import Queue
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import WouldBlock, evolve, run
from tests.kernel.iaa import BATCHES, TRIES, answers, counted, do, system

EIGHT = tuple(range(1, 9))


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize(("op", "length"), [("compress", 1024), ("decompress", 4096)])
def test_eight_pages_are_done_in_one_call(name: str, op: Op, length: int) -> None:
    v = system(name)
    assert do(v, v.ops.iaa_call_batch(0, op, EIGHT)) == (0, *(length,) * 8)


def test_all_jobs_are_submitted_before_the_first_poll() -> None:
    v, seen = system("iaa-v14"), list[int]()
    v.emit = lambda name, **fields: (
        seen.append(counted(v)["total_comp_calls"]) if name == "iaa_poll" else None
    )
    do(v, v.ops.iaa_call_batch(0, "compress", EIGHT))
    assert seen == [8] * 8


@pytest.mark.parametrize("name", BATCHES)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_page_that_does_not_become_shorter_fails_alone(name: str, at: int) -> None:
    v = system(name)
    v.choose = answers(compress=[int(k == at) for k in range(3)])
    error, *lengths = do(v, v.ops.iaa_call_batch(0, "compress", (1, 2, 3)))
    assert lengths == [-E2BIG if k == at else 1024 for k in range(3)]
    heads = name in ("iaa-v5", "iaa-v8")
    assert error == ((-E2BIG if at == 0 else 0) if heads else -EINVAL)


@pytest.mark.parametrize("name", TRIES)
def test_a_batch_longer_than_its_queue_keeps_what_it_got(name: str) -> None:
    v = system(name, Queue(2), tries=2)
    _, *lengths = do(v, v.ops.iaa_call_batch(0, "compress", (1, 2, 3, 4)))
    assert lengths == [1024, 1024, -ENODEV, -ENODEV] or name == "iaa-v9"
    assert sum(length > 0 for length in lengths) == 2


@pytest.mark.parametrize("name", TRIES)
def test_software_does_what_finds_no_descriptor(name: str) -> None:
    v = system(name, Queue(2), tries=2)
    assert do(v, v.ops.iaa_call_batch(0, "decompress", (1, 2, 3, 4))) == (0, *(4096,) * 4)
    assert counted(v)["total_sw_decomp_calls"] == 2


def test_the_head_of_a_chain_takes_all_along() -> None:
    v = system("iaa-v8", Queue(1), tries=1)
    v[v.at.iaa.sbitmap[0]] = 1
    assert do(v, v.ops.iaa_call_batch(0, "compress", (1, 2))) == (-ENODEV, -ENODEV, -ENODEV)


@pytest.mark.parametrize(
    ("lengths", "order"),
    [
        ((5,), (0,)),
        ((5, 9), (1, 0)),
        ((7, 3, 9, 8), (2, 3, 0, 1)),
        ((4, 4, 4), (2, 1, 0)),
        ((1, 9, 2, 9), (3, 1, 0, 2)),
    ],
)
def test_decompression_begins_with_the_largest_two(lengths: tuple[int, ...], order: tuple[int, ...]) -> None:
    assert largest_first(lengths) == order


@pytest.mark.parametrize("name", BATCHES)
def test_more_than_eight_jobs_are_not_for_the_driver(name: str) -> None:
    v = system(name)
    with pytest.raises(KernelBug, match="batch of 9 jobs: arrays have room for 8"):
        do(v, v.ops.iaa_call_batch(0, "compress", tuple(range(1, 10))))


def test_a_batch_of_a_halted_device_never_ends() -> None:
    v = system("iaa-v14")
    v[v.at.iaa.halted[0]] = True
    assert do(v, v.ops.iaa_call_batch(0, "compress", (1, 2))) == (-EINVAL, -ENODEV, -ENODEV)
    v = system("iaa-v14")
    batch = v.ops.iaa_call_batch(0, "compress", (1, 2))

    def halt() -> bool:
        v[v.at.iaa.halted[0]] = True
        return False

    with pytest.raises(WouldBlock, match="the device to end one of 2 jobs in flight"):
        run(v, batch, while_waiting=halt)


@pytest.mark.parametrize(("name", "error"), [("iaa-v13", -ENODEV), ("iaa-v14", -ENODEV)])
def test_a_batch_without_the_algorithm_is_refused(name: str, error: int) -> None:
    v = system(name)
    v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], registered=False)
    assert do(v, v.ops.iaa_call_batch(0, "compress", (1, 2))) == (error, -ENODEV, -ENODEV)


@pytest.mark.parametrize("name", ["iaa-v13", "iaa-v14"])
def test_a_batch_that_is_verified_needs_a_descriptor_more(name: str) -> None:
    v = system(name, Queue(2), tries=2, verify_compress=True)
    assert do(v, v.ops.iaa_call_batch(0, "compress", (1, 2)))[1] == -ENODEV
    v = system(name, Queue(3), tries=2, verify_compress=True)
    assert do(v, v.ops.iaa_call_batch(0, "compress", (1, 2))) == (0, 1024, 1024)
    assert "total_decomp_calls" not in counted(v)
