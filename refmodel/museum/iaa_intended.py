"""IAA drivers as they were meant to be: what the remedies of the exhibits put in the place of the steps as written.

A step that two bugs share is mended for both.
"""

from __future__ import annotations

from errno import EIO, ENODEV
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.iaa_batch import BatchResult, IaaBatchV9, IaaBatchV13, IaaBatchV14
from refmodel.kernel.iaa_bind import IaaUnbind, IaaUnbindV9, IaaUnbindV13
from refmodel.kernel.iaa_desc import descriptors, enabled, free_desc
from refmodel.kernel.iaa_job import (
    IaaJob,
    IaaJob73,
    IaaJob612,
    IaaJobV9,
    IaaJobV13,
    IaaJobV14,
    JobResult,
    options_of,
    put_wq,
)
from refmodel.kernel.iaa_poll import IaaPollV9
from refmodel.machine import Next, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.iaa_driver import IaaDriver
    from refmodel.kernel.table import KernelView


# --- queues that come and go -------------------------------------------------------------------------------


@attrs.define
class UnbindWaits(IaaUnbind):
    """Take a queue away once nobody holds it; its tables are replaced at once."""

    waits: ClassVar[bool] = True

    @step
    def detach(self, v: KernelView) -> Next:
        """Let no further job have the queue, and sleep until those that have it are over."""
        place = v.at.iaa.wq[self.q]
        if not v[place].removed:
            v[place] = evolve(v[place], removed=True)
            return self.detach
        if v[place].refs:
            return Wait("jobs that hold the queue")
        v[place] = evolve(v[place], bound=False)
        return self.drain

    @step
    def clear(self, v: KernelView) -> Next:
        """Leave the tables as they are until the new ones stand."""
        return self.fill


@attrs.define
class UnbindSleeps(IaaUnbindV13):
    """Take a queue away in v13; who waits for its jobs sleeps, so that they can go on where it runs."""

    spins: ClassVar[bool] = False


@attrs.define
class UnbindPrunes(IaaUnbindV13):
    """Take a queue away; the tables are made of the queues that are left."""

    def driver(self, v: KernelView) -> IaaDriver:
        """Return the driver that takes the queue out of its types, too."""
        return options_of(v).driver.as_intended()


@attrs.define
class UnbindPrunesV9(IaaUnbindV9, UnbindWaits):
    """Take a queue away in v9, once nobody holds it; the tables are made of the queues that are left."""

    def driver(self, v: KernelView) -> IaaDriver:
        """Return the driver that takes the queue out of its types, too."""
        return options_of(v).driver.as_intended()


# --- jobs ------------------------------------------------------------------------------------------------------


@attrs.define
class Meant612(IaaJob612):
    """A job of 6.12 that has the software deflate for itself, and goes there if no queue takes it."""

    def without_queue(self) -> Next:
        """Go on without a queue: a compression fails, a decompression is for software."""
        return self.software if self.op == "decompress" else IaaJob612.without_queue(self)

    def abort(self) -> None:
        """Take a job that was refused off the list of those that an interrupt is to end."""

    @step
    def software(self, v: KernelView) -> Next:
        """Enter the software deflate when nobody else is in it."""
        if v[v.at.iaa.deflate].users:
            return Wait("the software deflate")
        return IaaJob.software(self, v)


@attrs.define
class Meant73(IaaJob73):
    """A job of 7.3 that keeps its descriptor until the device is done with it, and goes to software without a queue."""

    def without_queue(self) -> Next:
        """Go on without a queue: a compression fails, a decompression is for software."""
        return self.software if self.op == "decompress" else IaaJob73.without_queue(self)

    def abort(self) -> None:
        """Take a job that was refused off the list of those that an interrupt is to end."""

    @step
    def complete(self, v: KernelView) -> Next:
        """Look at the completion record until the device has written it."""
        return IaaJob.complete(self, v)


@attrs.define
class MeantV9(IaaJobV9):
    """A job of v9 that asks for no interrupt if it is polled, and for which software takes over unmapped pages.

    Software does so without a queue, too.
    """

    def without_queue(self) -> Next:
        """Go on without a queue: a compression fails, a decompression is for software."""
        return self.software if self.op == "decompress" else IaaJobV9.without_queue(self)

    def interrupts(self, v: KernelView) -> bool:
        """Whether the device is to interrupt when the job is done: not if the caller polls."""
        return not self.poll and super().interrupts(v)

    @step
    def software(self, v: KernelView) -> Next:
        """Unmap the buffers first, then enter the software deflate."""
        return unmapped_software(self, v)


