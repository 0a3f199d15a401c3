"""CPUs that come and go under the batching series: contexts, their users, and every failure."""

from __future__ import annotations

import errno
from typing import Any

import attrs
import pytest

from refmodel.kernel import choices
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.zswap_load import KernelBug
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import Execution, Operation, WouldBlock, evolve
from refmodel.profiles import preset, profile
from tests.kernel.toy import LENGTH, Toy

BATCH = 2
"""Pages that the compressor "iaa" takes in one call; "lzo" takes one."""

POSTINGS = tuple(f"batching-v{number}" for number in (4, 6, 8, 9, 10, 11, 12, 13, 14))
LATE_WITHOUT = POSTINGS[3:7]
KEEPING = POSTINGS[2:]
"""Postings whose contexts stay when their CPU goes."""


class BatchToy(Toy):
    """A toy system with two CPUs, whose compressor has batches; tasks run on CPU ``cpu`` where they can."""

    def __init__(self, kernel: str) -> None:
        """Build the system."""
        made, codecs = profile(kernel), {"iaa": Symbolic("iaa", (LENGTH,), batch_size=BATCH)}
        codecs["lzo"] = Symbolic("lzo", (LENGTH,))
        sizes = attrs.evolve(preset("toy"), cpus=2, nodes=1, max_batch=BATCH, pages=4, max_order=2)
        self.v = made.system(made.config(sizes, codecs, compressor="iaa"))
        self.v[self.v.at.zswap] = evolve(self.v[self.v.at.zswap], max_pool_percent=100)
        self.ops, self.events, self.failing, self.cpu = self.v.ops, [], {}, 0
        self.v.choose = self.choose
        self.v.emit = lambda name, **fields: self.events.append((name, fields))

    def choose(self, point: Any, options: Any) -> Any:
        """Answer with the chosen CPU, and else as any toy."""
        if point is choices.CPU and self.cpu in options:
            return self.cpu
        return Toy.choose(self, point, options)

    def ctx(self, cpu: int, pool: int = 1) -> AcompCtx:
        """Return a context."""
        return self.v[self.v.at.acomp_ctx[pool][cpu]]

    def locked(self, cpu: int) -> bool:
        """Return whether a context of the first pool is locked."""
        return self.v[self.v.at.ctx_locked[1][cpu]]


READY = AcompCtx(present=True, reqs=BATCH)


def going(toy: BatchToy, cpu: int = 1) -> None:
    """Let a CPU go, then make a pool that it has never seen, which becomes the current one."""
    toy.run(toy.ops.cpu_offline(cpu=cpu))
    assert toy.run(toy.ops.pool_create(compressor="iaa", zpool="zsmalloc")) == 2


@pytest.mark.parametrize("kernel", POSTINGS)
def test_a_context_has_requests_and_buffers_for_a_batch(kernel: str) -> None:
    """As many in the first pool as in one that is made later, and one where the compressor has no batches."""
    toy = BatchToy(kernel)
    assert [toy.run(toy.ops.pool_create(compressor=name, zpool="zsmalloc")) for name in ("iaa", "lzo")] == [
        2,
        3,
    ]
    for pool, reqs in ((1, BATCH), (2, BATCH), (3, 1)):
        assert live_pool(toy.v, pool).compr_batch_size == reqs
        assert [toy.ctx(cpu, pool) for cpu in (0, 1)] == 2 * [AcompCtx(present=True, reqs=reqs)]


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_pool_is_made_with_all_contexts_or_not_at_all(kernel: str, nth: int) -> None:
    """Nothing is left of the context of CPU 0 when there is no memory for that of CPU 1."""
    toy = BatchToy(kernel)
    before = toy.v.snapshot()
    toy.fail(choices.ALLOC_CTX, nth)

    assert toy.run(toy.ops.pool_create(compressor="iaa", zpool="zsmalloc")) == 0
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", POSTINGS)
def test_a_cpu_that_comes_back_finds_everything_as_it_was(kernel: str) -> None:
    toy = BatchToy(kernel)
    before = toy.v.snapshot()
    toy.run(toy.ops.cpu_offline(cpu=1))
    assert toy.ctx(1).present == (kernel in KEEPING)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == 0
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", POSTINGS)
def test_a_cpu_that_comes_for_the_first_time_has_a_context_except_from_v9_to_v12(kernel: str) -> None:
    """HB-6: the pool was told of CPUs while it was created, and never again."""
    toy = BatchToy(kernel)
    going(toy)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == 0
    assert toy.ctx(1, pool=1) == READY
    assert toy.ctx(1, pool=2) == (AcompCtx() if kernel in LATE_WITHOUT else READY)


