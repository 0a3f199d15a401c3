"""Pools: creation with every failure, switching, resurrection, release, and the reference that 6.1 loses."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.state import UNSET, AcompCtx, ZswapPool
from refmodel.kernel.zswap_pool import live_pool, releasable
from refmodel.machine import ChoicePoint, evolve
from tests.kernel.toy import KERNELS, Toy

ZPOOL_KERNELS = KERNELS[:2]
ONE_PARAMETER_KERNELS = KERNELS[2:]


def every(kernel: str) -> list[tuple[ChoicePoint, int]]:
    """Return the failures that a pool's creation can meet: the point, and which use of it fails."""
    pieces = 2 if kernel == "linux-6.1" else 3
    return [(choices.ALLOC_POOL, nth + 1) for nth in range(pieces)] + [
        (choices.ALLOC_CTX, 1),
        (choices.ALLOC_CTX, 2),
    ]


CREATION_FAILURES = [(kernel, point, nth) for kernel in KERNELS for point, nth in every(kernel)]


def store(toy: Toy, page: int) -> None:
    """Put a page of process 0 into the current pool."""
    toy.write(page, f"page {page}")
    toy.out(page)


def release(toy: Toy) -> list[int]:
    """Run every release that is due; return the pools."""
    due = list(releasable(toy.v))
    for pool in due:
        toy.run(toy.ops.pool_release(pool=pool))
    return due


def pools(toy: Toy) -> tuple[int, ...]:
    """Return the list of pools."""
    return toy.v[toy.v.at.pool_list]


@pytest.mark.parametrize("kernel", KERNELS)
def test_another_compressor_makes_another_pool_the_current_one(kernel: str) -> None:
    """The former pool loses its initial reference, and goes at once when it has no entry."""
    toy = Toy(kernel)

    assert toy.run(toy.ops.set_compressor(value=" zstd\n")) == 0
    assert pools(toy) == (2, 1)
    assert live_pool(toy.v, 2) == ZswapPool("zstd", "zsmalloc")
    assert toy.v[toy.v.at.pool_ref[2]] == 1
    assert live_pool(toy.v, 1) == ZswapPool("lzo", "zsmalloc", killed=True)
    assert toy.v[toy.v.at.pool_ref[1]] == 0
    assert toy.v[toy.v.at.zswap].compressor == "zstd"
    assert release(toy) == [1]
    assert pools(toy) == (2,)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_compressor_again_changes_nothing(kernel: str) -> None:
    """Writing the name of the current compressor is accepted and does nothing."""
    toy = Toy(kernel)
    before = toy.v.snapshot()

    assert toy.run(toy.ops.set_compressor(value="lzo")) == 0
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_unknown_compressor_is_refused(kernel: str) -> None:
    """A name that the kernel does not know is -ENOENT; nothing changes."""
    toy = Toy(kernel)
    before = toy.v.snapshot()

    assert toy.run(toy.ops.set_compressor(value="nonesuch")) == -errno.ENOENT
    assert toy.v.snapshot() == before


@pytest.mark.parametrize(("kernel", "point", "nth"), CREATION_FAILURES)
def test_a_creation_that_fails_leaves_nothing_behind(kernel: str, point: ChoicePoint, nth: int) -> None:
    """Whatever part of a pool cannot be had, the others are given back and the former pool stays."""
    toy = Toy(kernel)
    before = toy.v.snapshot()
    toy.fail(point, nth)

    assert toy.run(toy.ops.set_compressor(value="zstd")) == -errno.EINVAL
    assert not toy.failing
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_as_many_pools_as_the_model_has_can_live(kernel: str) -> None:
    """With all of them alive, another one cannot be created."""
    toy = Toy(kernel, zswap_enabled=True)
    for number in (2, 3):
        toy.v[toy.v.at.pool[number]] = ZswapPool("other", "zsmalloc")
        toy.v[toy.v.at.pool_ref[number]] = 1
    before = toy.v.snapshot()

    assert toy.run(toy.ops.set_compressor(value="zstd")) == -errno.EINVAL
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_only_online_cpus_get_a_context(kernel: str) -> None:
    """A CPU that is away gets its context when it comes."""
    toy = Toy(kernel)
    toy.run(toy.ops.cpu_offline(cpu=1))
    toy.run(toy.ops.set_compressor(value="zstd"))

    assert [toy.v[place] for place in toy.v.at.acomp_ctx[2]] == [AcompCtx(present=True), AcompCtx()]


