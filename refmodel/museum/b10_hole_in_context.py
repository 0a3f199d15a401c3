"""B10: A context of a batching compressor is published with a hole.

A context is built in parts: an array of buffers, each buffer, an array of requests, each request. One of them
cannot be allocated, nobody looks, and the pool is made with a context that ends in nothing. It serves single pages
for as long as nobody asks for more; the first batch uses a request that is not there. The remedy builds all or
nothing: whatever fails, what there is is given back, and the pool or the CPU does without.
"""

import attrs

from refmodel.kernel import choices
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_pool import PoolCreate612, live_pool
from refmodel.machine import Next, Wait, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class IgnoresFailure(PoolCreate612):
    """Create a pool whose contexts have as many requests as could be had before one failed."""

    @step
    def prepare_cpus(self, v: KernelView) -> Next:
        """Fill the context of every online CPU, request by request."""
        if v[v.at.hotplug_locked]:
            return Wait("the CPU that is coming or going")
        size = live_pool(v, self.pool).compr_batch_size
        for cpu in v[v.at.online_cpus]:
            reqs = next((k for k in range(size) if v.fails(choices.ALLOC_CTX)), size)
            v[v.at.acomp_ctx[self.pool][cpu]] = AcompCtx(present=True, reqs=reqs)
        return self.init_ref


SCOPE = """
[system]
pages = 4
max_order = 2
slots = 8
entries = 4
objects = 4
folios = 6
totalram_pages = 200
max_batch = 2
batch = 2

[initial]
run = ["thp(2, 1)", "write(0, 0, 2)"]

[[thread]]
name = "admin"
run = ["compressor(tokens-2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 4)"]

[environment]
faults = ["alloc_ctx"]
"""

EXHIBIT = Exhibit(
    id="B10",
    about=__doc__,
    source="zswap_create_acomp_ctx(), changelog v2 to v3 of zswap compression batching",
    evidence="B",
    base="batching-v9",
    operations={"pool_create": IgnoresFailure},
    scope=SCOPE,
    meets="BUG",
)