@pytest.mark.parametrize("kernel", LATE_WITHOUT)
def test_the_first_store_on_a_cpu_without_context_stops_the_kernel(kernel: str) -> None:
    """HB-6 as a task meets it."""
    toy = BatchToy(kernel)
    toy.run(toy.ops.cpu_offline(cpu=1))
    toy.run(toy.ops.set_compressor(value="lzo"))
    toy.run(toy.ops.cpu_online(cpu=1))
    toy.write(0, "page 0")
    toy.cpu = 1

    with pytest.raises(KernelBug, match="pool 2 has no context for CPU 1"):
        toy.out(0)


def storing(toy: BatchToy, step: str) -> Execution:
    """Return a swap-out of a large folio that stands before a step."""
    toy.run(toy.ops.set_thp(2, True))
    toy.write(0, "page 0")
    running = Execution(toy.ops.madvise_pageout(mm=0, page=0, nr=4))
    toy.until(running, step)
    return running


def other(toy: BatchToy, operation: Operation) -> Any:
    """Run an operation of somebody else to its end, without touching the events of the store."""
    running = Execution(operation)
    return toy.finish(running)


def locked(toy: BatchToy) -> list[int]:
    """Return on which CPU each context was that was locked, in order."""
    return [fields["cpu"] for name, fields in toy.events if name == "ctx_lock"]


def test_v4_counts_requests_and_stops_without_them() -> None:
    """The CPU has gone since its context was picked (B06)."""
    toy = BatchToy("batching-v4")
    running = storing(toy, "lock_ctx")
    other(toy, toy.ops.cpu_offline(cpu=0))

    with pytest.raises(KernelBug, match="the context of CPU 0 has 0 requests; expected 2"):
        running.advance(toy.v)


@pytest.mark.parametrize("step", ["submit", "copy"])
def test_v4_frees_requests_and_buffers_under_their_user(step: str) -> None:
    """The lock of the context keeps nobody from freeing what is in it (Z15)."""
    toy = BatchToy("batching-v4")
    running = storing(toy, step)
    assert other(toy, toy.ops.cpu_offline(cpu=0)) == 0

    with pytest.raises((KernelBug, LookupError), match="CPU 0"):
        running.advance(toy.v)


@pytest.mark.parametrize("step", ["lock_ctx", "run_compressor"])
def test_v4_frees_the_context_of_a_single_page_under_its_user(step: str) -> None:
    toy = BatchToy("batching-v4")
    toy.write(0, "page 0")
    running = Execution(toy.ops.madvise_pageout(mm=0, page=0, nr=1))
    toy.until(running, step)
    other(toy, toy.ops.cpu_offline(cpu=0))

    with pytest.raises(LookupError, match="used after it was freed"):
        running.advance(toy.v)


@pytest.mark.parametrize("step", ["lock_ctx", "run_decompressor"])
def test_v4_frees_the_context_of_a_reader(step: str) -> None:
    toy = BatchToy("batching-v4")
    toy.write(0, "page 0")
    toy.out(0)
    running = Execution(toy.ops.read_page(mm=0, page=0))
    toy.until(running, step)
    other(toy, toy.ops.cpu_offline(cpu=0))

    with pytest.raises(LookupError, match="used after it was freed"):
        running.advance(toy.v)


def test_v4_makes_a_lock_anew_that_somebody_holds() -> None:
    """A CPU that went and came back has a free context, although a store still works with the former one."""
    toy = BatchToy("batching-v4")
    storing(toy, "submit")
    assert toy.locked(0)
    other(toy, toy.ops.cpu_offline(cpu=0))
    other(toy, toy.ops.cpu_online(cpu=0))

    assert toy.ctx(0) == READY
    assert not toy.locked(0)


def test_v4_has_no_batches_after_a_cpu_found_no_memory() -> None:
    """One flag of the pool stands for all CPUs: the next one that comes sets it again (A2)."""
    toy = BatchToy("batching-v4")
    toy.run(toy.ops.cpu_offline(cpu=1))
    toy.fail(choices.ALLOC_CTX)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == -errno.ENOMEM
    assert live_pool(toy.v, 1).compr_batch_size == 1
    assert toy.ctx(0) == READY
    toy.finish(storing(toy, "lock_ctx"))
    assert locked(toy) == []
    assert toy.v[toy.v.at.zs.stored_pages] == 4

    assert toy.run(toy.ops.cpu_online(cpu=1)) == 0
    assert live_pool(toy.v, 1).compr_batch_size == BATCH


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("kernel", ["batching-v4", "batching-v6"])
def test_a_cpu_without_memory_gives_its_contexts_back(kernel: str, nth: int) -> None:
    toy = BatchToy(kernel)
    toy.run(toy.ops.pool_create(compressor="iaa", zpool="zsmalloc"))
    toy.run(toy.ops.cpu_offline(cpu=1))
    toy.fail(choices.ALLOC_CTX, nth)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == -errno.ENOMEM
    assert not toy.ctx(1, pool=1).present
    assert not toy.ctx(1, pool=2).present