@pytest.mark.parametrize("kernel", KERNELS)
def test_old_pages_stay_in_the_old_pool_until_they_go(kernel: str) -> None:
    """A switch moves nothing: the old pool is read, counted, and released with its last entry."""
    toy = Toy(kernel)
    store(toy, 0)
    toy.run(toy.ops.set_compressor(value="zstd"))
    store(toy, 1)

    assert release(toy) == []
    assert toy.v[toy.v.at.pool_ref[1]] == 1
    assert toy.v[toy.v.at.pool_ref[2]] == 2
    assert all(toy.v[toy.v.at.pool_pages[pool]] for pool in (1, 2))
    assert (toy.read(0), toy.read(1)) == ("page 0", "page 1")
    toy.zap(0, 2)
    flush(toy)
    assert release(toy) == [1]
    assert toy.v[toy.v.at.pool[1]] is None
    assert pools(toy) == (2,)


def flush(toy: Toy) -> None:
    """Let freed slots become free, which is when 6.1 drops what it holds for them."""
    if toy.ops.drain_slot_cache is not None:
        for cpu in range(2):
            toy.run(toy.ops.drain_slot_cache(cpu=cpu))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_released_pool_leaves_nothing_and_its_number_is_used_again(kernel: str) -> None:
    """After the release everything is as in a system whose first pool has the other number."""
    toy = Toy(kernel)
    before = toy.v.snapshot()
    toy.run(toy.ops.set_compressor(value="zstd"))
    release(toy)

    assert all(toy.v[place] == AcompCtx() for place in toy.v.at.acomp_ctx[1])
    assert all(toy.v[place] is None for place in toy.v.at.zs_class[1])
    toy.run(toy.ops.set_compressor(value="lzo"))
    release(toy)
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
def test_switching_back_resurrects_a_dying_pool(kernel: str) -> None:
    """A killed pool with entries is found by its parameters; no second pool like it is made (I-16)."""
    toy = Toy(kernel)
    store(toy, 0)
    toy.run(toy.ops.set_compressor(value="zstd"))

    assert toy.run(toy.ops.set_compressor(value="lzo")) == 0
    assert pools(toy) == (1, 2)
    assert live_pool(toy.v, 1) == ZswapPool("lzo", "zsmalloc")
    assert toy.v[toy.v.at.pool_ref[1]] == 2
    assert release(toy) == [2]
    store(toy, 1)
    assert toy.v[toy.v.at.pool_ref[1]] == 3


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_pool_whose_release_is_due_is_not_resurrected(kernel: str) -> None:
    """Without a reference nobody can take one: another pool with the same parameters is made."""
    toy = Toy(kernel)
    toy.run(toy.ops.set_compressor(value="zstd"))

    assert toy.run(toy.ops.set_compressor(value="lzo")) == 0
    assert pools(toy) == (3, 2, 1)
    assert release(toy) == [2, 1]
    assert pools(toy) == (3,)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_release_that_comes_too_late_does_nothing(kernel: str) -> None:
    """A pool that is current, or gone, is not released."""
    toy = Toy(kernel)
    before = toy.v.snapshot()

    toy.run(toy.ops.pool_release(pool=1))
    toy.run(toy.ops.pool_release(pool=2))
    assert toy.v.snapshot() == before


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("entries", [0, 1])
def test_a_name_that_cannot_be_kept_leaves_the_pool_last(kernel: str, entries: int) -> None:
    """The pool goes to the tail and loses its initial reference; the former pool stays current."""
    toy = Toy(kernel)
    for page in range(entries):
        store(toy, page)
    toy.run(toy.ops.set_compressor(value="zstd"))
    toy.fail(choices.ALLOC_PARAM)

    assert toy.run(toy.ops.set_compressor(value="lzo")) == -errno.ENOMEM
    assert pools(toy)[0] == 2
    assert toy.v[toy.v.at.zswap].compressor == "zstd"
    assert live_pool(toy.v, 2) == ZswapPool("zstd", "zsmalloc")
    assert toy.v[toy.v.at.pool_ref[2]] == 1
    assert live_pool(toy.v, pools(toy)[-1]) == ZswapPool("lzo", "zsmalloc", killed=True)
    assert toy.v[toy.v.at.pool_ref[pools(toy)[-1]]] == entries
    release(toy)
    assert pools(toy) == ((2, 1) if entries else (2,))


