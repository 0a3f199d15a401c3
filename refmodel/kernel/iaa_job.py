"""One job: how a page gets to a device and back, in each version of the driver (I6 to I9).

A job selects a queue, takes a reference on it, maps its two buffers, takes a descriptor and submits it.  Then its
caller waits in place, or polls later (flag POLL), or sleeps until an interrupt.  Whatever fails, what was taken by
then is given back, in the opposite order.

Versions differ in who waits for a descriptor and how long, in what happens when none comes, and in when software
takes over: 6.12 and 7.3 sleep and hand on errors; the series tries so many times, hands the error of a compression on
and decompresses in software.

Source: drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117 and 7.3.4, batching v9, v13 and v14.
"""

from __future__ import annotations

from errno import EAGAIN, EINPROGRESS, EINVAL, EIO, ENODEV, ETIMEDOUT
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel import iaa_decisions as decisions
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, CorruptData
from refmodel.kernel.iaa_config import IaaOptions
from refmodel.kernel.iaa_desc import (
    alloc_desc,
    descriptors,
    free_desc,
    idxd_submit_desc,
    movdir64b,
    name_of,
)
from refmodel.kernel.iaa_engine import codec
from refmodel.kernel.iaa_round_robin import move_then_use, use_then_move
from refmodel.kernel.iaa_status import Completion, Op, errno_of
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Call, Next, Operation, Return, Wait, component, evolve, step

if TYPE_CHECKING:
    from collections.abc import Hashable

    from refmodel.kernel.table import KernelView

DAMAGED = "what the device has left"
"""In place of a page that something else than its own data was written over."""


@component
class JobResult:
    """What a job came to, or how it is found again while it is in flight.

    error: 0, -EINPROGRESS while it is with the device, or another negative errno.
    length: of the output in bytes.  out: the output.  q, d: queue and descriptor of a job in flight, else -1.
    """

    error: int
    length: int = 0
    out: Hashable = None
    q: int = -1
    d: int = -1

    @property
    def dlen(self) -> int:
        """The length in bytes, or the negative errno."""
        return self.error or self.length


def running_on(v: KernelView, cpu: int) -> int:
    """Return the CPU on which a task is: the one that is given, unless the task was moved to another."""
    cpus = v.cfg.sizes.cpus
    moved: int = v.choose(choices.CPU, first_of(cpu, cpus)) if cpus > 1 else cpu
    return moved


@cache
def first_of(cpu: int, cpus: int) -> tuple[int, ...]:
    """Return the numbers of all CPUs, one of them first."""
    return (cpu, *(other for other in range(cpus) if other != cpu))


def options_of(v: KernelView) -> IaaOptions:
    """Return how the version differs from others."""
    assert v.cfg.options.iaa is not None
    return v.cfg.options.iaa


def tries_of(v: KernelView, op: Op) -> int:
    """Return how often a job may try to get a descriptor; 0: it sleeps instead."""
    options = options_of(v)
    tries = options.comp_tries if op == "compress" else options.decomp_tries
    return decisions.attempts(tries, v.at.iaa.system.tries or 0)


def select_wq(v: KernelView, cpu: int, op: Op) -> int:
    """Move the cursor of a CPU and return the number of the queue for a job, -1 if there is none (I3, I5)."""
    place = v.at.iaa.tables[cpu]
    move = move_then_use if options_of(v).driver.cursors == 1 else use_then_move
    tables = v[place]
    wq, moved = move(tables, op)
    if moved != tables:
        v[place] = moved
    return -1 if wq is None else v.at.iaa.system.number[wq]


def count_submitted(v: KernelView, q: int, op: Op) -> None:
    """Count a job that was submitted."""
    if op == "compress":
        v[v.at.iaa.stats.total_comp_calls] += 1
        v[v.at.iaa.wq_stats[q].comp_calls] += 1
    else:
        v[v.at.iaa.stats.total_decomp_calls] += 1
        v[v.at.iaa.wq_stats[q].decomp_calls] += 1


def count_end(v: KernelView, op: Op, found: Completion) -> int:
    """Count how a job ended if the driver counts that; return 0 or the errno (check_completion)."""
    error = errno_of(op, found)
    match decisions.error_counter(error, found.status):
        case "einval":
            v[v.at.iaa.stats.total_completion_einval_errors] += 1
        case "timeout":
            v[v.at.iaa.stats.total_completion_timeout_errors] += 1
        case "overflow":
            v[v.at.iaa.stats.total_completion_comp_buf_overflow_errors] += 1
    return error


