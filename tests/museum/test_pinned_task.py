"""A remedy of Z15 that nothing is wrong with in the model: a task stays on its CPU while it uses a context."""

from __future__ import annotations

import attrs
import pytest

from refmodel.kernel.cpuhp import CpuOffline612
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.machine import Next, Wait, step
from refmodel.museum import exhibit
from refmodel.museum.counted_ctx import count, users
from refmodel.profiles import profile
from refmodel.report.hunt import explore_exhibit


@attrs.define
class StaysOnCpu(ZswapCompress):
    """Compress one page; the task cannot be moved between picking a context and letting it go."""

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Stay on this CPU from here on, and pick its context."""
        ZswapCompress.pick_ctx(self, v)
        count(v, self.pool, self.cpu, +1)
        return self.lock_ctx

    def empty_ctx(self) -> Next:
        """Use what is in the context: its CPU cannot have gone."""
        raise LookupError(f"the compression context of CPU {self.cpu}: used after it was freed")

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context; the task may be moved again."""
        count(v, self.pool, self.cpu, -1)
        return ZswapCompress.unlock_ctx(self, v)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context and refuse the page; the task may be moved again."""
        count(v, self.pool, self.cpu, -1)
        return ZswapCompress.fail(self, v)


@attrs.define
class MovesEverybody(CpuOffline612):
    """A CPU goes when every task has left it."""

    @step
    def go_down(self, v: KernelView) -> Next:
        """Wait for the tasks that stay."""
        if any(users(v[row[self.cpu]]) for row in v.at.acomp_ctx):
            return Wait(f"the tasks that stay on CPU {self.cpu}")
        return CpuOffline612.go_down(self, v)

    @step
    def detach(self, v: KernelView) -> Next:
        """Empty the contexts, which nobody uses, without a look at their locks."""
        for pool in self.pools:
            if v[v.at.ctx_locked[pool][self.cpu]]:
                raise LookupError(f"the compression context of CPU {self.cpu}: freed while it is used")
        return CpuOffline612.detach(self, v)


@pytest.mark.parametrize("id", ["Z15b", "Z15c", "Z15d"])
def test_a_task_that_stays_on_its_cpu_uses_nothing_that_was_freed(id: str) -> None:
    """Where the other three remedies fail this one holds; it was withdrawn for what it costs the scheduler."""
    pinned = profile("linux-6.12").with_operations(
        "linux-6.12+pinned", "Tasks stay", zswap_compress=StaysOnCpu, cpu_offline=MovesEverybody
    )
    found = explore_exhibit(exhibit(id), pinned)

    assert (found.verdict, found.unjudged) == ("holds", ())