def unmapped_software(job: IaaJobV9, v: KernelView) -> Next:
    """Enter the software deflate without mapped buffers and without a reference."""
    if v[v.at.iaa.deflate].users:
        return Wait("the mutex of the software deflate")
    if job.mapped:
        v[v.at.iaa.mapped] -= 2
        put_wq(v, job.q)
        job.mapped = False
    v[v.at.iaa.deflate] = evolve(v[v.at.iaa.deflate], users=1)
    v[v.at.iaa.stats.total_sw_decomp_calls] += 1
    return job.software_end


@attrs.define
class MeantV13(IaaJobV13):
    """A job of v13: submitted as its queue needs it, unmapped before software takes over, waited for.

    A page can be decompressed without the algorithm, too: software needs no queue.
    """

    @step
    def select(self, v: KernelView) -> Next:
        """Leave a decompression to software where the algorithm has gone with the last queue."""
        gone = not v[v.at.iaa.crypto].registered
        return self.software if gone and self.op == "decompress" else IaaJobV13.select(self, v)

    def interrupts(self, v: KernelView) -> bool:
        """Whether the device is to interrupt when the job is done: not if the caller polls."""
        return not self.poll and super().interrupts(v)

    @step
    def submit(self, v: KernelView) -> Next:
        """Hand the descriptor over through idxd, which knows a shared queue from a dedicated one."""
        return IaaJob.submit(self, v)

    @step
    def complete(self, v: KernelView) -> Next:
        """Look at the completion record until the device has written it."""
        return IaaJob.complete(self, v)

    @step
    def software(self, v: KernelView) -> Next:
        """Unmap the buffers first, then enter the software deflate."""
        return unmapped_software(self, v)


@attrs.define
class MeantV14(MeantV13, IaaJobV14):
    """A job of v14: as the one of v13 was meant."""


@attrs.define
class PollPuts(IaaPollV9):
    """Poll in v9; the reference on the queue is dropped."""

    def put(self, v: KernelView) -> None:
        """Drop the reference that the job took when it was submitted."""
        put_wq(v, self.q)


# --- batches -----------------------------------------------------------------------------------------------------


@attrs.define
class TakesSoftware(IaaBatchV9):
    """A batch of v9 that takes what software has done for done."""

    def submit_ended(self, index: int, found: JobResult) -> None:
        """Take the result of a job that is over when its submission returns."""
        self.take(index, found)
        self.error = self.error or min(found.error, 0)


@attrs.define
class TellsErrors(IaaBatchV14):
    """A batch of v14 that tells what has failed, also where there is no driver any more."""

    @step
    def refuse(self, v: KernelView) -> Next:
        """Return -ENODEV for the call, without the hook."""
        count = len(self.contents)
        return Return(BatchResult(-ENODEV, (-ENODEV,) * count, (None,) * count))

    def poll_failed(self) -> None:
        """Note that a job has failed on the device: the call tells."""
        IaaBatchV13.poll_failed(self)


@attrs.define
class GivesUpHalted(TellsErrors):
    """A batch of v14 that gives its jobs up once their device has halted: it will write to no record any more."""

    @step
    def poll(self, v: KernelView) -> Next:
        """Poll what is done; end with -EIO what a halted device still has."""
        for index, job in enumerate(self.held):
            if job.d >= 0 and not enabled(v, job.q) and v[descriptors(v, job.q)[job.d]].phase != "done":
                self.polled = index
                return self.give_up
        return TellsErrors.poll(self, v)

    @step
    def give_up(self, v: KernelView) -> Next:
        """Take the job back from the device: unmap, free, put."""
        job, wq = self.held[self.polled], v.at.iaa.wq[self.held[self.polled].q]
        place = descriptors(v, job.q)[job.d]
        v[place] = evolve(v[place], phase="done")
        v[wq] = evolve(v[wq], fifo=tuple(d for d in v[wq].fifo if d != job.d))
        v[v.at.iaa.mapped] -= 2
        free_desc(v, job.q, job.d)
        put_wq(v, job.q)
        self.result = JobResult(-EIO)
        return self.job_polled