def count_bytes(v: KernelView, q: int, op: Op, length: int) -> None:
    """Count the compressed bytes of a job that was a success: those that came out, or those that went in."""
    if op == "compress":
        v[v.at.iaa.stats.total_comp_bytes_out] += length
        v[v.at.iaa.wq_stats[q].comp_bytes] += length
    else:
        v[v.at.iaa.stats.total_decomp_bytes_in] += length
        v[v.at.iaa.wq_stats[q].decomp_bytes] += length


def get_wq(v: KernelView, q: int) -> bool:
    """Take a reference on a queue for a job; return whether the driver still has the queue."""
    place = v.at.iaa.wq[q]
    wq = v[place]
    if not wq.bound or wq.removed:
        return False
    v[place] = evolve(wq, refs=wq.refs + 1)
    return True


def put_wq(v: KernelView, q: int) -> None:
    """Drop a reference on a queue; the last one of a queue that was removed lets the driver forget it."""
    place = v.at.iaa.wq[q]
    wq = v[place]
    v[place] = evolve(wq, refs=wq.refs - 1, bound=wq.bound and not (wq.removed and wq.refs == 1))


def deflate(v: KernelView, data: Hashable) -> JobResult:
    """Return what the software deflate makes of compressed data: the same bytes as the device (IAA-35)."""
    try:
        return JobResult(0, PAGE_SIZE, codec(v).decompress(data))
    except CorruptData:
        return JobResult(-EINVAL)


