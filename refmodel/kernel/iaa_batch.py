"""Batches in flight: all jobs are submitted before any is waited for, then polled until none is left (I8, I10, A6).

What differs between the postings is what becomes of errors: whose they are, whether the call tells them, and what a
job counts as that software has done meanwhile.

Source: iaa_comp_acompress_batch() of batching v9, iaa_comp_acompress_main() of v13, crypto_acomp_compress() and the
hook ``batch_completed`` of v14; acomp_do_req_chain() of v5 to v8.
"""

from __future__ import annotations

from errno import EAGAIN, EINPROGRESS, EINVAL, ENODEV
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import iaa_decisions as decisions
from refmodel.kernel.iaa_config import MAX_BATCH_JOBS
from refmodel.kernel.iaa_desc import descriptors
from refmodel.kernel.iaa_job import JobResult, running_on
from refmodel.kernel.iaa_status import Op
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, Operation, Return, Wait, component, step

if TYPE_CHECKING:
    from collections.abc import Hashable

    from refmodel.kernel.iaa_poll import IaaPoll
    from refmodel.kernel.table import KernelView

PENDING = -EAGAIN
"""In place of the result of a job that is in flight."""

NOT_IN_FLIGHT = JobResult(0)
"""In place of where a job is that the device has not, or has no more."""


@component
class BatchResult:
    """What a batch came to.

    error: what the call returned, 0 for success.  lengths: of each result in bytes, or a negative errno.
    outs: each result, None for an error.
    dlen: length of the request itself, where the posting sets it, else 0.
    """

    error: int
    lengths: tuple[int, ...]
    outs: tuple[Hashable, ...]
    dlen: int = 0


@attrs.define
class IaaBatch(Operation):
    """One batch.

    cpu: on which the task begins.  op: "compress" or "decompress".  contents: what the jobs work on.
    lengths_in: of each of them in bytes.  req: number of the request of the caller.
    Value: a ``BatchResult``.

    heads: whether the call speaks of its first job only.

    Results stand at the index of their job, in whatever order jobs are submitted and end (IAA-44).
    """

    heads: ClassVar[bool] = False

    requirements: ClassVar[tuple[str, ...]] = ("I8", "I10", "A6")

    cpu: int
    op: Op
    contents: tuple[Hashable, ...]
    lengths_in: tuple[int, ...]
    req: int = 0
    sent: int = 0
    error: int = 0
    lengths: tuple[int, ...] = ()
    outs: tuple[Hashable, ...] = ()
    held: tuple[JobResult, ...] = ()
    polled: int = -1

    @step
    def begin(self, v: KernelView) -> Next:
        """Set the flag POLL for all jobs.  More than 8 stop the kernel."""
        if len(self.contents) > MAX_BATCH_JOBS:
            raise KernelBug(f"batch of {len(self.contents)} jobs: arrays have room for {MAX_BATCH_JOBS}")
        self.lengths, self.outs = (PENDING,) * len(self.contents), (None,) * len(self.contents)
        self.held = (NOT_IN_FLIGHT,) * len(self.contents)
        return self.submit

    def order(self) -> tuple[int, ...]:
        """Return the order in which jobs are submitted."""
        return tuple(range(len(self.contents)))

    @step
    def submit(self, v: KernelView) -> Next:
        """Submit the next job, whatever became of the ones before (IAA-43)."""
        index = self.order()[self.sent]
        job = v.ops.iaa_job(
            cpu=self.cpu,
            op=self.op,
            data=self.contents[index],
            length_in=self.lengths_in[index],
            req=self.req,
            poll=True,
        )
        return Call(job, self.submitted)

    @step
    def submitted(self, v: KernelView) -> Next:
        """Note where the job is, or what it came to at once."""
        index, found = self.order()[self.sent], self.result
        if found.error == -EINPROGRESS:
            self.held = decisions.with_result(self.held, index, found)
        else:
            self.submit_ended(index, found)
        self.sent += 1
        return self.submit if self.sent < len(self.contents) else self.poll

    def submit_ended(self, index: int, found: JobResult) -> None:
        """Take the result of a job that is over when its submission returns."""
        self.take(index, found)
        if found.error:
            self.error = -EINVAL

    def take(self, index: int, found: JobResult) -> None:
        """Put a result at the index of its job."""
        self.lengths = decisions.with_result(self.lengths, index, found.dlen)
        self.outs = decisions.with_result(self.outs, index, found.out)

    @step
    def poll(self, v: KernelView) -> Next:
        """Go round the jobs in flight until one is done; the loop has no other end and never sleeps (IAA-H13)."""
        found = decisions.first_done(
            job is not NOT_IN_FLIGHT
            and decisions.can_be_looked_at(job.error, job.d)
            and v[descriptors(v, job.q)[job.d]].phase == "done"
            for job in self.held
        )
        if found >= 0:
            self.polled = found
            return Call(self.poll_of(v, self.held[found]), self.job_polled)
        pending = len([job for job in self.held if job is not NOT_IN_FLIGHT])
        return Wait(f"the device to end one of {pending} jobs in flight") if pending else self.finish

    def poll_of(self, v: KernelView, job: JobResult) -> IaaPoll:
        """Return the poll of a job that is done, from whatever CPU the task runs on."""
        poll: IaaPoll = v.ops.iaa_poll(
            cpu=running_on(v, self.cpu),
            op=self.op,
            data=self.contents[self.polled],
            q=job.q,
            d=job.d,
            length_in=self.lengths_in[self.polled],
        )
        return poll

    @step
    def job_polled(self, v: KernelView) -> Next:
        """Take the result of the job, which is in flight no longer."""
        self.held = decisions.with_result(self.held, self.polled, NOT_IN_FLIGHT)
        self.take(self.polled, self.result)
        if self.result.error:
            self.poll_failed()
        return self.poll

    def poll_failed(self) -> None:
        """Note that a job has failed on the device: the call tells."""
        self.error = -EINVAL

    @step
    def finish(self, v: KernelView) -> Next:
        """Clear the flag POLL and return."""
        return Return(BatchResult(self.error, self.lengths, self.outs))


