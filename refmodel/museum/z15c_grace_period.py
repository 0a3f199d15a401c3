"""Z15c: A CPU that goes waits for readers with a timer of its own.

A remedy for contexts that are freed under their user: whoever uses one is in a sleepable RCU section, and a CPU that
goes waits for all such sections to end before it frees its contexts. But these grace periods are driven by timers,
and one may stand on the very CPU that goes: it fires when the CPU is gone, and the CPU is not gone before its
callbacks are through. So the documentation of RCU forbids to wait for one there, and the remedy was dropped.
"""

import attrs

from refmodel.kernel.cpuhp import CpuOffline612
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.machine import Next, Wait, step
from refmodel.museum.counted_ctx import count, users
from refmodel.museum.exhibit import Exhibit


@attrs.define
class ReadsUnderSrcu(ZswapCompress):
    """Compress one page inside a section that a CPU that goes waits for."""

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Enter the section and pick the context of the CPU that the task runs on."""
        ZswapCompress.pick_ctx(self, v)
        count(v, self.pool, self.cpu, +1)
        return self.lock_ctx

    def empty_ctx(self) -> Next:
        """Use what is in the context: it cannot have been freed."""
        raise LookupError(f"the compression context of CPU {self.cpu}: used after it was freed")

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context and leave the section."""
        count(v, self.pool, self.cpu, -1)
        return ZswapCompress.unlock_ctx(self, v)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context, leave the section and refuse the page."""
        count(v, self.pool, self.cpu, -1)
        return ZswapCompress.fail(self, v)


@attrs.define
class WaitsForGracePeriod(CpuOffline612):
    """A CPU goes; its contexts are freed after a grace period."""

    timer: int = -1
    """The CPU whose timer ends the grace period."""

    @step
    def go_down(self, v: KernelView) -> Next:
        """Move the tasks elsewhere, but not the timers; the one of the grace period may be on any CPU."""
        self.timer = current_cpu(v)
        CpuOffline612.go_down(self, v)
        return self.synchronize

    @step
    def synchronize(self, v: KernelView) -> Next:
        """Wait for everybody who may have picked a context of this CPU."""
        if self.timer == self.cpu:
            return Wait(f"a timer of CPU {self.cpu}, which does not fire before the CPU is gone")
        if any(users(v[v.at.acomp_ctx[pool][self.cpu]]) for pool in self.pools):
            return Wait(f"the readers of the compression contexts of CPU {self.cpu}")
        return self.detach


SCOPE = """
[system]
cpus = 2

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)"]

[[thread]]
name = "admin"
run = ["cpu_offline(0)"]
"""

EXHIBIT = Exhibit(
    id="Z15c",
    about=__doc__,
    source=(
        'patch v2 2/2 "mm: zswap: disable migration while using per-CPU acomp_ctx" (Yosry Ahmed, January 2025); '
        "Documentation/RCU/Design/Requirements/Requirements.rst"
    ),
    evidence="A",
    base="linux-6.12",
    operations={"zswap_compress": ReadsUnderSrcu, "cpu_offline": WaitsForGracePeriod},
    scope=SCOPE,
    meets="PROGRESS",
)
