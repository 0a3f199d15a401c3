"""CPUs that come and go: contexts, caches of freed slots, and every failure."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.state import FREE_SLOT, AcompCtx
from refmodel.kernel.zswap_load import KernelBug
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import WouldBlock, evolve
from refmodel.machine.run import Execution
from tests.kernel.toy import KERNELS, Toy

FREEING_KERNELS = KERNELS[:3]
"""Kernels that free the contexts of a CPU with the CPU."""

SLOT_CACHE_KERNELS = KERNELS[:2]


def contexts(toy: Toy, pool: int = 1) -> list[bool]:
    """Return which CPUs have a context in a pool."""
    return [toy.v[place].present for place in toy.v.at.acomp_ctx[pool]]


def two_pools(kernel: str) -> Toy:
    """Return a system with an old pool that has an entry, and a current one."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    toy.run(toy.ops.set_compressor(value="zstd"))
    return toy


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_cpu_that_goes_leaves_its_contexts_only_where_they_belong_to_the_pool(kernel: str) -> None:
    """6.1 to 6.18 free them in every pool, 7.3 keeps them."""
    toy = two_pools(kernel)

    assert toy.run(toy.ops.cpu_offline(cpu=0)) == 0
    there = kernel not in FREEING_KERNELS
    assert contexts(toy, 1) == contexts(toy, 2) == [there, True]
    assert toy.v[toy.v.at.online_cpus] == (1,)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_cpu_that_comes_back_has_its_contexts(kernel: str) -> None:
    """Going and coming restores the state."""
    toy = two_pools(kernel)
    before = toy.v.snapshot()
    toy.run(toy.ops.cpu_offline(cpu=0))

    assert toy.run(toy.ops.cpu_online(cpu=0)) == 0
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_last_cpu_stays(kernel: str) -> None:
    """Taking the last CPU away is -EBUSY; what is as it should be already is no error."""
    toy = Toy(kernel)
    assert toy.run(toy.ops.cpu_online(cpu=1)) == 0
    toy.run(toy.ops.cpu_offline(cpu=1))
    before = toy.v.snapshot()

    assert toy.run(toy.ops.cpu_offline(cpu=0)) == -errno.EBUSY
    assert toy.run(toy.ops.cpu_offline(cpu=1)) == 0
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_pages_are_stored_and_loaded_while_a_cpu_is_away(kernel: str) -> None:
    """The task runs on another CPU and uses that one's context."""
    toy = Toy(kernel)
    toy.run(toy.ops.cpu_offline(cpu=0))
    toy.write(0, "page 0")
    toy.out(0)

    assert toy.v[toy.v.at.zs.stored_pages] == 1
    assert toy.read(0) == "page 0"


