"""Who uses a compression context in v4 of the batching series: nobody asks whether it is still there (mm/zswap.c).

The repair of the released kernels is younger: a context is freed with its CPU (``CpuOfflineV4``) whoever has picked
it, waits for its lock or works with it (Z15).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.cpuhp import batch_size
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.kernel.zswap_compress_pages import ZswapCompressPages, lock_context
from refmodel.kernel.zswap_decompress import ZswapDecompress618
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Next, Wait, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def check_present(v: KernelView, pool: int, cpu: int) -> None:
    """Raise LookupError where a context is used that was freed with its CPU."""
    if not v[v.at.acomp_ctx[pool][cpu]].present:
        raise LookupError(f"the compression context of CPU {cpu} in pool {pool}: used after it was freed")


@attrs.define
class ZswapCompressV4(ZswapCompress):
    """Compress one page with the first request of the context of the picked CPU (v4)."""

    source: ClassVar[str] = "zswap_compress(), zswap compression batching v4 09/10"

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context; its lock outlives what it protects."""
        check_present(v, self.pool, self.cpu)
        return ZswapCompress.lock_ctx(self, v)

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Run the compressor with the context, unless that was freed under its user."""
        check_present(v, self.pool, self.cpu)
        return ZswapCompress.run_compressor(self, v)


@attrs.define
class ZswapDecompressV4(ZswapDecompress618):
    """Decompress an entry with the first request of the context of the picked CPU (v4)."""

    source: ClassVar[str] = "zswap_decompress(), zswap compression batching v4 09/10"

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context; its lock outlives what it protects."""
        check_present(v, self.pool, self.cpu)
        return ZswapDecompress618.lock_ctx(self, v)

    @step
    def run_decompressor(self, v: KernelView) -> Next:
        """Fill the page with the context, unless that was freed under its user."""
        check_present(v, self.pool, self.cpu)
        return ZswapDecompress618.run_decompressor(self, v)


@attrs.define
class ZswapCompressPagesV4(ZswapCompressPages):
    """Compress a batch with the requests of the context of the picked CPU (v4).

    That the pool has batches was asked before, and of the pool (A2).
    """

    source: ClassVar[str] = "zswap_batch_compress(), zswap compression batching v4 10/10"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A2")

    @step
    def lock_ctx(self, v: KernelView) -> Next:
        """Lock the context and stop unless it has requests for a whole batch (BUG_ON).

        It has none when its CPU has gone after it was picked (B06).
        """
        taken = lock_context(v, self.pool, self.cpu)
        if isinstance(taken, Wait):
            return taken
        reqs = v[v.at.acomp_ctx[self.pool][self.cpu]].reqs if taken else 0
        if reqs != batch_size(v, self.pool):
            raise KernelBug(
                f"zswap_batch_compress: the context of CPU {self.cpu} has {reqs} requests; "
                f"expected {batch_size(v, self.pool)}"
            )
        return self.call

    @step
    def copy(self, v: KernelView) -> Next:
        """Copy the bytes of the next page out of its buffer, unless that was freed under its user."""
        check_present(v, self.pool, self.cpu)
        return ZswapCompressPages.copy(self, v)