@attrs.define
class IaaBatchV9(IaaBatch):
    """A batch of v9: whatever is not in flight after its submission has failed.

    So a page that software has decompressed is reported as -EINVAL though its data is right (by reading); with
    sync_mode "sync" every batch fails.
    """

    source: ClassVar[str] = (
        "iaa_comp_acompress_batch() and iaa_comp_adecompress_batch(), batching v9 10/19 and 11/19"
    )

    def submit_ended(self, index: int, found: JobResult) -> None:
        """Take every such job for a failure."""
        self.take(index, JobResult(-EINVAL))
        self.error = -EINVAL


@attrs.define
class IaaBatchV13(IaaBatch):
    """A batch of v13: the CPU's own requests, under a mutex; decompression begins with the largest two."""

    source: ClassVar[str] = "iaa_comp_acompress_main() and iaa_comp_adecompress_main(), batching v13"

    @step
    def begin(self, v: KernelView) -> Next:
        """Ask whether the algorithm is registered (-ENODEV), and take the requests of the CPU.

        Nothing asks whether there are more than 8 jobs (IAA-H19).
        """
        if not v[v.at.iaa.crypto].registered:
            return self.refuse
        if v[v.at.iaa.batch_locked[self.cpu]]:
            return Wait(f"the mutex of the batches of CPU {self.cpu}")
        v[v.at.iaa.batch_locked[self.cpu]] = True
        return IaaBatch.begin(self, v)

    @step
    def refuse(self, v: KernelView) -> Next:
        """Return -ENODEV for the call: no job was looked at, results stay what they were."""
        count = len(self.contents)
        return Return(BatchResult(-ENODEV, (-ENODEV,) * count, (None,) * count))

    def order(self) -> tuple[int, ...]:
        """Return the order of submission: what takes longest to decompress begins first."""
        return decisions.largest_first(self.lengths_in) if self.op == "decompress" else IaaBatch.order(self)

    @step
    def finish(self, v: KernelView) -> Next:
        """Clear the flag POLL, let the requests go, and return; the request gets the length of its first unit."""
        v[v.at.iaa.batch_locked[self.cpu]] = False
        return Return(BatchResult(self.error, self.lengths, self.outs, dlen=self.lengths[0]))


@attrs.define
class IaaBatchV14(IaaBatchV13):
    """A batch of v14: the driver returns with the mutex, and a hook of it polls; what fails there is not told.

    The hook says so by a negative length of the request, which is an unsigned field; the test for it is never true
    (by reading).
    """

    source: ClassVar[str] = (
        "acomp_batch_parallel() and iaa_comp_batch_completed(), batching v14 15/26 and 16/26"
    )

    @step
    def refuse(self, v: KernelView) -> Next:
        """Call the hook all the same: it takes the caller's wait queue for the context of a batch (IAA-H18)."""
        raise KernelBug("batch_completed: the context of the request is the caller's wait queue")

    def poll_failed(self) -> None:
        """Say nothing: only a failed submission fails the call."""


@attrs.define
class IaaChain(IaaBatch):
    """A chain of requests (v5 to v8): one call on the head, an error of which is everybody's.

    The call returns the head's error; each member has its own.
    """

    heads: ClassVar[bool] = True
    source: ClassVar[str] = "acomp_do_req_chain(), batching v8"
    requirements: ClassVar[tuple[str, ...]] = ("A4", "I8")

    @step
    def submitted(self, v: KernelView) -> Next:
        """Give up the whole chain if the head was refused; else go on with the next member."""
        if decisions.chain_given_up(self.sent, self.result.error):
            return self.give_up
        return IaaBatch.submitted(self, v)

    @step
    def give_up(self, v: KernelView) -> Next:
        """Give every member the error of the head."""
        error, count = self.result.error, len(self.contents)
        return Return(BatchResult(error, (error,) * count, (None,) * count))

    def submit_ended(self, index: int, found: JobResult) -> None:
        """Take the result of a member, which is its own affair."""
        self.take(index, found)

    def poll_failed(self) -> None:
        """Leave the error to the member."""

    @step
    def finish(self, v: KernelView) -> Next:
        """Take the chain apart and return the head's error."""
        return Return(BatchResult(decisions.error_of_head(self.lengths[0]), self.lengths, self.outs))
