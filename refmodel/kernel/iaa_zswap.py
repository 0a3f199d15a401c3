"""The queues under zswap, page by page: what is loaded or written back, and in mainline what is stored.

A pool whose compressor is the device's has its pages compressed and decompressed by jobs; every other pool is as
without devices.  What becomes of a job that the device does not do is the driver's affair, what becomes of an error is
zswap's.

Source: zswap_compress() and zswap_decompress(), mm/zswap.c, Linux 6.12.117 and 7.3.4, batching v8 to v14.
"""

from __future__ import annotations

from errno import ENODEV
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.crypto import Compressed, CompressError
from refmodel.kernel.folio import live_folio
from refmodel.kernel.iaa_acomp import offloads, request_of
from refmodel.kernel.iaa_job import JobResult
from refmodel.kernel.zswap_compress import ZswapCompress, ZswapCompress73
from refmodel.kernel.zswap_decompress import (
    ZswapDecompress,
    ZswapDecompress73,
    ZswapDecompress618,
    is_raw,
)
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

DAMAGED = "no stream"
"""In place of stored bytes that are no result of a compressor: neither a device nor software makes a page of them."""


# --- compression ---------------------------------------------------------------------------------------------


@attrs.define
class CompressOnDevice(ZswapCompress):
    """Compress one page of a folio with a job of the device."""

    requirements: ClassVar[tuple[str, ...]] = ("B2", "Z5", "I8")

    @step
    def run_compressor(self, v: KernelView) -> Next:
        """Hand the page to the driver, if the compressor is the device's, and wait for the end of the job."""
        if not offloads(v, self.pool):
            return super().run_compressor(v)
        page = live_folio(v, self.folio).contents[self.index]
        req = request_of(v, self.pool, self.cpu)
        job = v.ops.iaa_job(cpu=self.cpu, op="compress", data=page, req=req)
        return Call(job, self.take_result)

    @step
    def take_result(self, v: KernelView) -> Next:
        """Take the result, or the error: -E2BIG for a page that does not become shorter, -ENODEV without a queue."""
        return self.judge(v, self.tell(v, outcome_of(self.result)))


def outcome_of(found: JobResult) -> Compressed | CompressError:
    """Return the result of a job as the result of a compressor."""
    return CompressError(-found.error) if found.error else Compressed(found.length, found.out)


@attrs.define
class ZswapCompressIaa612(CompressOnDevice):
    """Compress one page; whatever the driver's error, the page is refused and counts as a failure."""

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 6.12.117, with deflate-iaa"


@attrs.define
class ZswapCompressIaa73(CompressOnDevice, ZswapCompress73):
    """Compress one page; where the driver reports an error, the page is kept raw, if it may be written back."""

    source: ClassVar[str] = "mm/zswap.c zswap_compress(), Linux 7.3.4, with deflate-iaa"


# --- decompression -------------------------------------------------------------------------------------------


@attrs.define
class DecompressOnDevice(ZswapDecompress):
    """Decompress an entry with a job of the device; a fault and a writeback do the same here."""

    requirements: ClassVar[tuple[str, ...]] = ("B2", "Z2", "I7", "I8")

    @step
    def run_decompressor(self, v: KernelView) -> Next:
        """Hand what is stored to the driver, if the compressor is the device's, and wait for the end of the job.

        A raw page needs no device.  Where the stored bytes are damaged, the device finds that, and so does software.
        """
        entry = live_entry(v, self.entry)
        if is_raw(v, entry) or not offloads(v, self.pool):
            return super().run_decompressor(v)
        stored = v[v.at.zs_object[entry.handle]]
        assert stored is not None
        job = v.ops.iaa_job(
            cpu=self.cpu,
            op="decompress",
            data=DAMAGED if v.fails(choices.DECOMPRESS) else stored.data,
            length_in=entry.length,
            req=request_of(v, self.pool, self.cpu),
        )
        return Call(job, self.take_result)

    @step
    def take_result(self, v: KernelView) -> Next:
        """Fill the page, or answer that it cannot be filled; the context is let go in the same step."""
        if self.result.error:
            return self.fail(v, live_entry(v, self.entry))
        return self.fill(v, self.result.out)


@attrs.define
class ZswapDecompressIaa612(DecompressOnDevice):
    """Decompress an entry; an error of the driver stops this kernel, also that there is no queue (IAA-H2)."""

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), Linux 6.12.117, with deflate-iaa"

    @step
    def take_result(self, v: KernelView) -> Next:
        """Fill the page, or stop; where the data is good, and only a queue is missing, nobody expects that."""
        if self.result.error == -ENODEV:
            raise KernelBug(f"zswap_decompress: entry {self.entry} is whole, and no queue takes it")
        return super().take_result(v)


@attrs.define
class ZswapDecompressIaa618(DecompressOnDevice, ZswapDecompress618):
    """Decompress an entry; an error of the driver is counted, and the page cannot be read."""

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), zswap compression batching v8, with deflate-iaa"


@attrs.define
class ZswapDecompressIaa73(DecompressOnDevice, ZswapDecompress73):
    """Decompress an entry; an error of the driver is counted, and the page cannot be read."""

    source: ClassVar[str] = "mm/zswap.c zswap_decompress(), Linux 7.3.4, with deflate-iaa"
