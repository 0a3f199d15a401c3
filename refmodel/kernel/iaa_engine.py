"""What an IAA device does by itself: it takes jobs from its queues, and ends them.

Jobs of a queue begin in their order; they end in any.  Which queue of a group is served first is free (priorities:
UNVERIFIED), and so is the engine.

Source: completion records and queues as drivers/dma/idxd and drivers/crypto/intel/iaa use them, Linux 6.12.117.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, CorruptData
from refmodel.kernel.iaa_desc import enabled, name_of
from refmodel.kernel.iaa_state import IaaDesc
from refmodel.kernel.iaa_status import BAD_DATA, OVERFLOW, STATUSES, SUCCESS, Completion
from refmodel.machine import Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from refmodel.kernel.crypto import Codec
    from refmodel.kernel.table import KernelView


def codec(v: KernelView) -> Codec:
    """Return the compressor that is the device's, or that stands for it: the one that the system started with."""
    codecs = v.cfg.codecs
    return codecs.get("deflate-iaa-dynamic") or codecs.get("deflate-iaa") or codecs[v.cfg.compressor]


def can_begin(v: KernelView, q: int) -> bool:
    """Whether an engine can take the next job of a queue."""
    return (
        bool(v[v.at.iaa.wq[q]].fifo) and bool(v[v.at.iaa.idle[v.at.iaa.system.group_of[q]]]) and enabled(v, q)
    )


def can_end(v: KernelView, q: int, d: int) -> bool:
    """Whether an engine has a job, and its device has not halted."""
    return v[v.at.iaa.desc[q][d]].phase == "service" and enabled(v, q)


def engine_work(v: KernelView) -> Iterator[Operation]:
    """Yield what devices can do next, until they rest: first what ends a job, then what begins one."""
    if v.ops.iaa_engine_end is None:
        return
    for q, row in enumerate(v.at.iaa.desc):
        for d, place in enumerate(row):
            if v[place].phase == "service" and enabled(v, q):
                yield v.ops.iaa_engine_end(q, d)
        if can_begin(v, q):
            yield v.ops.iaa_engine_begin(q)


@attrs.define
class IaaEngineBegin(Operation):
    """An engine takes the oldest job of a queue.

    q: number of the queue, which has one.
    """

    source: ClassVar[str] = "the device; drivers/dma/idxd gives its order no name"
    requirements: ClassVar[tuple[str, ...]] = ("I6",)

    q: int

    @step
    def begin(self, v: KernelView) -> Next:
        """Take the job out of the queue: an engine of the queue's group is busy."""
        wq, group = v[v.at.iaa.wq[self.q]], v.at.iaa.idle[v.at.iaa.system.group_of[self.q]]
        d = wq.fifo[0]
        v[v.at.iaa.wq[self.q]] = evolve(wq, fifo=wq.fifo[1:])
        v[group] -= 1
        place = v.at.iaa.desc[self.q][d]
        v[place] = evolve(v[place], phase="service")
        v.emit("iaa_begin", wq=name_of(v, self.q), desc=d)
        return Return()


@attrs.define
class IaaEngineEnd(Operation):
    """An engine ends a job: it writes the output, then the completion record, the status last.

    q, d: queue and descriptor of a job in service.
    """

    source: ClassVar[str] = "struct iax_completion_record, include/uapi/linux/idxd.h, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("I6", "I8")

    q: int
    d: int

    @step
    def end(self, v: KernelView) -> Next:
        """Report what became of the job; the engine is idle again."""
        place = v.at.iaa.desc[self.q][self.d]
        desc = v[place]
        found, length, out = worked(v, desc)
        reported: Completion = v.choose(choices.IAA_STATUS, reports(found, v.at.iaa.system.statuses))
        if reported != SUCCESS:
            length, out = 0, None
        v[place] = evolve(desc, phase="done", completion=reported, length=length, out=out)
        v[v.at.iaa.idle[v.at.iaa.system.group_of[self.q]]] += 1
        v.emit("iaa_end", wq=name_of(v, self.q), desc=self.d, status=reported.status, dlen=length)
        return Return()


@cache
def reports(found: Completion, names: tuple[str, ...]) -> tuple[Completion, ...]:
    """Return what a device may report of a job: what is true, or one of some statuses, whatever is true."""
    return (found, *(STATUSES[name] for name in names if STATUSES[name] != found))


def worked(v: KernelView, desc: IaaDesc) -> tuple[Completion, int, Hashable]:
    """Return what a device that works makes of a job: its report, the length of the output, the output."""
    if desc.op == "compress":
        outcome = v.choose(choices.COMPRESS, codec(v).outcomes(desc.data))
        if isinstance(outcome, Compressed):
            return SUCCESS, outcome.length, outcome.data
        return OVERFLOW, 0, None
    try:
        return SUCCESS, PAGE_SIZE, codec(v).decompress(desc.data)
    except CorruptData:
        return BAD_DATA, 0, None


@attrs.define
class IaaHalt(Operation):
    """A device stops: what it has is not finished, and it takes nothing any more.

    device: its position in the host.
    """

    source: ClassVar[str] = "idxd_misc_thread(), drivers/dma/idxd/irq.c, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("I7",)

    device: int

    @step
    def halt(self, v: KernelView) -> Next:
        """Mark the device as halted; the submission of jobs to its queues fails from here on."""
        v[v.at.iaa.halted[self.device]] = True
        v.emit("iaa_halt", device=self.device)
        return Return()