@pytest.mark.parametrize("kernel", ZPOOL_KERNELS)
def test_another_allocator_makes_another_pool_the_current_one(kernel: str) -> None:
    """The parameter zpool switches pools as the compressor does; both kinds live side by side."""
    toy = Toy(kernel)
    store(toy, 0)

    assert toy.run(toy.ops.set_zpool(value="zbud")) == 0
    store(toy, 1)
    assert live_pool(toy.v, 2) == ZswapPool("lzo", "zbud")
    assert toy.v[toy.v.at.pool_ref[2]] == 2
    assert toy.v[toy.v.at.vm.nr_zspages] == toy.v[toy.v.at.pool_pages[1]]
    assert toy.v[toy.v.at.pool_pages[2]] == 1
    assert (toy.read(0), toy.read(1)) == ("page 0", "page 1")
    toy.zap(0, 2)
    flush(toy)
    assert release(toy) == [1]
    assert toy.v[toy.v.at.pool_pages[2]] == 0


@pytest.mark.parametrize("kernel", ZPOOL_KERNELS)
def test_an_unknown_allocator_is_refused(kernel: str) -> None:
    """A name that the kernel does not know is -ENOENT; the one in use is no change."""
    toy = Toy(kernel)
    before = toy.v.snapshot()

    assert toy.run(toy.ops.set_zpool(value="nonesuch")) == -errno.ENOENT
    assert toy.run(toy.ops.set_zpool(value="zsmalloc")) == 0
    assert toy.v.snapshot() == before


def without_pool(kernel: str) -> Toy:
    """Return a system whose set-up is over but made no pool."""
    toy = Toy(kernel, initial_pool=False, zswap_enabled=False)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], init="succeeded")
    return toy


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_compressor_brings_the_first_pool(kernel: str) -> None:
    """Without any pool even the name that the parameter has creates one."""
    toy = without_pool(kernel)
    assert (pools(toy), toy.v[toy.v.at.zswap].ever_enabled) == ((), False)

    assert toy.run(toy.ops.set_compressor(value="lzo")) == 0
    assert pools(toy) == (1,)
    assert toy.v[toy.v.at.zswap].has_pool
    assert toy.v[toy.v.at.zswap].ever_enabled


@pytest.mark.parametrize("kernel", KERNELS)
def test_without_any_pool_a_name_is_kept_where_another_could_be_wrong(kernel: str) -> None:
    """With two parameters the written one is kept although no pool came of it; with one it is an error."""
    toy = without_pool(kernel)
    toy.fail(choices.ALLOC_POOL)
    kept = kernel in ZPOOL_KERNELS

    assert toy.run(toy.ops.set_compressor(value="zstd")) == (0 if kept else -errno.EINVAL)
    assert toy.v[toy.v.at.zswap].compressor == ("zstd" if kept else "lzo")
    assert pools(toy) == ()


