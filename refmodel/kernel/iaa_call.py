"""Who asks for jobs directly, as zswap does: one caller at a time has the request of a CPU.

The caller checks what it is given: what was compressed decompresses to the page, and what was decompressed is the
page (IAA-33, IAA-34).

Source: zswap_compress() and zswap_decompress(), mm/zswap.c, Linux 6.12.117; include/crypto/acompress.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, CorruptData
from refmodel.kernel.iaa_engine import codec
from refmodel.kernel.iaa_status import Op
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from collections.abc import Hashable

    from refmodel.kernel.table import KernelView


def compressed(v: KernelView, content: Hashable) -> tuple[Hashable, int]:
    """Return what a page is stored as, and its length in bytes.

    Raises ValueError for a page that does not become shorter: there is nothing to decompress.
    """
    for outcome in codec(v).outcomes(content) or ():
        if isinstance(outcome, Compressed):
            return outcome.data, outcome.length
    raise ValueError("page: it does not become shorter; expected one that does, to decompress it")


def look_at(v: KernelView, op: Op, content: Hashable, length: int, out: Hashable) -> None:
    """Look at a result that is reported as a success.  Raises CorruptData for anything but the page's own."""
    if not 0 < length <= PAGE_SIZE:
        raise CorruptData(f"{op}: a success of {length} bytes; expected 1 to {PAGE_SIZE}")
    page = codec(v).decompress(out) if op == "compress" else out
    if page != content:
        raise CorruptData(f"{op}: a success with {out!r}; expected the bytes of page {content!r}")


@attrs.define
class _Caller(Operation):
    """Who asks for jobs.

    cpu: on which it begins.  op: "compress" or "decompress".
    """

    requirements: ClassVar[tuple[str, ...]] = ("I8",)

    cpu: int
    op: Op

    def lock(self, v: KernelView) -> bool:
        """Take the request of the CPU; return whether it was free."""
        place = v.at.iaa.request[self.cpu]
        if v[place].locked:
            return False
        v[place] = evolve(v[place], locked=True)
        return True

    def unlock(self, v: KernelView) -> None:
        """Let the request go."""
        place = v.at.iaa.request[self.cpu]
        v[place] = evolve(v[place], locked=False)


@attrs.define
class IaaCall(_Caller):
    """Compress or decompress one page.

    content: the page.  Value: the length of the result in bytes, or a negative errno.
    """

    source: ClassVar[str] = "crypto_acomp_compress() and crypto_acomp_decompress(), as mm/zswap.c calls them"

    content: Hashable

    @step
    def begin(self, v: KernelView) -> Next:
        """Lock the request of the CPU and hand the page over."""
        if not self.lock(v):
            return Wait(f"the request of CPU {self.cpu}")
        data, length = (self.content, PAGE_SIZE) if self.op == "compress" else compressed(v, self.content)
        job = v.ops.iaa_job(cpu=self.cpu, op=self.op, data=data, length_in=length, req=self.cpu)
        return Call(job, self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Look at the result, and unlock the request."""
        if not self.result.error:
            look_at(v, self.op, self.content, self.result.length, self.result.out)
        self.unlock(v)
        return Return(self.result.dlen)


@attrs.define
class IaaCallBatch(_Caller):
    """Compress or decompress several pages in one call.

    contents: the pages.  Value: what the call returned, then for each page a length in bytes or a negative errno.
    """

    source: ClassVar[str] = "crypto_acomp_batch_compress(), batching v9; crypto_acomp_compress(), v12 to v14"
    requirements: ClassVar[tuple[str, ...]] = ("I8", "I10")

    contents: tuple[Hashable, ...]

    @step
    def begin(self, v: KernelView) -> Next:
        """Lock the request of the CPU and hand the pages over."""
        if not self.lock(v):
            return Wait(f"the request of CPU {self.cpu}")
        given = [(content, PAGE_SIZE) for content in self.contents]
        if self.op == "decompress":
            given = [compressed(v, content) for content in self.contents]
        batch = v.ops.iaa_batch(
            cpu=self.cpu,
            op=self.op,
            contents=tuple([data for data, _ in given]),
            lengths_in=tuple([length for _, length in given]),
            req=self.cpu,
        )
        return Call(batch, self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Look at every result, and unlock the request."""
        results = zip(self.contents, self.result.lengths, self.result.outs, strict=True)
        for content, length, out in results:
            if length > 0:
                look_at(v, self.op, content, length, out)
        found = self.result
        v.emit("iaa_batch", op=self.op, error=found.error, lengths=found.lengths, dlen=found.dlen)
        self.unlock(v)
        return Return((self.result.error, *self.result.lengths))
