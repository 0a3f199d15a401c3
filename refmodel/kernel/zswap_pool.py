"""Pools: how they come, change places and go (mm/zswap.c).

A pool is one compressor with one allocator, and a compression context for each CPU.  New stores go to the
head of the list; another choice of compressor puts another pool there.  The former one loses its initial
reference, which is called killed here, but stays on the list and counts in the pools' size until its last
entry is gone: then ``PoolRelease`` takes it away.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.state import UNSET, AcompCtx, ZswapPool
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def live_pool(v: KernelView, number: int) -> ZswapPool:
    """Return a pool that must exist.

    Raises LookupError when it was destroyed: a use after free, which no correct run reaches.
    """
    pool = v[v.at.pool[number]]
    if pool is None:
        raise LookupError(f"zswap pool {number}: used after it was destroyed")
    return pool


def releasable(v: KernelView) -> tuple[int, ...]:
    """Return the pools whose release is due, in the order of the list: killed, and without a reference."""
    pools = v[v.at.pool_list]
    return tuple(pool for pool in pools if live_pool(v, pool).killed and not v[v.at.pool_ref[pool]])


def queue_pool_shrink(v: KernelView) -> None:
    """Queue the shrink work of the oldest pool, which keeps it alive with a reference (6.1).

    The reference is taken before anybody knows whether the work was queued already.  Then it was, one run
    drops one of two references, and the pool is never released: a bug of this kernel (Z08, H-8).
    """
    pools = v[v.at.pool_list]
    if not pools or not v[v.at.pool_ref[pools[-1]]]:
        return
    last, work = pools[-1], v[v.at.shrink_work]
    v[v.at.pool_ref[last]] += 1
    if last not in work.pools:
        v[v.at.shrink_work] = evolve(work, pending=True, pools=(*work.pools, last))


def forget_pool(v: KernelView, number: int) -> None:
    """Give everything that a pool consists of back; its number is free again."""
    for ctx in v.at.acomp_ctx[number]:
        v[ctx] = AcompCtx()
    for lock in v.at.ctx_locked[number]:
        v[lock] = False
    for state in v.at.zs_class[number]:
        v[state] = None
    v[v.at.pool[number]] = None
    v[v.at.pool_ref[number]] = 0


@attrs.define
class PoolCreate612(Operation):
    """Create a pool that is on no list yet.

    compressor, zpool: names of a compressor and of an allocator that exist, or ``UNSET``.
    Value: the pool's number, or 0; then nothing is left behind.  The model keeps a fixed number of pools
    (``Sizes.pools``): with all of them alive, creation fails as for want of memory.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_pool_create(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z6", "B6")

    compressor: str
    zpool: str
    pool: int = 0
    cpu: int = 0
    """The CPU whose context comes next."""

    @step
    def alloc_pool(self, v: KernelView) -> Next:
        """Allocate the pool with its allocator; none while a parameter is unset and there was never one.

        What its parts need may have to be reclaimed first.
        """
        if not v[v.at.zswap].has_pool and UNSET in (self.compressor, self.zpool):
            return Return(0)
        number = next((p for p in range(1, len(v.at.pool)) if v[v.at.pool[p]] is None), 0)
        if not number or v.fails(choices.ALLOC_POOL):
            return Return(0)
        self.pool = number
        batch = v.cfg.batch_size(self.compressor)
        v[v.at.pool[number]] = ZswapPool(self.compressor, self.zpool, compr_batch_size=batch)
        allocator = v.cfg.allocators[self.zpool]
        for state in v.at.zs_class[number][: allocator.classes]:
            v[state] = allocator.empty
        if v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.alloc_contexts)
        return self.alloc_contexts

    @step
    def alloc_contexts(self, v: KernelView) -> Next:
        """Allocate the per-CPU area of the contexts, one for each possible CPU, empty."""
        return self.undo if v.fails(choices.ALLOC_POOL) else self.prepare_cpus

    @step
    def prepare_cpus(self, v: KernelView) -> Next:
        """Keep CPUs from coming and going until every one that is online has its context."""
        if v[v.at.hotplug_locked]:
            return Wait("the CPU that is coming or going")
        v[v.at.hotplug_locked] = True
        return self.prepare_cpu

    @step
    def prepare_cpu(self, v: KernelView) -> Next:
        """Fill the context of the next online CPU, as large as the compressor's batches (B5).

        Its memory may have to be reclaimed, with the lock held that keeps CPUs from coming and going.
        """
        self.cpu = next((cpu for cpu in v[v.at.online_cpus] if cpu >= self.cpu), v.cfg.sizes.cpus)
        if self.cpu == v.cfg.sizes.cpus:
            v[v.at.hotplug_locked] = False
            return self.init_ref
        if v.fails(choices.ALLOC_CTX):
            v[v.at.hotplug_locked] = False
            return self.undo
        reqs = live_pool(v, self.pool).compr_batch_size
        v[v.at.acomp_ctx[self.pool][self.cpu]] = AcompCtx(present=True, reqs=reqs)
        self.cpu += 1
        if v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.prepare_cpu)
        return self.prepare_cpu

    @step
    def init_ref(self, v: KernelView) -> Next:
        """Give the pool its initial reference, which it has for as long as it is the current one."""
        if v.fails(choices.ALLOC_POOL):
            return self.undo
        v[v.at.pool_ref[self.pool]] = 1
        return self.enable_key

    @step
    def enable_key(self, v: KernelView) -> Next:
        """Let loads look into zswap from now on: before anything can be stored (Z30, H-2)."""
        v[v.at.zswap] = evolve(v[v.at.zswap], ever_enabled=True)
        return Return(self.pool)

    @step
    def undo(self, v: KernelView) -> Next:
        """Give back what was allocated."""
        forget_pool(v, self.pool)
        return Return(0)