@attrs.define
class IaaJob(Operation):
    """One job, from the selection of a queue to its end, or to its being in flight.

    cpu: on which the caller is, unless it is moved.  op: "compress" or "decompress".
    data: the page, or what it was compressed to.  length_in: of the data in bytes.
    req: number of the request.  poll: the flag POLL: do not wait for the end.
    Value: a ``JobResult``.
    """

    requirements: ClassVar[tuple[str, ...]] = ("I6", "I7", "I8")

    cpu: int
    op: Op
    data: Hashable
    length_in: int = PAGE_SIZE
    req: int = 0
    poll: bool = False
    q: int = -1
    d: int = -1
    mapped: bool = False
    tries: int = 0
    error: int = 0
    length: int = 0
    out: Hashable = None

    @step
    def select(self, v: KernelView) -> Next:
        """Ask whether the driver takes jobs, and take the next queue of the CPU.  Failure: -ENODEV.

        The CPU is the one on which the task runs at this moment; nothing ties a later step to it.
        """
        if not v[v.at.iaa.crypto].enabled:
            return self.without_queue()
        self.cpu = running_on(v, self.cpu)
        self.q = select_wq(v, self.cpu, self.op)
        return self.get if self.q >= 0 else self.without_queue()

    def without_queue(self) -> Next:
        """Go on without a queue: there is no device for the job."""
        return Return(JobResult(-ENODEV))

    @step
    def get(self, v: KernelView) -> Next:
        """Take a reference, so that the driver keeps the queue.  Failure: it is being removed."""
        return self.map if get_wq(v, self.q) else self.without_queue()

    @step
    def map(self, v: KernelView) -> Next:
        """Map both buffers for the device.  Failure: one is not a single segment; -EIO, the reference goes."""
        if v.fails(choices.IAA_MAP):
            put_wq(v, self.q)
            return self.not_mapped()
        v[v.at.iaa.mapped] += 2
        self.mapped = True
        return self.alloc

    def not_mapped(self) -> Next:
        """Go on without mapped buffers: the job fails."""
        return Return(JobResult(-EIO))

    @step
    def alloc(self, v: KernelView) -> Next:
        """Take a descriptor.

        With a limit the job tries again that often, without sleeping; without one it sleeps until somebody gives one
        back, or a signal comes (-EAGAIN).  A device that is not enabled ends this at once (-EIO).
        """
        d = alloc_desc(v, self.q, self.cpu)
        if d >= 0:
            self.d = d
            return self.submit
        limit = tries_of(v, self.op)
        match decisions.without_descriptor(d, limit):
            case "try":
                self.tries += 1
                return self.alloc if decisions.tries_again(self.tries, limit) else self.no_desc()
            case "sleep":
                return Call(v.ops.iaa_sleep(self.cpu, self.q), self.woken)
        self.error = d
        return self.no_desc()

    @step
    def woken(self, v: KernelView) -> Next:
        """Take the descriptor that the sleep has come to, or its error: a signal, or a device that is not enabled."""
        if self.result >= 0:
            self.d = self.result
            return self.submit
        self.error = self.result
        return self.no_desc()

    def no_desc(self) -> Next:
        """Go on without a descriptor: the job fails."""
        return self.release

    @step
    def submit(self, v: KernelView) -> Next:
        """Fill the descriptor and hand it to the device.  Failure: the descriptor goes back."""
        irq = self.interrupts(v)
        place = descriptors(v, self.q)[self.d]
        v[place] = evolve(v[place], **self.asked(), irq=irq)
        error = idxd_submit_desc(v, self.q, self.d)
        if error:
            if irq and error == -EAGAIN:
                self.abort()
            free_desc(v, self.q, self.d)
            self.d, self.error = -1, error
            return self.not_submitted()
        count_submitted(v, self.q, self.op)
        if irq:
            return self.to_be_told()
        return self.in_flight() if self.polled(v) else self.complete

    def abort(self) -> None:
        """Take a job that was refused off the list of those that an interrupt is to end."""

    def asked(self) -> dict[str, Any]:
        """Return what the descriptor says of the job."""
        return {"op": self.op, "data": self.data, "length_in": self.length_in, "req": self.req}

    def interrupts(self, v: KernelView) -> bool:
        """Whether the device is to interrupt when the job is done."""
        return v[v.at.iaa.crypto].latched_mode == "async_irq"

    def to_be_told(self) -> Next:
        """Go on while an interrupt is to come: its thread does the rest of the job."""
        return self.sleep

    def polled(self, v: KernelView) -> bool:
        """Whether the caller polls instead of waiting in place."""
        return self.poll

    def not_submitted(self) -> Next:
        """Go on after the device has refused the job: it fails."""
        return self.release

    def in_flight(self) -> Next:
        """Leave the job with the device; whoever polls it finds it by its queue and descriptor."""
        return Return(JobResult(-EINPROGRESS, q=self.q, d=self.d))

    @step
    def complete(self, v: KernelView) -> Next:
        """Look at the completion record until the device has written it, and give the descriptor back.

        Nothing ends this if the device does not.
        """
        desc = v[descriptors(v, self.q)[self.d]]
        if desc.phase != "done":
            return Wait(f"{name_of(v, self.q)} to end the job of descriptor {self.d}")
        self.error = -count_end(v, self.op, desc.completion)
        if not self.error:
            self.length, self.out = desc.length, desc.out
            count_bytes(v, self.q, self.op, self.length if self.op == "compress" else self.length_in)
        free_desc(v, self.q, self.d)
        return self.completed(v, desc.completion)

    def completed(self, v: KernelView, found: Completion) -> Next:
        """Go on after a job was done, for better or worse."""
        if not self.error and self.op == "compress" and v[v.at.iaa.crypto].latched_verify:
            return self.verify
        if decisions.software_can(self.op, found.status):
            self.error = -EAGAIN
        return self.release

    @step
    def verify(self, v: KernelView) -> Next:
        """Have the result decompressed by the same queue, and compare the checksums (I9).

        The descriptor of the compression has been given back by then.
        """
        assert self.out is not None
        return Call(v.ops.iaa_verify(self.cpu, self.q, self.data, self.out), self.verified)

    @step
    def verified(self, v: KernelView) -> Next:
        """Take the verdict: the page counts as failed unless both checksums are the same."""
        self.error = self.result
        return self.release

    @step
    def release(self, v: KernelView) -> Next:
        """Unmap the buffers and drop the reference."""
        v[v.at.iaa.mapped] -= 2
        put_wq(v, self.q)
        return self.ended()

    def ended(self) -> Next:
        """Go on once everything has been given back: 6.12 decompresses in software after -EAGAIN."""
        if self.error == -EAGAIN and self.op == "decompress":
            return self.software
        return Return(self.outcome())

    def outcome(self) -> JobResult:
        """Return what the job came to."""
        return JobResult(self.error) if self.error else JobResult(0, self.length, self.out)

    @step
    def software(self, v: KernelView) -> Next:
        """Decompress in software; one transform serves everybody, and no lock keeps two of them apart."""
        v[v.at.iaa.stats.total_sw_decomp_calls] += 1
        place = v.at.iaa.deflate
        users = v[place].users
        v[place] = evolve(v[place], users=users + 1, clash=v[place].clash or users > 0)
        return self.software_end

    @step
    def software_end(self, v: KernelView) -> Next:
        """Take the result; where two were at it, each has written over what the other needed (IAA-H17)."""
        place = v.at.iaa.deflate
        clash, users = v[place].clash, v[place].users - 1
        v[place] = evolve(v[place], users=users, clash=clash and users > 0)
        return Return(JobResult(0, PAGE_SIZE, DAMAGED) if clash else deflate(v, self.data))

    @step
    def sleep(self, v: KernelView) -> Next:
        """Sleep on the wait object until the interrupt thread has called back with the result."""
        place = v.at.iaa.request[self.req]
        answer = v[place].answer
        if answer is None:
            return Wait(f"an interrupt for the job of {name_of(v, self.q)}")
        v[place] = evolve(v[place], answer=None)
        return Return(answer)