@pytest.mark.parametrize("kernel", ["batching-v6", "batching-v8"])
@pytest.mark.parametrize("step", ["submit", "publish"])
def test_a_cpu_that_goes_waits_for_a_whole_folio_in_v6_and_v8(kernel: str, step: str) -> None:
    """The context of a batching compressor is locked from before the first entry to after the last page."""
    toy = BatchToy(kernel)
    storing(toy, step)

    with pytest.raises(WouldBlock, match="the compression context of CPU 0"):
        toy.run(toy.ops.cpu_offline(cpu=0))


@pytest.mark.parametrize("kernel", POSTINGS[3:])
def test_a_cpu_that_goes_waits_for_nobody_from_v9_on(kernel: str) -> None:
    """The store goes on with the context that it has."""
    toy = BatchToy(kernel)
    running = storing(toy, "submit")
    assert other(toy, toy.ops.cpu_offline(cpu=0)) == 0

    toy.finish(running)
    assert toy.v[toy.v.at.zs.stored_pages] == 4
    assert not toy.locked(0)


@pytest.mark.parametrize("kernel", ["batching-v6", "batching-v8"])
def test_a_context_whose_cpu_has_gone_is_given_up_for_another(kernel: str) -> None:
    toy = BatchToy(kernel)
    running = storing(toy, "lock_ctx")
    other(toy, toy.ops.cpu_offline(cpu=0))

    running.advance(toy.v)
    assert running.at[1] == "pick_ctx"
    toy.finish(running)
    assert locked(toy) == [1]
    assert toy.v[toy.v.at.zs.stored_pages] == 4


def test_v8_marks_a_context_and_keeps_what_is_in_it() -> None:
    """A CPU that comes back needs no memory for it."""
    toy = BatchToy("batching-v8")
    toy.run(toy.ops.cpu_offline(cpu=1))
    assert toy.ctx(1) == evolve(READY, online=False)
    toy.fail(choices.ALLOC_CTX)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == 0
    assert toy.ctx(1) == READY
    assert toy.failing


def test_v8_marks_contexts_as_left_when_a_cpu_cannot_come() -> None:
    """The pool that the CPU knew is marked first, that which it did not know fails."""
    toy = BatchToy("batching-v8")
    going(toy)
    toy.fail(choices.ALLOC_CTX)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == -errno.ENOMEM
    assert toy.ctx(1, pool=1) == evolve(READY, online=False)
    assert toy.ctx(1, pool=2) == AcompCtx()


def test_v8_waits_for_the_user_of_a_context_that_it_marks_again_as_left() -> None:
    """Nobody can have it before the CPU is up, so the wait is of the model's own making."""
    toy = BatchToy("batching-v8")
    going(toy)
    toy.fail(choices.ALLOC_CTX)
    coming = Execution(toy.ops.cpu_online(cpu=1))
    toy.until(coming, "roll_back")
    toy.v[toy.v.at.ctx_locked[1][1]] = True

    assert not coming.advance(toy.v)


@pytest.mark.parametrize("kernel", POSTINGS[3:8])
def test_v9_to_v13_take_the_context_of_the_cpu_that_each_batch_runs_on(kernel: str) -> None:
    """The task is moved between two batches (BI-3)."""
    toy = BatchToy(kernel)
    running = storing(toy, "submit")
    toy.cpu = 1
    toy.finish(running)

    assert locked(toy) == [0, 1]
    assert toy.v[toy.v.at.zs.stored_pages] == 4


def test_v14_keeps_the_context_of_the_cpu_that_the_folio_began_on() -> None:
    """The task is moved between two batches (BI-3)."""
    toy = BatchToy("batching-v14")
    running = storing(toy, "submit")
    toy.cpu = 1
    toy.finish(running)

    assert locked(toy) == [0, 0]
    assert toy.v[toy.v.at.zs.stored_pages] == 4
