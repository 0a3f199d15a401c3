"""Who ends a job that nobody waits for in place: the poll of a batch, or the interrupt thread (I8).

Source: iaa_comp_poll() of batching v5 to v14; iaa_desc_complete() and irq_process_work_list(), Linux 6.12.117.
"""

from __future__ import annotations

from errno import EAGAIN
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import iaa_decisions as decisions
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.iaa_desc import descriptors, free_desc
from refmodel.kernel.iaa_engine import engine_work
from refmodel.kernel.iaa_job import JobResult, count_bytes, count_end, deflate, put_wq
from refmodel.kernel.iaa_state import WAIT_OBJECT
from refmodel.kernel.iaa_status import Op
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from refmodel.kernel.table import KernelView


@attrs.define
class IaaPoll(Operation):
    """Poll one request of a batch.

    cpu: whose batch.  op, data, length_in: of the job, as in ``IaaJob``.  q, d: where it is; -1: the request
    remembers no descriptor, which looks as if the device were not done, whatever the device does (IAA-H12).
    Value: a ``JobResult``; its error is -EAGAIN while the device is not done.

    The task may run on another CPU than at submission: queue and descriptor are the request's (IAA-H21).
    """

    source: ClassVar[str] = "iaa_comp_poll(), batching v13"
    requirements: ClassVar[tuple[str, ...]] = ("I8", "A6")

    cpu: int
    op: Op
    data: Hashable
    q: int
    d: int
    length_in: int = PAGE_SIZE
    error: int = 0
    length: int = 0
    out: Hashable = None

    @step
    def look(self, v: KernelView) -> Next:
        """Look at the completion record; a decompression that the device could not do is not tried in software."""
        if self.d < 0:
            return Return(JobResult(-EAGAIN))
        desc = v[descriptors(v, self.q)[self.d]]
        if desc.phase != "done":
            return Return(JobResult(-EAGAIN, q=self.q, d=self.d))
        self.error = -count_end(v, self.op, desc.completion)
        if self.error:
            return self.release
        self.length, self.out = desc.length, desc.out
        count_bytes(v, self.q, self.op, self.length if self.op == "compress" else self.length_in)
        verifies = self.op == "compress" and self.verifies(v)
        return self.verify if verifies else self.release

    def verifies(self, v: KernelView) -> bool:
        """Whether results are verified: as was set when the algorithm was registered (v13)."""
        return v[v.at.iaa.crypto].latched_verify

    @step
    def verify(self, v: KernelView) -> Next:
        """Have the result verified with a second descriptor, while the first one is held."""
        return Call(v.ops.iaa_verify(self.cpu, self.q, self.data, self.out), self.verified)

    @step
    def verified(self, v: KernelView) -> Next:
        """Take the verdict."""
        self.error = self.result
        return self.release

    @step
    def release(self, v: KernelView) -> Next:
        """Unmap the buffers, give the descriptor back, drop the reference on the queue."""
        v[v.at.iaa.mapped] -= 2
        free_desc(v, self.q, self.d)
        self.put(v)
        v.emit("iaa_poll", op=self.op, error=self.error)
        return Return(JobResult(self.error) if self.error else JobResult(0, self.length, self.out))

    def put(self, v: KernelView) -> None:
        """Drop the reference that the job took when it was submitted."""
        put_wq(v, self.q)


@attrs.define
class IaaPollV9(IaaPoll):
    """Poll in v9, and in the chains of v8: the reference on the queue is never dropped (IAA-H9, by reading)."""

    source: ClassVar[str] = "iaa_comp_poll(), batching v9 09/19"

    def verifies(self, v: KernelView) -> bool:
        """Whether results are verified: as is set at this moment."""
        return v[v.at.iaa.crypto].verify_compress

    def put(self, v: KernelView) -> None:
        """Keep the reference: nobody drops it later."""


@attrs.define
class IaaPollV14(IaaPoll):
    """Poll in v14: verification goes by the attribute as it is, not by what was latched."""

    source: ClassVar[str] = "iaa_comp_poll(), batching v14 16/26"

    def verifies(self, v: KernelView) -> bool:
        """Whether results are verified: as is set at this moment."""
        return v[v.at.iaa.crypto].verify_compress


