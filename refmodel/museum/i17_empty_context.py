"""I-17: A store uses the context of a CPU that has gone.

A store picks the context of the CPU that it runs on, and may be moved to another one before it has locked it.
If the first CPU goes offline then, its contexts are emptied under their locks; the lock itself stays, so the
store can still take it. It has to look whether there is anything in the context, and pick the one of its present
CPU if not.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.machine import Next, Wait, evolve, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class TakesWhatItLocked(ZswapCompress):
    """Compress one page with the context that was picked first."""

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context and use what is in it."""
        place = v.at.acomp_ctx[self.pool][self.cpu]
        ctx = v[place]
        if ctx.locked:
            return Wait(f"the compression context of CPU {self.cpu}")
        if not ctx.present:
            raise LookupError(f"the compression context of CPU {self.cpu}: used after it was freed")
        v[place] = evolve(ctx, locked=True)
        return self.run_compressor


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
    id="I-17",
    about=__doc__,
    source="acomp_ctx_get_cpu_lock(), mm/zswap.c 6.12.117",
    evidence="B",
    base="linux-6.12",
    operations={"zswap_compress": TakesWhatItLocked},
    scope=SCOPE,
    meets="LIVE",
)
