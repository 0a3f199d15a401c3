"""I-17: A store or a load uses the context of a CPU that has gone.

Who compresses or decompresses picks the context of the CPU that it runs on, and may be moved to another one before
it has locked it. If the first CPU goes offline then, its contexts are emptied under their locks; the lock itself
stays, so it can still be taken. It has to be looked whether there is anything in the context, and the one of the
present CPU has to be picked if not. The author of the remedy thought for a while that the lock alone would do.
"""

import attrs

from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.kernel.zswap_decompress import ZswapDecompress
from refmodel.machine import Next
from refmodel.museum.exhibit import Exhibit


@attrs.define
class StoresWithWhatItLocked(ZswapCompress):
    """Compress one page with the context that was picked first."""

    def empty_ctx(self) -> Next:
        """Use what is in the context."""
        raise LookupError(f"the compression context of CPU {self.cpu}: used after it was freed")


@attrs.define
class ReadsWithWhatItLocked(ZswapDecompress):
    """Decompress one entry with the context that was picked first."""

    def empty_ctx(self) -> Next:
        """Use what is in the context."""
        raise LookupError(f"the compression context of CPU {self.cpu}: used after it was freed")


SCOPE = """
[system]
cpus = 2

[initial]
run = ["write(0, 0, 2)"]

[[thread]]
name = "task"
run = ["pageout(0, 0, 1)", "read(0, 0)"]

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
    operations={"zswap_compress": StoresWithWhatItLocked, "zswap_decompress": ReadsWithWhatItLocked},
    scope=SCOPE,
    meets="LIVE",
)
