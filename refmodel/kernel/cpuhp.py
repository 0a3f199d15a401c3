"""CPUs that come and go, and their compression contexts (mm/zswap.c, kernel/cpu.c).

Every pool has a context for every CPU.  Who compresses looks up the context of the CPU that it runs on and
may be moved elsewhere before it has locked it; what a CPU that goes away does with its contexts must allow
for that.  At least one CPU stays.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.state import AcompCtx
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def registered_pools(v: KernelView) -> tuple[int, ...]:
    """Return the pools that are told of CPUs: those of zswap that have filled contexts.

    Zram's streams stay: that they come and go with CPUs, too, is left out.
    """
    contexts = enumerate(v.at.acomp_ctx[1:], 1)
    return tuple(pool for pool, row in contexts if any(v[place].present for place in row))


def batch_size(v: KernelView, pool: int) -> int:
    """Return for how many pages a context of a pool has requests and buffers."""
    record = v[v.at.pool[pool]]
    assert record is not None
    return v.cfg.batch_size(record.compressor)


@attrs.define
class CpuOnline612(Operation):
    """A CPU comes: each pool gets a context for it first, or it does not come.

    cpu: its number.  Value: 0, or -ENOMEM with the CPU offline and nothing left behind.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_cpu_comp_prepare(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("B6",)

    cpu: int
    pools: tuple[int, ...] = ()
    done: int = 0
    """Pools that have their context."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Keep everybody else from changing the set of CPUs and of pools."""
        if v[v.at.hotplug_locked]:
            return Wait("the CPU that is coming or going")
        if self.cpu in v[v.at.online_cpus]:
            return Return(0)
        v[v.at.hotplug_locked] = True
        return self.prepare

    @step
    def prepare(self, v: KernelView) -> Next:
        """Look which pools there are."""
        self.pools = registered_pools(v)
        return self.allocate

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate what the next pool's context needs, without its lock: that may enter reclaim (Z16)."""
        if self.done == len(self.pools):
            return self.come_up
        if v.fails(choices.ALLOC_CTX):
            return self.roll_back
        return Call(v.ops.direct_reclaim(), self.publish) if v.fails(choices.RECLAIM) else self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Put them into the context, under its lock."""
        pool = self.pools[self.done]
        if v[v.at.ctx_locked[pool][self.cpu]]:
            return Wait(f"the compression context of CPU {self.cpu}")
        place = v.at.acomp_ctx[pool][self.cpu]
        v[place] = evolve(v[place], present=True, reqs=batch_size(v, pool))
        self.done += 1
        return self.allocate

    @step
    def come_up(self, v: KernelView) -> Next:
        """Let tasks run on the CPU."""
        v[v.at.online_cpus] = tuple(sorted((*v[v.at.online_cpus], self.cpu)))
        v[v.at.hotplug_locked] = False
        return Return(0)

    @step
    def roll_back(self, v: KernelView) -> Next:
        """Free the contexts of the pools that were first; the CPU stays away."""
        for pool in self.pools[: self.done]:
            place = v.at.acomp_ctx[pool][self.cpu]
            v[place] = evolve(v[place], present=False)
        return self.fail

    @step
    def fail(self, v: KernelView) -> Next:
        """Answer that there was no memory."""
        v[v.at.hotplug_locked] = False
        return Return(-errno.ENOMEM)


@attrs.define
class CpuOnline73(CpuOnline612):
    """A CPU comes; a context that it had before is still there (7.3).

    Contexts live as long as their pool, so nothing is rolled back either.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_cpu_comp_prepare(), Linux 7.3.4"

    @step
    def allocate(self, v: KernelView) -> Next:
        """Allocate the next pool's context, unless it is there; that may enter reclaim."""
        if self.done == len(self.pools):
            return self.come_up
        if v[v.at.acomp_ctx[self.pools[self.done]][self.cpu]].present:
            self.done += 1
            return self.allocate
        if v.fails(choices.ALLOC_CTX):
            return self.fail
        return Call(v.ops.direct_reclaim(), self.publish) if v.fails(choices.RECLAIM) else self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Fill the context; nobody can use it before the CPU is up."""
        pool = self.pools[self.done]
        v[v.at.acomp_ctx[pool][self.cpu]] = AcompCtx(present=True, reqs=batch_size(v, pool))
        self.done += 1
        return self.allocate


@attrs.define
class CpuOnline61(CpuOnline612):
    """A CPU comes: first its buffer, which all pools share, then each pool's context (6.1)."""

    source: ClassVar[str] = "mm/zswap.c zswap_dstmem_prepare(), zswap_cpu_comp_prepare(), Linux 6.1.192"

    @step
    def prepare(self, v: KernelView) -> Next:
        """Allocate the buffer that compressed bytes go to, and its lock; then look which pools there are."""
        if v.fails(choices.ALLOC_CTX):
            return self.fail
        self.pools = registered_pools(v)
        return self.allocate

    @step
    def publish(self, v: KernelView) -> Next:
        """Fill the context; nothing synchronises that with users."""
        place = v.at.acomp_ctx[self.pools[self.done]][self.cpu]
        v[place] = evolve(v[place], present=True)
        self.done += 1
        return self.allocate


@attrs.define
class CpuOffline612(Operation):
    """A CPU goes: the slots that it had freed go back to the device, its contexts are freed.

    cpu: its number.  Value: 0, or -EBUSY for the last one.
    """

    source: ClassVar[str] = (
        "mm/zswap.c zswap_cpu_comp_dead(), mm/swap_slots.c free_slot_cache(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("B6",)

    cpu: int
    pools: tuple[int, ...] = ()

    @step
    def begin(self, v: KernelView) -> Next:
        """Refuse to take the last CPU away; keep others from changing the set of CPUs and of pools."""
        if v[v.at.hotplug_locked]:
            return Wait("the CPU that is coming or going")
        online = v[v.at.online_cpus]
        if self.cpu not in online:
            return Return(0)
        if len(online) == 1:
            return Return(-errno.EBUSY)
        v[v.at.hotplug_locked] = True
        return self.drain_slots

    @step
    def drain_slots(self, v: KernelView) -> Next:
        """Flush the CPU's cache of freed slots: nobody else looks into it."""
        return Call(v.ops.drain_slot_cache(cpu=self.cpu), self.go_down)

    @step
    def go_down(self, v: KernelView) -> Next:
        """Move the tasks elsewhere; one may still be about to lock a context of this CPU (Z15, I-17)."""
        self.leave(v)
        self.pools = registered_pools(v)
        return self.detach

    @step
    def detach(self, v: KernelView) -> Next:
        """Empty the next pool's context under its lock; what was in it is freed afterwards."""
        if not self.pools:
            return self.end
        if v[v.at.ctx_locked[self.pools[0]][self.cpu]]:
            return Wait(f"the compression context of CPU {self.cpu}")
        place = v.at.acomp_ctx[self.pools[0]][self.cpu]
        v[place] = evolve(v[place], present=False)
        self.pools = self.pools[1:]
        return self.detach

    @step
    def end(self, v: KernelView) -> Next:
        """The CPU is gone."""
        v[v.at.hotplug_locked] = False
        return Return(0)

    def leave(self, v: KernelView) -> None:
        """Take the CPU out of those that run tasks."""
        v[v.at.online_cpus] = tuple(cpu for cpu in v[v.at.online_cpus] if cpu != self.cpu)


@attrs.define
class CpuOffline618(CpuOffline612):
    """A CPU goes where freed slots are free at once (6.18)."""

    source: ClassVar[str] = "mm/zswap.c zswap_cpu_comp_dead(), Linux 6.18.15"

    @step
    def drain_slots(self, v: KernelView) -> Next:
        """There is no cache of freed slots."""
        return self.go_down


@attrs.define
class CpuOffline73(CpuOffline618):
    """A CPU goes and leaves its contexts: zswap is not told (7.3)."""

    source: ClassVar[str] = "mm/zswap.c zswap_setup(), Linux 7.3.4"

    @step
    def go_down(self, v: KernelView) -> Next:
        """Move the tasks elsewhere; one that has looked up a context of this CPU can use it safely."""
        self.leave(v)
        return self.end


@attrs.define
class CpuOffline61(CpuOffline612):
    """A CPU goes; its contexts are freed even while somebody uses one (6.1)."""

    source: ClassVar[str] = (
        "mm/zswap.c zswap_cpu_comp_dead(), mm/swap_slots.c free_slot_cache(), Linux 6.1.192"
    )

    @step
    def detach(self, v: KernelView) -> Next:
        """Free the next pool's context without asking who uses it."""
        if not self.pools:
            return self.end
        place = v.at.acomp_ctx[self.pools[0]][self.cpu]
        v[place] = evolve(v[place], present=False)
        self.pools = self.pools[1:]
        return self.detach