@pytest.mark.parametrize("kernel", FREEING_KERNELS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_cpu_without_memory_for_a_context_stays_away(kernel: str, nth: int) -> None:
    """Contexts of the pools that were first are freed again; nothing is left behind."""
    toy = two_pools(kernel)
    toy.run(toy.ops.cpu_offline(cpu=0))
    before = toy.v.snapshot()
    toy.fail(choices.ALLOC_CTX, nth)

    assert toy.run(toy.ops.cpu_online(cpu=0)) == -errno.ENOMEM
    assert not toy.failing
    assert toy.v.snapshot() == before


def test_6_1_also_needs_a_buffer_for_each_cpu() -> None:
    """The buffer comes before the contexts of two pools: the third allocation is the last one."""
    toy = two_pools("linux-6.1")
    toy.run(toy.ops.cpu_offline(cpu=0))
    before = toy.v.snapshot()
    toy.fail(choices.ALLOC_CTX, 3)

    assert toy.run(toy.ops.cpu_online(cpu=0)) == -errno.ENOMEM
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("nth", [1, 2])
def test_contexts_that_belong_to_the_pool_stay_when_a_cpu_cannot_come(nth: int) -> None:
    """A pool that was created without the CPU has none for it; what it gets is not rolled back (7.3)."""
    toy = Toy("linux-7.3")
    toy.run(toy.ops.cpu_offline(cpu=1))
    toy.run(toy.ops.pool_create(compressor="zstd", zpool="zsmalloc"))
    toy.run(toy.ops.pool_create(compressor="zstd", zpool="zsmalloc"))
    toy.fail(choices.ALLOC_CTX, nth)

    assert toy.run(toy.ops.cpu_online(cpu=1)) == -errno.ENOMEM
    assert [contexts(toy, pool)[1] for pool in (1, 2, 3)] == [True, nth == 2, False]
    assert 1 not in toy.v[toy.v.at.online_cpus]
    assert toy.run(toy.ops.cpu_online(cpu=1)) == 0
    assert contexts(toy, 3) == [True, True]


@pytest.mark.parametrize("kernel", SLOT_CACHE_KERNELS)
def test_the_slots_that_a_cpu_had_freed_become_free_when_it_goes(kernel: str) -> None:
    """Nobody looks into the cache of a CPU that is away."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    toy.out(0)
    slot = toy.slot(0)
    toy.zap(0)
    assert toy.v[toy.v.at.slot_cache[0]] == (slot,)

    toy.run(toy.ops.cpu_offline(cpu=0))
    assert toy.v[toy.v.at.slot_cache[0]] == ()
    assert toy.v[toy.v.at.slot[slot]] == FREE_SLOT
    assert toy.v[toy.v.at.si].free == toy.v[toy.v.at.si].size
    assert toy.names().count("swapcache_free") == (kernel == "linux-6.1")


def compressing(kernel: str) -> tuple[Toy, Execution]:
    """Return a system and the compression of a page that has picked CPU 0 but not locked its context."""
    toy = Toy(kernel)
    toy.write(0, "page 0")
    work = toy.ops.zswap_compress(folio=toy.v[toy.v.at.pte[0][0]].folio, index=0, entry=1, pool=1)
    running = Execution(work)
    running.advance(toy.v)
    assert running.at == (work, "lock_ctx")
    return toy, running


@pytest.mark.parametrize("kernel", ["linux-6.12", "linux-6.18"])
def test_a_context_without_resources_sends_its_user_to_another_cpu(kernel: str) -> None:
    """The CPU went away between the look-up and the lock (I-17)."""
    toy, running = compressing(kernel)
    toy.run(toy.ops.cpu_offline(cpu=0))

    running.advance(toy.v)
    assert running.at[1] == "pick_ctx"
    running.advance(toy.v)
    running.advance(toy.v)
    assert toy.v[toy.v.at.ctx_locked[1][1]]


def test_a_context_of_a_cpu_that_has_gone_can_be_used_where_it_belongs_to_the_pool() -> None:
    """Nothing was freed (7.3)."""
    toy, running = compressing("linux-7.3")
    toy.run(toy.ops.cpu_offline(cpu=0))

    running.advance(toy.v)
    assert toy.v[toy.v.at.acomp_ctx[1][0]] == AcompCtx(present=True)
    assert toy.v[toy.v.at.ctx_locked[1][0]]


@pytest.mark.parametrize("kernel", ["linux-6.1", "linux-7.3"])
def test_a_context_that_is_not_there_stops_a_kernel_that_does_not_look(kernel: str) -> None:
    """6.1 frees it under its user; in 7.3 that cannot happen, so it would be a bug of the model."""
    toy, running = compressing(kernel)
    toy.v[toy.v.at.acomp_ctx[1][0]] = AcompCtx()

    with pytest.raises(KernelBug, match="context"):
        running.advance(toy.v)


def test_6_1_frees_a_context_under_its_user() -> None:
    """Nothing waits for the user, who then compresses with freed memory (Z15)."""
    toy, running = compressing("linux-6.1")
    running.advance(toy.v)

    assert toy.run(toy.ops.cpu_offline(cpu=0)) == 0
    with pytest.raises(KernelBug, match="after it was freed"):
        running.advance(toy.v)


@pytest.mark.parametrize("kernel", ["linux-6.12", "linux-6.18"])
def test_a_cpu_that_goes_waits_for_the_user_of_its_context(kernel: str) -> None:
    """The context is emptied under its lock."""
    toy, running = compressing(kernel)
    running.advance(toy.v)

    with pytest.raises(WouldBlock, match="the compression context of CPU 0"):
        toy.run(toy.ops.cpu_offline(cpu=0))


@pytest.mark.parametrize("kernel", KERNELS)
def test_pools_and_cpus_do_not_change_while_a_cpu_is_on_its_way(kernel: str) -> None:
    """Creation and release of pools wait, and so does another CPU."""
    toy = Toy(kernel)
    toy.run(toy.ops.set_compressor(value="zstd"))
    toy.v[toy.v.at.hotplug_locked] = True
    toy.v[toy.v.at.pool[1]] = evolve(live_pool(toy.v, 1), killed=True)
    toy.v[toy.v.at.pool_ref[1]] = 0

    for operation in (
        toy.ops.cpu_online(cpu=1),
        toy.ops.cpu_offline(cpu=1),
        toy.ops.pool_create(compressor="lzo", zpool="zsmalloc"),
        toy.ops.pool_release(pool=1),
    ):
        with pytest.raises(WouldBlock, match="the CPU that is coming or going"):
            toy.run(operation)
