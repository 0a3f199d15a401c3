"""The queues under zswap: a batch of its pages as jobs of the device (I8).

A pool whose compressor is the device's compresses through the queues; every other pool as without devices.

Source: crypto_acomp_compress() and the driver under it, zswap compression batching v8, v9, v13 and v14.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.acomp import AcompChained, AcompCompress, AcompParallel, Job, codec_of
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import DeflateIaa, Symbolic
from refmodel.machine import Call, Next, Return, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ThroughQueues(AcompCompress):
    """Compress pages through the queues of devices."""

    @step
    def hand_over(self, v: KernelView) -> Next:
        """Hand the pages to the driver: a single one is waited for in place, several are polled."""
        self.check(v)
        req = request_of(v, self.pool, self.cpu)
        if len(self.contents) == 1:
            page = self.contents[0]
            return Call(v.ops.iaa_job(cpu=self.cpu, op="compress", data=page, req=req), self.take_one)
        batch = v.ops.iaa_batch(
            cpu=self.cpu,
            op="compress",
            contents=self.contents,
            lengths_in=(PAGE_SIZE,) * len(self.contents),
            req=req,
        )
        return Call(batch, self.take)

    @step
    def take_one(self, v: KernelView) -> Next:
        """Put the result into the buffer."""
        self.returns(v, self.result.error)
        return Return((self.complete(v, 0, Job(self.result.dlen, self.result.out)),))

    @step
    def take(self, v: KernelView) -> Next:
        """Put each result into its buffer, and hand on what the driver says of the batch (IAA-41)."""
        results = zip(self.result.lengths, self.result.outs, strict=True)
        self.returns(v, self.result.error)
        return Return(tuple([self.complete(v, k, Job(*each)) for k, each in enumerate(results)]))


def offloads(v: KernelView, pool: int) -> bool:
    """Whether the compressor of a pool is the device's; one of tokens stands for it."""
    return isinstance(codec_of(v, pool), DeflateIaa | Symbolic)


def request_of(v: KernelView, pool: int, cpu: int) -> int:
    """Return the number of the request of a compression context."""
    return pool * v.cfg.sizes.cpus + cpu


@attrs.define
class AcompIaa(ThroughQueues, AcompParallel):
    """Compress pages: with the device's compressor through its queues."""

    source: ClassVar[str] = (
        "iaa_comp_acompress_batch(), zswap compression batching v9; the driver of v13 and v14"
    )
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A6", "I8")
    first: ClassVar[str] = "begin"

    @step
    def begin(self, v: KernelView) -> Next:
        """Go through the queues if the compressor is the device's."""
        return self.hand_over if offloads(v, self.pool) else self.submit


@attrs.define
class AcompIaaChained(ThroughQueues, AcompChained):
    """Compress pages whose requests are chained: with the device's compressor through its queues."""

    source: ClassVar[str] = "crypto_acomp_compress(), zswap compression batching v8"
    requirements: ClassVar[tuple[str, ...]] = ("A1", "A4", "I8")
    first: ClassVar[str] = "begin"

    @step
    def begin(self, v: KernelView) -> Next:
        """Go through the queues if the compressor is the device's."""
        return self.hand_over if offloads(v, self.pool) else self.call
