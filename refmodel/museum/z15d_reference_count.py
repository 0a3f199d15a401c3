"""Z15d: A context that is counted begins to count anew when its CPU comes back.

A remedy for contexts that are freed under their user: the CPU has one reference to its context, whoever uses it has
one more, and the last one to let go frees it. But when the CPU comes back the context is filled and its count is
set to one, although a task that picked it before may still have to drop a reference. That one is the last by then,
and the context of a CPU that is online is freed. The author of the remedy saw that and turned to another one.
"""

import attrs

from refmodel.kernel.cpuhp import CpuOffline612, CpuOnline612
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.machine import Next, Wait, evolve, step
from refmodel.museum.counted_ctx import count, counted, users
from refmodel.museum.exhibit import Exhibit


def put(ctx: AcompCtx) -> AcompCtx:
    """Return a context without one of its references; without the last one it is freed.

    A reference too many is dropped at the cost of the CPU's own.
    """
    left = users(ctx) + ctx.online - 1
    return evolve(counted(ctx, max(users(ctx) - 1, 0)), present=left > 0, online=ctx.online and left > 0)


@attrs.define
class TakesReference(ZswapCompress):
    """Compress one page with a reference to the context."""

    @step
    def pick_ctx(self, v: KernelView) -> Next:
        """Pick the context of the CPU that the task runs on, and take a reference unless there is none left."""
        ZswapCompress.pick_ctx(self, v)
        ctx = v[v.at.acomp_ctx[self.pool][self.cpu]]
        if not users(ctx) + (ctx.present and ctx.online):
            return self.pick_ctx
        count(v, self.pool, self.cpu, +1)
        return self.lock_ctx

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context, which the reference keeps."""
        lock = v.at.ctx_locked[self.pool][self.cpu]
        if v[lock]:
            return Wait(f"the compression context of CPU {self.cpu}")
        if not v[v.at.acomp_ctx[self.pool][self.cpu]].present:
            raise LookupError(f"the compression context of CPU {self.cpu}: used after it was freed")
        v[lock] = True
        return self.run_compressor

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """Unlock the context and drop the reference."""
        self.drop(v)
        return ZswapCompress.unlock_ctx(self, v)

    @step
    def fail(self, v: KernelView) -> Next:
        """Unlock the context, drop the reference and refuse the page."""
        self.drop(v)
        return ZswapCompress.fail(self, v)

    def drop(self, v: KernelView) -> None:
        """Drop the reference."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        v[place] = put(v[place])


@attrs.define
class CountsAnew(CpuOnline612):
    """A CPU comes; its contexts have one reference each."""

    @step
    def publish(self, v: KernelView) -> Next:
        """Fill the context and begin to count."""
        pool = self.pools[self.done]
        v[v.at.acomp_ctx[pool][self.cpu]] = AcompCtx(present=True)
        self.done += 1
        return self.allocate


@attrs.define
class DropsReference(CpuOffline612):
    """A CPU goes; its contexts go with their last user."""

    @step
    def detach(self, v: KernelView) -> Next:
        """Drop the CPU's own reference to the next pool's context."""
        if not self.pools:
            return self.end
        place = v.at.acomp_ctx[self.pools[0]][self.cpu]
        v[place] = put(v[place])
        self.pools = self.pools[1:]
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
run = ["cpu_offline(0)", "cpu_online(0)"]
"""

EXHIBIT = Exhibit(
    id="Z15d",
    about=__doc__,
    source='patch v2 2/2 "mm: zswap: disable migration while using per-CPU acomp_ctx" (Yosry Ahmed, January 2025)',
    evidence="A",
    base="linux-6.12",
    operations={"zswap_compress": TakesReference, "cpu_online": CountsAnew, "cpu_offline": DropsReference},
    scope=SCOPE,
    meets="CTX",
)