def interrupts(v: KernelView) -> Iterator[tuple[int, int]]:
    """Yield queue and descriptor of the jobs that the interrupt thread has to end."""
    for q, row in enumerate(v.at.iaa.desc):
        for d, place in enumerate(row):
            desc = v[place]
            if desc.irq and desc.phase == "done":
                yield q, d


def device_work(v: KernelView) -> Operation | None:
    """Return what devices, or the thread of their interrupts, can do next, None while they rest."""
    for operation in engine_work(v):
        return operation
    for q, d in interrupts(v):
        interrupt: Operation = v.ops.iaa_interrupt(q, d)
        return interrupt
    return None


def call_back(v: KernelView, req: int, answer: JobResult) -> None:
    """Call the owner of a request back: the wait object that stands in it is told the answer, and wakes the owner.

    Anything else that stands there wakes nobody; what the callback writes over then is not in the model.
    Source: acomp_request_complete(), include/crypto/internal/acompress.h, and crypto_req_done(), Linux 6.12.117.
    """
    place = v.at.iaa.request[req]
    if v[place].data == WAIT_OBJECT:
        v[place] = evolve(v[place], answer=answer)


@attrs.define
class IaaInterrupt(Operation):
    """The interrupt thread ends a job and calls its caller back.

    q, d: queue and descriptor of a job that is done and asked for an interrupt.
    """

    source: ClassVar[str] = "iaa_desc_complete(), iaa_crypto_main.c, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("I8",)

    q: int
    d: int
    error: int = 0
    length: int = 0
    out: Hashable = None

    @step
    def look(self, v: KernelView) -> Next:
        """Take the job off the list and read its record.

        Every failure becomes -EIO, unless software can decompress instead.
        """
        place = descriptors(v, self.q)[self.d]
        desc = v[place]
        v[place] = evolve(desc, irq=False)
        self.error = decisions.error_by_interrupt(count_end(v, desc.op, desc.completion))
        if self.error:
            software = decisions.software_can(desc.op, desc.completion.status)
            return self.software if software else self.release
        self.length, self.out = desc.length, desc.out
        count_bytes(v, self.q, desc.op, desc.length if desc.op == "compress" else desc.length_in)
        return self.verify if desc.op == "compress" and self.verifies(v) else self.release

    def verifies(self, v: KernelView) -> bool:
        """Whether results are verified."""
        return v[v.at.iaa.crypto].latched_verify

    @step
    def software(self, v: KernelView) -> Next:
        """Unmap the page first, then decompress in software."""
        v[v.at.iaa.stats.total_sw_decomp_calls] += 1
        done = deflate(v, v[descriptors(v, self.q)[self.d]].data)
        self.error, self.length, self.out = decisions.error_by_interrupt(done.error), done.length, done.out
        return self.release

    @step
    def verify(self, v: KernelView) -> Next:
        """Verify in the thread itself, which meanwhile ends no other job."""
        desc = v[descriptors(v, self.q)[self.d]]
        return Call(v.ops.iaa_verify(desc.cpu, self.q, desc.data, self.out), self.verified)

    @step
    def verified(self, v: KernelView) -> Next:
        """Take the verdict, as -EIO."""
        self.error = decisions.error_by_interrupt(self.result)
        return self.release

    @step
    def release(self, v: KernelView) -> Next:
        """Unmap the buffers, call back, give the descriptor back, drop the reference."""
        v[v.at.iaa.mapped] -= 2
        desc = v[descriptors(v, self.q)[self.d]]
        call_back(v, desc.req, JobResult(self.error) if self.error else JobResult(0, self.length, self.out))
        free_desc(v, self.q, self.d)
        put_wq(v, self.q)
        return Return()


@attrs.define
class IaaInterruptV13(IaaInterrupt):
    """The interrupt thread in v13 and v14: what it asks whether to verify was never set (by reading)."""

    source: ClassVar[str] = "iaa_desc_complete(), batching v13"

    def verifies(self, v: KernelView) -> bool:
        """Whether results are verified: never."""
        return False
