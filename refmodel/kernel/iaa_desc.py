"""Descriptors: how one is taken from a queue, handed to the device, and given back (I6, I7).

These are the parts that steps are made of.  Each stands for what no other CPU sees half done.

Source: drivers/dma/idxd/submit.c, Linux 6.12.117 and 7.3.4; iaa_submit_desc_movdir64b(), batching v10 to v14.
"""

from __future__ import annotations

from errno import EAGAIN, EIO, ENXIO
from typing import TYPE_CHECKING

from refmodel.kernel import choices
from refmodel.kernel import iaa_decisions as decisions
from refmodel.kernel.iaa_state import FREE_DESC, IaaDesc
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Place, evolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refmodel.kernel.table import KernelView


class Released(LookupError):
    """Memory of a queue was touched after it was freed."""


def name_of(v: KernelView, q: int) -> str:
    """Return the name of a queue by its number, for example wq1.0."""
    return v.at.iaa.system.names[q]


def descriptors(v: KernelView, q: int) -> Sequence[Place[IaaDesc]]:
    """Return the places of the descriptors of a queue.  Raises Released where their memory has been freed."""
    if not v[v.at.iaa.wq[q]].there:
        raise Released(f"{name_of(v, q)}: its descriptors and completion records have been freed")
    return v.at.iaa.desc[q]


def enabled(v: KernelView, q: int) -> bool:
    """Whether the device of a queue is enabled: it has not halted."""
    return not v[v.at.iaa.halted[v.at.iaa.system.device_of[q]]]


def alloc_desc(v: KernelView, q: int, cpu: int) -> int:
    """Take a descriptor of a queue, the lowest one that is free; return its number or a negative errno.

    Its completion record is zeroed, so that nobody takes what stood there for the end of the new job.  The kernel
    begins its search at a hint of the CPU; which descriptor it is makes no difference to anybody.
    Errors: -EIO if the device is not enabled, -EAGAIN if no descriptor is free.
    Source: idxd_alloc_desc(), drivers/dma/idxd/submit.c, Linux 6.12.117.
    """
    if not enabled(v, q):
        return -EIO
    row, used = descriptors(v, q), v[v.at.iaa.sbitmap[q]]
    d = decisions.descriptor_to_take(used, len(row))
    if d < 0:
        return d
    v[v.at.iaa.sbitmap[q]] = decisions.taken(used, d)
    v[row[d]] = evolve(FREE_DESC, phase="allocated", cpu=cpu)
    return d


def free_desc(v: KernelView, q: int, d: int) -> None:
    """Give a descriptor back.

    What a device still owns stays its own: it will write into the record of whoever has the descriptor then (IAA-5).
    Raises KernelBug for a descriptor that is free: its index would be handed out twice (IAA-H20), and Released.
    Source: idxd_free_desc(), drivers/dma/idxd/submit.c, Linux 6.12.117.
    """
    place = descriptors(v, q)[d]
    used = v[v.at.iaa.sbitmap[q]]
    if not decisions.is_taken(used, d):
        raise KernelBug(f"descriptor {d} of {name_of(v, q)} is freed twice")
    v[v.at.iaa.sbitmap[q]] = decisions.given_back(used, d)
    desc = v[place]
    owned = desc.phase in ("queued", "service")
    v[place] = evolve(desc, cpu=-1) if owned else FREE_DESC
    wake(v, q)


def wake_batch(entries: int) -> int:
    """Return how many descriptors have to come back before sleepers are woken: an eighth of them, 1 to 8.

    Source: sbq_calc_wake_batch(), lib/sbitmap.c, Linux 6.12.117.
    """
    return min(max(entries // 8, 1), 8)


def wake(v: KernelView, q: int) -> None:
    """Count a descriptor that was given back if somebody waits, and wake as many as the batch when it is complete.

    Source: sbitmap_queue_wake_up(), lib/sbitmap.c, Linux 6.12.117.
    """
    place = v.at.iaa.wq[q]
    wq, batch = v[place], wake_batch(len(v.at.iaa.desc[q]))
    if not wq.asleep:
        return
    complete = wq.given + 1 >= batch
    wakes = min(wq.wakes + batch, wq.asleep) if complete else wq.wakes
    v[place] = evolve(wq, given=0 if complete else wq.given + 1, wakes=wakes)


def idxd_submit_desc(v: KernelView, q: int, d: int) -> int:
    """Hand a descriptor to the device through its portal; return 0 or a negative errno.

    A dedicated queue takes it whatever happens: it has as many entries as descriptors.  A shared one can refuse.
    Errors: -EIO if the device is not enabled, -ENXIO once the queue is being removed, -EAGAIN if a shared queue has
    refused at every try.
    Source: idxd_submit_desc(), drivers/dma/idxd/submit.c, Linux 6.12.117.
    """
    if not enabled(v, q):
        return -EIO
    if not v[v.at.iaa.wq[q]].active:
        return -ENXIO
    if v.at.iaa.system.queues[q].mode == "shared" and v.fails(choices.IAA_BUSY):
        return -EAGAIN
    enqueue(v, q, d)
    return 0


def movdir64b(v: KernelView, q: int, d: int) -> None:
    """Hand a descriptor to the device with one 64-byte store, which looks at nothing and cannot fail.

    A shared queue does not take it, and nobody is told (IAA-H15, by reading; what the device does is UNVERIFIED).
    Source: iaa_submit_desc_movdir64b(), batching v10 to v14.
    """
    if v.at.iaa.system.queues[q].mode == "dedicated":
        enqueue(v, q, d)
    else:
        v[descriptors(v, q)[d]] = evolve(v[descriptors(v, q)[d]], phase="queued")


def enqueue(v: KernelView, q: int, d: int) -> None:
    """Append a job to a queue of the device."""
    place = descriptors(v, q)[d]
    v[place] = evolve(v[place], phase="queued")
    wq = v[v.at.iaa.wq[q]]
    v[v.at.iaa.wq[q]] = evolve(wq, fifo=(*wq.fifo, d))
