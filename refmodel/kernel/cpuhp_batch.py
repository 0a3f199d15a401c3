"""CPUs that come and go under the zswap compression batching series (mm/zswap.c).

v4 frees the contexts of a CPU without asking who uses them.  v6 stands on the repair of the released kernels and
is as 6.18.  v8 frees nothing and only marks the contexts of a CPU that has gone.  From v9 on a CPU that goes tells
zswap nothing; v9 to v12 tell it nothing of a CPU that comes, either.  v13 and v14 are as 7.3 (B6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.cpuhp import CpuOffline618, CpuOnline73, CpuOnline612, batch_size
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import Next, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class CpuOnlineV4(CpuOnline612):
    """A CPU comes: each pool gets a context for it first, with requests and buffers for a whole batch (v4).

    Whether a pool has batches is one flag, which every CPU that comes sets or clears anew (A2, B06).
    """

    source: ClassVar[str] = "zswap_cpu_comp_prepare(), zswap compression batching v4 09/10"
    requirements: ClassVar[tuple[str, ...]] = ("B6", "A2")

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate what the next pool's context needs; without memory the pool counts as one without batches.

        That holds for all its CPUs, although the contexts of the others have what they need: a task that moves
        between CPUs finds either kind usable.
        """
        if self.done == len(self.pools):
            return self.come_up
        if not v.fails(choices.ALLOC_CTX):
            return self.publish
        pool = self.pools[self.done]
        v[v.at.pool[pool]] = evolve(live_pool(v, pool), compr_batch_size=1)
        return self.roll_back

    @step
    def publish(self, v: KernelView) -> Next:
        """Fill the context and make its lock anew, whoever holds that; the pool has batches if its compressor has.

        A task that picked the context before the CPU went may hold the lock still (Z15).
        """
        pool = self.pools[self.done]
        size = batch_size(v, pool)
        v[v.at.acomp_ctx[pool][self.cpu]] = AcompCtx(present=True, reqs=size)
        v[v.at.ctx_locked[pool][self.cpu]] = False
        v[v.at.pool[pool]] = evolve(live_pool(v, pool), compr_batch_size=size)
        self.done += 1
        return self.allocate


@attrs.define
class CpuOfflineV4(CpuOffline618):
    """A CPU goes; its contexts are freed even while somebody uses one (v4, Z15)."""

    source: ClassVar[str] = "zswap_cpu_comp_dead(), zswap compression batching v4 09/10"

    @step
    def detach(self, v: KernelView) -> Next:
        """Free requests and buffers of the next pool's context without taking its lock."""
        if not self.pools:
            return self.end
        place = v.at.acomp_ctx[self.pools[0]][self.cpu]
        v[place] = evolve(v[place], present=False)
        self.pools = self.pools[1:]
        return self.detach


@attrs.define
class CpuOnlineV8(CpuOnline73):
    """A CPU comes; a context that it had before is marked as its own again (v8)."""

    source: ClassVar[str] = "zswap_cpu_comp_prepare(), zswap compression batching v8 12/14"

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate the next pool's context; one that is there needs its mark only, for which no lock is taken."""
        if self.done == len(self.pools):
            return self.come_up
        place = v.at.acomp_ctx[self.pools[self.done]][self.cpu]
        if v[place].present:
            v[place] = evolve(v[place], online=True)
            self.done += 1
            return self.allocate
        return self.roll_back if v.fails(choices.ALLOC_CTX) else self.publish

    @step
    def roll_back(self, v: KernelView) -> Next:
        """Mark the contexts of the pools that were first as left; the CPU stays away."""
        if not self.done:
            return self.fail
        if v[v.at.ctx_locked[self.pools[self.done - 1]][self.cpu]]:
            return Wait(f"the compression context of CPU {self.cpu}")
        place = v.at.acomp_ctx[self.pools[self.done - 1]][self.cpu]
        v[place] = evolve(v[place], online=False)
        self.done -= 1
        return self.roll_back


@attrs.define
class CpuOfflineV8(CpuOffline618):
    """A CPU goes; its contexts stay, marked as left, and go with their pool (v8)."""

    source: ClassVar[str] = "zswap_cpu_comp_dead(), zswap compression batching v8 12/14"

    @step
    def detach(self, v: KernelView) -> Next:
        """Mark the next pool's context as left, under its lock: wait for whoever compresses with it.

        Nothing is freed, so there is nothing to protect; reviewers asked for what v9 does instead.
        """
        if not self.pools:
            return self.end
        if v[v.at.ctx_locked[self.pools[0]][self.cpu]]:
            return Wait(f"the compression context of CPU {self.cpu}")
        place = v.at.acomp_ctx[self.pools[0]][self.cpu]
        v[place] = evolve(v[place], online=False)
        self.pools = self.pools[1:]
        return self.detach


@attrs.define
class CpuOnlineV9(CpuOnline73):
    """A CPU comes, and no pool hears of it (v9 to v12, HB-6).

    A pool is told of CPUs while it is created only: it registers, which fills the contexts of those that are
    online, and takes itself off again at once, so that no CPU fills a context of a pool that is being destroyed.
    The instant between the two, in which a CPU could still come in time, is left out.
    """

    source: ClassVar[str] = "zswap_pool_create(), zswap compression batching v9 15/19"

    @step
    def prepare(self, v: KernelView) -> Next:
        """There is nobody to tell: a context that the CPU had is there still, one that it never had is not made."""
        return self.come_up