@attrs.define
class AbortsForeign(IaaJob):
    """A job of mainline: idxd aborts what is on its list as if only DMA engines put something there."""

    def abort(self) -> None:
        """Take the context of a crypto request for the descriptor of a DMA engine (IAA-H16, by reading).

        The two share a union: the request pointer is read as a cookie, a DMA address as a channel.  Raises KernelBug.
        """
        raise KernelBug(
            "llist_abort_desc: the context of a crypto request is taken for a dmaengine descriptor"
        )


@attrs.define
class IaaJob612(AbortsForeign):
    """One job in 6.12: it sleeps for a descriptor and looks at its record without end."""

    source: ClassVar[str] = (
        "iaa_comp_acompress() and iaa_comp_adecompress(), iaa_crypto_main.c, Linux 6.12.117"
    )


@attrs.define
class SpinLimit(IaaJob):
    """A job whose completion record is looked at a million times at most (IAA_COMPLETION_TIMEOUT)."""

    @step
    def complete(self, v: KernelView) -> Next:
        """Look at the completion record, a million times at most, then turn the driver off (-ETIMEDOUT).

        The descriptor goes back even though the device may still write to it (IAA-H10).
        """
        if v[descriptors(v, self.q)[self.d]].phase != "done" and v.fails(choices.IAA_SPIN):
            v[v.at.iaa.crypto] = evolve(v[v.at.iaa.crypto], enabled=False)
            free_desc(v, self.q, self.d)
            self.error = -ETIMEDOUT
            return self.timed_out()
        return IaaJob.complete(self, v)

    def timed_out(self) -> Next:
        """Go on after the device was given up: the job fails."""
        return self.release


@attrs.define
class IaaJob73(AbortsForeign, SpinLimit):
    """One job in 7.3: buffers that cannot be mapped are for software, and looking at the record has an end."""

    source: ClassVar[str] = "iaa_comp_acompress() and iaa_comp_adecompress(), iaa_crypto_main.c, Linux 7.3.4"

    def not_mapped(self) -> Next:
        """Go on without mapped buffers: software does the job, in either direction."""
        return self.software

    @step
    def software(self, v: KernelView) -> Next:
        """Do the job in software, with a request of its own."""
        if self.op == "decompress":
            v[v.at.iaa.stats.total_sw_decomp_calls] += 1
            return Return(deflate(v, self.data))
        v[v.at.iaa.stats.total_sw_comp_calls] += 1
        outcome = v.choose(choices.COMPRESS, codec(v).outcomes(self.data))
        if isinstance(outcome, Compressed):
            return Return(JobResult(0, outcome.length, outcome.data))
        return Return(JobResult(-outcome.errno))