@attrs.define
class PoolCreate61(PoolCreate612):
    """Create a pool in 6.1: its reference count is a plain number, and loads ask frontswap."""

    source: ClassVar[str] = "mm/zswap.c zswap_pool_create(), Linux 6.1.192"

    @step
    def init_ref(self, v: KernelView) -> Next:
        """Give the pool its initial reference."""
        v[v.at.pool_ref[self.pool]] = 1
        return self.enable_key


@attrs.define
class SetCompressor612(Operation):
    """Write the ``compressor`` parameter: another pool becomes the current one.

    value: what is written, blanks around it are ignored.  Value: 0, or a negative errno: -ENOENT for a
    compressor that the kernel does not have, -EINVAL if no pool can be created, -ENOMEM if the name cannot
    be kept, -ENODEV if zswap could not be set up.
    """

    source: ClassVar[str] = "mm/zswap.c __zswap_param_set(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z6")

    value: str
    pool: int = 0
    former: int = 0
    """The pool that loses its initial reference."""
    error: int = 0

    @step
    def decide(self, v: KernelView) -> Next:
        """Do nothing for the same name again; before the set-up just keep the name, whatever it is."""
        self.value = self.value.strip()
        params = v[v.at.zswap]
        if params.init == "failed":
            return Return(-errno.ENODEV)
        if params.init == "uninit":
            return Return(self.write_string(v))
        return Return(0) if params.has_pool and self.value == self.parameter(v) else self.check_known

    @step
    def check_known(self, v: KernelView) -> Next:
        """Refuse a name that the kernel does not know."""
        return self.find_pool if self.is_known(v) else Return(-errno.ENOENT)

    @step
    def find_pool(self, v: KernelView) -> Next:
        """Look for a pool with the same parameters: a killed one that still has entries will do (I-16).

        It is taken off the list, so for a moment the pools' size does not count it.
        """
        pools = v[v.at.pool_list]
        for number in pools:
            pool = live_pool(v, number)
            if (pool.compressor, pool.zpool) == self.wanted(v) and v[v.at.pool_ref[number]]:
                v[v.at.pool_ref[number]] += 1
                v[v.at.pool_list] = tuple(p for p in pools if p != number)
                self.pool = number
                return self.resurrect
        compressor, zpool = self.wanted(v)
        return Call(v.ops.pool_create(compressor=compressor, zpool=zpool), self.created)

    @step
    def resurrect(self, v: KernelView) -> Next:
        """Give the pool its initial reference back and drop the one that kept it meanwhile."""
        v[v.at.pool[self.pool]] = evolve(live_pool(v, self.pool), killed=False)
        return self.write_parameter

    @step
    def created(self, v: KernelView) -> Next:
        """Go on with the pool that was created."""
        self.pool = self.result
        return self.write_parameter if self.pool else self.not_created(v)

    @step
    def write_parameter(self, v: KernelView) -> Next:
        """Keep the name."""
        self.error = self.write_string(v)
        return self.add_tail if self.error else self.add_head

    @step
    def add_head(self, v: KernelView) -> Next:
        """Make the pool the current one: stores that begin from here on use it.

        A first pool that did not become current may still be on the list, killed already.  (A kernel that
        has not taken it off yet takes it for the current one and kills it again.  That is left out.)
        """
        pools = v[v.at.pool_list]
        self.former = pools[0] if v[v.at.zswap].has_pool else 0
        v[v.at.pool_list] = (self.pool, *pools)
        v[v.at.zswap] = evolve(v[v.at.zswap], has_pool=True)
        return self.kill if self.former else Return(0)

    @step
    def add_tail(self, v: KernelView) -> Next:
        """Put the pool where nobody stores: it may have entries, and goes with the last of them."""
        self.former = self.pool
        v[v.at.pool_list] += (self.pool,)
        return self.kill

    @step
    def kill(self, v: KernelView) -> Next:
        """Drop the initial reference of the pool that was current, or of the one that did not become it."""
        v[v.at.pool[self.former]] = evolve(live_pool(v, self.former), killed=True)
        v[v.at.pool_ref[self.former]] -= 1
        return Return(self.error)

    def not_created(self, v: KernelView) -> Return:
        """Without any pool keep the name nevertheless, so that the other parameter can be put right next."""
        return Return(-errno.EINVAL if v[v.at.zswap].has_pool else self.write_string(v))

    def write_string(self, v: KernelView) -> int:
        """Keep the name as the parameter; return 0, or -ENOMEM with the former name kept."""
        if v.fails(choices.ALLOC_PARAM):
            return -errno.ENOMEM
        self.write(v)
        return 0

    def parameter(self, v: KernelView) -> str:
        """Return the present value."""
        return v[v.at.zswap].compressor

    def is_known(self, v: KernelView) -> bool:
        """Whether the kernel has the compressor."""
        return self.value in v.cfg.codecs

    def wanted(self, v: KernelView) -> tuple[str, str]:
        """Return compressor and allocator of the pool that is to be current."""
        return self.value, v[v.at.zswap].zpool

    def write(self, v: KernelView) -> None:
        """Set the parameter."""
        v[v.at.zswap] = evolve(v[v.at.zswap], compressor=self.value)