@pytest.mark.parametrize("kernel", ZPOOL_KERNELS)
def test_one_unset_parameter_keeps_the_first_pool_from_being_made(kernel: str) -> None:
    """The other parameter is kept; when both are there, the pool is made."""
    toy = without_pool(kernel)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], compressor=UNSET)

    assert toy.run(toy.ops.set_zpool(value="zbud")) == 0
    assert (pools(toy), toy.v[toy.v.at.zswap].zpool) == ((), "zbud")
    assert toy.run(toy.ops.set_compressor(value="zstd")) == 0
    assert live_pool(toy.v, 1) == ZswapPool("zstd", "zbud")


@pytest.mark.parametrize("kernel", KERNELS[1:])
def test_before_the_set_up_any_name_is_kept(kernel: str) -> None:
    """What is written before zswap is set up is judged only then."""
    toy = Toy(kernel, initial_pool=False, zswap_enabled=False)

    assert toy.run(toy.ops.set_compressor(value="nonesuch")) == 0
    assert toy.v[toy.v.at.zswap].compressor == "nonesuch"


@pytest.mark.parametrize("kernel", KERNELS)
def test_after_a_failed_set_up_nothing_can_be_chosen(kernel: str) -> None:
    """The parameter is -ENODEV for good."""
    toy = without_pool(kernel)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], init="failed")

    assert toy.run(toy.ops.set_compressor(value="zstd")) == -errno.ENODEV


def full_pool() -> Toy:
    """Return a system of 6.1 with one page more than its pool may have, and no shrink queued."""
    toy = Toy("linux-6.1", zpool="zbud")
    store(toy, 0)
    toy.v[toy.v.at.zswap] = evolve(toy.v[toy.v.at.zswap], max_pool_percent=0)
    return toy


def test_a_queued_shrink_keeps_the_pool() -> None:
    """Each queued run holds a reference to the pool, and drops it (6.1)."""
    toy = full_pool()
    store(toy, 1)

    assert toy.v[toy.v.at.shrink_work].pools == (1,)
    assert toy.v[toy.v.at.pool_ref[1]] == 3
    toy.run(toy.ops.shrink_worker())
    toy.finish_writes()
    assert toy.v[toy.v.at.shrink_work].pools == ()
    assert toy.v[toy.v.at.pool_ref[1]] == 1


def test_a_second_queueing_loses_a_reference_and_the_pool_is_never_released() -> None:
    """The second store finds the work queued and keeps the reference that it took for it (Z08, H-8)."""
    toy = full_pool()
    store(toy, 1)
    store(toy, 2)

    assert toy.v[toy.v.at.pool_ref[1]] == 4
    toy.run(toy.ops.shrink_worker())
    toy.finish_writes()
    assert toy.v[toy.v.at.pool_ref[1]] == 2
    assert not toy.v[toy.v.at.shrink_work].pending
    toy.run(toy.ops.set_compressor(value="zstd"))
    assert live_pool(toy.v, 1) == ZswapPool("lzo", "zbud", killed=True)
    assert toy.v[toy.v.at.pool_ref[1]] == 1
    assert release(toy) == []


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_first_pool_whose_name_could_not_be_kept_never_becomes_current(kernel: str) -> None:
    """It waits for its release; the next attempt creates another one and leaves it alone."""
    toy = without_pool(kernel)
    toy.fail(choices.ALLOC_PARAM)
    assert toy.run(toy.ops.set_compressor(value="zstd")) == -errno.ENOMEM
    assert pools(toy) == (1,)
    assert not toy.v[toy.v.at.zswap].has_pool
    assert toy.run(toy.ops.set_param(name="enabled", value="Y")) == -errno.ENODEV

    assert toy.run(toy.ops.set_compressor(value="lzo")) == 0
    assert pools(toy) == (2, 1)
    assert live_pool(toy.v, 1) == ZswapPool("zstd", "zsmalloc", killed=True)
    assert toy.v[toy.v.at.pool_ref[1]] == 0
    assert release(toy) == [1]
    assert pools(toy) == (2,)