@attrs.define
class IaaJobV9(IaaJob):
    """One job in batching v9: it never sleeps for a descriptor; without one a decompression is for software."""

    source: ClassVar[str] = "iaa_comp_acompress() and iaa_comp_adecompress(), batching v9 08/19 and 09/19"
    requirements: ClassVar[tuple[str, ...]] = ("I7", "I8")

    def no_desc(self) -> Next:
        """Go on without a descriptor: a compression fails with -ENODEV, a decompression is for software (I7)."""
        if decisions.software_takes_over(self.op, -ENODEV):
            return self.software
        self.error = -ENODEV
        return self.release

    def not_submitted(self) -> Next:
        """Go on after the device has refused the job: a decompression is for software."""
        return self.software if decisions.software_takes_over(self.op, self.error) else self.release

    def to_be_told(self) -> Next:
        """Go on while an interrupt is to come; a request that is to be polled remembers no descriptor (IAA-H12)."""
        return Return(JobResult(-EINPROGRESS)) if self.poll else self.sleep

    def polled(self, v: KernelView) -> bool:
        """Whether the caller polls: only in the mode "async"."""
        return self.poll and v[v.at.iaa.crypto].latched_mode == "async"

    def completed(self, v: KernelView, found: Completion) -> Next:
        """Go on after a job was done: software decompresses whatever the device could not."""
        if not self.error and self.op == "compress" and v[v.at.iaa.crypto].latched_verify:
            return self.verify
        return self.software if decisions.software_takes_over(self.op, self.error) else self.release

    def ended(self) -> Next:
        """Return what the job came to."""
        return Return(self.outcome())

    @step
    def software(self, v: KernelView) -> Next:
        """Enter the software deflate, one at a time; the buffers may still be mapped for the device (IAA-H11)."""
        place = v.at.iaa.deflate
        if v[place].users:
            return Wait("the mutex of the software deflate")
        v[place] = evolve(v[place], users=1)
        v[v.at.iaa.stats.total_sw_decomp_calls] += 1
        return self.software_end

    @step
    def software_end(self, v: KernelView) -> Next:
        """Leave it with the page."""
        v[v.at.iaa.deflate] = evolve(v[v.at.iaa.deflate], users=0)
        done = deflate(v, self.data)
        v.emit("iaa_software", op=self.op, error=done.error)
        self.error, self.length, self.out = done.error, done.length, done.out
        return self.release_written if self.mapped else Return(self.outcome())

    @step
    def release_written(self, v: KernelView) -> Next:
        """Unmap buffers that the CPU has written: a bounce buffer is copied over the good page (IAA-H11)."""
        if v.fails(choices.IAA_BOUNCE):
            self.out = DAMAGED
        return self.release


@attrs.define
class IaaJobV13(IaaJobV9, SpinLimit):
    """One job in batching v13: a single store submits it, and a decompression always ends in software."""

    source: ClassVar[str] = "iaa_comp_acompress() and iaa_comp_adecompress(), batching v13"

    @step
    def select(self, v: KernelView) -> Next:
        """Ask whether the algorithm is registered (-ENODEV, whatever the direction: IAA-H27); then select a queue.

        In dynamic mode the device takes no more than a page, and software compresses what is longer.
        """
        if not v[v.at.iaa.crypto].registered:
            return Return(JobResult(-ENODEV))
        if options_of(v).dynamic and self.op == "compress" and self.length_in > PAGE_SIZE:
            return self.software_compress
        return IaaJob.select(self, v)

    @step(source="iaa_comp_acompress(), batching v13 17/22")
    def software_compress(self, v: KernelView) -> Next:
        """Compress in software, and count that."""
        v[v.at.iaa.stats.total_sw_comp_calls] += 1
        outcome = v.choose(choices.COMPRESS, codec(v).outcomes(self.data))
        if isinstance(outcome, Compressed):
            return Return(JobResult(0, outcome.length, outcome.data))
        return Return(JobResult(-outcome.errno))

    def without_queue(self) -> Next:
        """Go on without a queue: a compression fails, a decompression is for software."""
        if decisions.software_takes_over(self.op, -ENODEV):
            return self.software
        return Return(JobResult(-ENODEV))

    def timed_out(self) -> Next:
        """Go on after the device was given up: a decompression is for software."""
        return self.software if decisions.software_takes_over(self.op, self.error) else self.release

    def polled(self, v: KernelView) -> bool:
        """Whether the caller polls: the flag alone says so."""
        return self.poll

    @step
    def submit(self, v: KernelView) -> Next:
        """Hand the descriptor to the device, with one store that cannot fail unless an interrupt is asked for."""
        if self.interrupts(v):
            return IaaJob.submit(self, v)
        place = descriptors(v, self.q)[self.d]
        v[place] = evolve(v[place], **self.asked())
        movdir64b(v, self.q, self.d)
        count_submitted(v, self.q, self.op)
        return self.in_flight() if self.polled(v) else self.complete


@attrs.define
class IaaJobV14(IaaJobV13):
    """One job in batching v14: who polls gets no interrupt."""

    source: ClassVar[str] = "iaa_comp_acompress() and iaa_comp_adecompress(), batching v14 16/26 and 17/26"

    def interrupts(self, v: KernelView) -> bool:
        """Whether the device is to interrupt when the job is done: not if the caller polls."""
        return not self.poll and super().interrupts(v)
