"""Z15b: A compression holds the CPU hotplug lock, and a CPU that comes reclaims.

The first remedy for contexts that are freed under their user: whoever uses one holds the CPU hotplug lock for
reading, so no CPU can go meanwhile. But who holds that lock may run short of memory and enter reclaim, which stores
a page. Here a CPU comes: its coming holds the lock for writing, allocates the contexts of the CPU, reclaims for
them, and the store waits for the lock of its own caller. It was merged, reported by a checker of locks within
weeks, and reverted.
"""

import attrs

from refmodel.kernel import choices
from refmodel.kernel.cpuhp import CpuOffline612, CpuOnline612
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.machine import Call, Next, Wait, step
from refmodel.museum.counted_ctx import count, in_use
from refmodel.museum.exhibit import Exhibit


@attrs.define
class ReclaimsForContext(CpuOnline612):
    """A CPU comes; what its contexts need may have to be reclaimed."""

    @step
    def allocate(self, v: KernelView) -> Next:
        """Reclaim if memory is short."""
        if self.done < len(self.pools) and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.allocate_at_last)
        return self.allocate_at_last

    @step
    def allocate_at_last(self, v: KernelView) -> Next:
        """Allocate what the next pool's context needs."""
        return CpuOnline612.allocate(self, v)


@attrs.define
class ComesAlone(ReclaimsForContext):
    """A CPU comes when nobody holds the hotplug lock."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Wait for those who compress, then keep everybody out."""
        return Wait("the tasks that compress") if in_use(v) else CpuOnline612.begin(self, v)


@attrs.define
class GoesAlone(CpuOffline612):
    """A CPU goes when nobody holds the hotplug lock."""

    @step
    def begin(self, v: KernelView) -> Next:
        """Wait for those who compress, then keep everybody out."""
        return Wait("the tasks that compress") if in_use(v) else CpuOffline612.begin(self, v)


@attrs.define
class HoldsHotplugLock(ZswapCompress):
    """Compress one page, with the hotplug lock held for reading from the choice of a context to the end."""

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Take the hotplug lock, then pick the context of the CPU that the task runs on."""
        if v[v.at.hotplug_locked]:
            return Wait("the CPU that is coming or going")
        ZswapCompress.pick_ctx(self, v)
        count(v, self.pool, self.cpu, +1)
        return self.lock_ctx

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context and the hotplug lock."""
        count(v, self.pool, self.cpu, -1)
        return ZswapCompress.unlock_ctx(self, v)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context and the hotplug lock, and refuse the page."""
        count(v, self.pool, self.cpu, -1)
        return ZswapCompress.fail(self, v)


SCOPE = """
[system]
cpus = 2

[initial]
run = ["write(0, 0, 2)", "cpu_offline(1)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "admin"
run = ["cpu_online(1)", "cpu_offline(0)"]

[environment]
faults = ["reclaim"]
"""

EXHIBIT = Exhibit(
    id="Z15b",
    about=__doc__,
    source=(
        'commit eaebeb93922c "mm: zswap: fix race between [de]compression and CPU hotunplug" (December 2024) and '
        "its revert (January 2025)"
    ),
    evidence="A",
    base="linux-6.12",
    ground={"cpu_online": ReclaimsForContext},
    operations={"zswap_compress": HoldsHotplugLock, "cpu_online": ComesAlone, "cpu_offline": GoesAlone},
    scope=SCOPE,
    meets="PROGRESS",
)
