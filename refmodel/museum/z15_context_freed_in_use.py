"""Z15: Linux 6.1: a compression context is freed under its user when its CPU goes away.

A store looks up the context of the CPU that it runs on and compresses with it; it may sleep and be moved
elsewhere meanwhile. When that CPU goes offline its callback frees the buffer, the request and even the lock,
without asking who uses them. The remedy empties the context under a lock that stays, and who finds an empty
context picks the one of the CPU that it runs on by then. It did not reach 6.1.192. Loads and writeback have the
same bug: see Z15a. Remedies that were tried before this one: Z15b to Z15d.
"""

import attrs

from refmodel.kernel.cpuhp import CpuOffline61, CpuOffline612
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress, ZswapCompress61
from refmodel.kernel.zswap_decompress import ZswapDecompress, ZswapDecompress61
from refmodel.machine import Next, step
from refmodel.museum.exhibit import Exhibit


@attrs.define
class PicksAgainToStore(ZswapCompress61):
    """Compress one page; a context that is empty once it is locked belongs to a CPU that has gone."""

    def empty_ctx(self) -> Next:
        """Pick another one."""
        return ZswapCompress.empty_ctx(self)


@attrs.define
class PicksAgainToRead(ZswapDecompress61):
    """Decompress one entry; a context that is empty once it is locked belongs to a CPU that has gone."""

    def empty_ctx(self) -> Next:
        """Pick another one."""
        return ZswapDecompress.empty_ctx(self)


@attrs.define
class WaitsForUser(CpuOffline61):
    """A CPU goes; its contexts are emptied under their locks."""

    @step
    def detach(self, v: KernelView) -> Next:
        """Empty the next pool's context when nobody uses it."""
        return CpuOffline612.detach(self, v)


REMEDY = {
    "zswap_compress": PicksAgainToStore,
    "zswap_decompress": PicksAgainToRead,
    "cpu_offline": WaitsForUser,
}

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
    id="Z15",
    about=__doc__,
    source='commit 12dcb0ef5406 "mm: zswap: properly synchronize freeing resources during CPU hotunplug" (2025)',
    evidence="A",
    base="linux-6.1",
    operations={},
    remedy=REMEDY,
    scope=SCOPE,
    meets="BUG",
)
