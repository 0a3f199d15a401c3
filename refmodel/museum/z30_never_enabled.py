"""Z30: A load is cut short by a flag that one way of enabling zswap does not set.

Loads miss at once while zswap was never enabled; a sticky flag says so. It was set only where the initial
pool is created with success. If that creation fails at boot, and an administrator then picks a compressor
that works, a pool exists, stores succeed, and every load still answers "not here": the device is read
instead. The remedy sets the flag where pools are created.
"""

import attrs

from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_pool import PoolCreate612
from refmodel.machine import Next, Return, step
from refmodel.museum.exhibit import Exhibit, do


@attrs.define
class CreatesSilently(PoolCreate612):
    """Create a pool and tell nobody that zswap was enabled."""

    @step
    def enable_key(self, v: KernelView) -> Next:
        """Leave the flag to the caller, who sets it at boot only."""
        return Return(self.pool)


SCOPE = """
[system]
enabled = false

[[thread]]
name = "task"
run = ["write(0, 0, 2)", "pageout(0, 0, 1)", "read(0, 0)"]

[[thread]]
name = "admin"
run = ["compressor(tokens)", "enabled(1)"]
"""

EXHIBIT = Exhibit(
    id="Z30",
    about=__doc__,
    source='"mm/zswap: enable zswap_ever_enabled in zswap_pool_create()" (2026), Debian 6.12.117-1',
    evidence="B",
    base="linux-6.12",
    operations={"pool_create": CreatesSilently},
    breaks=("ZS-19",),
    fixed={"initial_pool": False, "zswap_enabled": False},
    options={"set_up_at_boot": True},
    program=(
        do("set_param", name="compressor", value="symbolic"),
        do("set_param", name="enabled", value="1"),
        do("write_page", mm=0, page=0, content=1),
        do("madvise_pageout", mm=0, page=0),
        do("read_page", mm=0, page=0),
    ),
    scope=SCOPE,
    meets="PROMISE",
)