@attrs.define
class SetCompressor618(SetCompressor612):
    """Write the ``compressor`` parameter where it is the only one (6.18 and later)."""

    source: ClassVar[str] = "mm/zswap.c zswap_compressor_param_set(), Linux 7.3.4"

    def not_created(self, v: KernelView) -> Return:
        """Keep the former name: no other parameter could be to blame."""
        return Return(-errno.EINVAL)


@attrs.define
class SetZpool612(SetCompressor612):
    """Write the ``zpool`` parameter: a pool with another allocator becomes the current one.

    value: what is written.  Value: 0, or a negative errno as for the compressor.
    """

    def parameter(self, v: KernelView) -> str:
        """Return the present value."""
        return v[v.at.zswap].zpool

    def is_known(self, v: KernelView) -> bool:
        """Whether the kernel has the allocator."""
        return self.value in v.cfg.allocators

    def wanted(self, v: KernelView) -> tuple[str, str]:
        """Return compressor and allocator of the pool that is to be current."""
        return v[v.at.zswap].compressor, self.value

    def write(self, v: KernelView) -> None:
        """Set the parameter."""
        v[v.at.zswap] = evolve(v[v.at.zswap], zpool=self.value)


@attrs.define
class PoolRelease(Operation):
    """Destroy a pool whose last reference is gone; ready for every pool that ``releasable`` names.

    pool: its number, which is free for another pool afterwards.
    """

    source: ClassVar[str] = "mm/zswap.c __zswap_pool_empty(), __zswap_pool_release(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("B6",)

    pool: int

    @step
    def unlist(self, v: KernelView) -> Next:
        """Take the pool off the list, unless it is wanted again; from here on nobody finds it."""
        if self.pool not in releasable(v):
            return Return()
        v[v.at.pool_list] = tuple(p for p in v[v.at.pool_list] if p != self.pool)
        return self.wait_for_readers

    @step
    def wait_for_readers(self, v: KernelView) -> Next:
        """Wait for those who may just have found it; none of them can have got a reference."""
        ref = v[v.at.pool_ref[self.pool]]
        if ref:
            raise KernelBug(
                f"__zswap_pool_release: pool {self.pool} has {ref} references after its last one went"
            )
        return self.destroy

    @step
    def destroy(self, v: KernelView) -> Next:
        """Free contexts, allocator and pool; no CPU can come or go meanwhile."""
        if v[v.at.hotplug_locked]:
            return Wait("the CPU that is coming or going")
        pages = v[v.at.pool_pages[self.pool]]
        if pages:
            raise KernelBug(f"zswap_pool_destroy: the allocator of pool {self.pool} still has {pages} pages")
        forget_pool(v, self.pool)
        return Return()
