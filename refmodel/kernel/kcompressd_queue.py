"""What producers and threads do with a queue of kcompressd, each in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refmodel.kernel import kcompressd_decisions
from refmodel.kernel.folio import get_folio, live_folio
from refmodel.kernel.state import Folio
from refmodel.machine import evolve

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation


def is_full(v: KernelView, queue: int) -> bool:
    """Whether a queue holds as many folios as it may."""
    waiting = len(v[v.at.kcompressd.queue[queue]].fifo)
    return kcompressd_decisions.refuses(waiting, v.at.kcompressd.capacity)


def put(v: KernelView, queue: int, folio: int) -> None:
    """Append a folio to a queue, with a reference where the discipline takes one (B-sub.6, C-sub.3, C-sub.4)."""
    _count(v, queue, folio)
    place = v.at.kcompressd.queue[queue]
    v[place] = evolve(v[place], fifo=(*v[place].fifo, folio))


def submit(v: KernelView, queue: int, folio: int) -> bool:
    """Append a folio to a queue; return whether it is there.

    Without a lock among several producers this only finds its position (kfifo_in), and ``publish`` is to follow.
    """
    options = v.cfg.options.kcompressd
    assert options is not None
    v.emit("kcompressd_submit", folio=folio, kswapds=v[v.at.kcompressd.kswapd])
    if options.producer_lock or v.at.kcompressd.kswapds == 1:
        put(v, queue, folio)
        return True
    _count(v, queue, folio)
    place = v.at.kcompressd.queue[queue]
    v[place] = evolve(v[place], putting=(*v[place].putting, (folio, len(v[place].fifo))))
    return False


def _count(v: KernelView, queue: int, folio: int) -> None:
    """Count a folio that is submitted, and take the reference of the queue."""
    assert v.cfg.options.kcompressd is not None
    if v.cfg.options.kcompressd.protects == "reference":
        get_folio(v, folio)
    v[v.at.kcompressd.count.pending] += 1
    v[v.at.kcompressd.count.submitted] += 1
    record = live_folio(v, folio)
    v.emit("kcompressd_put", queue=queue, folio=folio, memcg=record.memcg, dirty=record.dirty)


def publish(v: KernelView, queue: int, folio: int) -> None:
    """Write a folio where its position was found, and let the queue end behind it: what others appended is lost."""
    place = v.at.kcompressd.queue[queue]
    position = dict(v[place].putting)[folio]
    putting = tuple(each for each in v[place].putting if each[0] != folio)
    fifo = (*v[place].fifo[: max(position, 0)], folio)[: position + 1]
    v[place] = evolve(v[place], fifo=fifo, putting=putting)


def refuse(v: KernelView, queue: int, folio: int) -> None:
    """Note that a queue has no room for a folio, which its submitter compresses (K5)."""
    v[v.at.kcompressd.count.inline_full] += 1
    waiting = len(v[v.at.kcompressd.queue[queue]].fifo)
    v.emit("kcompressd_refused", folio=folio, swp=live_folio(v, folio).swap, waiting=waiting)


def put_bio(v: KernelView, folio: int) -> None:
    """Give a reference to the bio of a folio's write back; the last one frees it.

    Raises LookupError when there is none, which no correct run reaches.
    """
    place = v.at.kcompressd.bio[folio]
    if not v[place]:
        raise LookupError(f"bio of folio {folio}: freed twice")
    v[place] -= 1


def take(v: KernelView, queue: int, position: int = 0) -> int:
    """Take a folio out of a queue that is not empty, by default the oldest, to see to it."""
    place = v.at.kcompressd.queue[queue]
    fifo = v[place].fifo
    folio = fifo[position]
    left = (*fifo[:position], *fifo[position + 1 :])
    putting = tuple((number, at - 1) for number, at in v[place].putting)
    v[place] = evolve(v[place], fifo=left, serving=(*v[place].serving, folio), putting=putting)
    v.emit("kcompressd_take", queue=queue, folio=folio, ahead=position)
    return folio


def complete(v: KernelView, queue: int, folio: int) -> None:
    """Give up what was taken out of a queue: the caller lets go of what protected it in the same step."""
    place = v.at.kcompressd.queue[queue]
    serving = list(v[place].serving)
    serving.remove(folio)
    v[place] = evolve(v[place], serving=tuple(serving))
    v[v.at.kcompressd.count.pending] -= 1
    v.emit("kcompressd_done", queue=queue, folio=folio)


def wake(v: KernelView, queue: int) -> None:
    """Wake the thread of a queue if it sleeps; start it if it was not started yet (A-sub.5, B-sub.7)."""
    place = v.at.kcompressd.queue[queue]
    if v[place].thread in ("sleeping", "not started"):
        v[place] = evolve(v[place], thread="running")
        v[v.at.kcompressd.count.wakeups] += 1


def protected(v: KernelView, folio: Folio) -> bool:
    """Whether a folio has what the discipline protects it with while it waits."""
    options = v.cfg.options.kcompressd
    assert options is not None
    return folio.writeback if options.protects == "writeback" else folio.locked


def thread_work(v: KernelView) -> Operation | None:
    """Return what the first thread that runs does next, None while all sleep."""
    for queue, place in enumerate(v.at.kcompressd.queue):
        if v[place].thread == "running":
            run: Operation = v.ops.kcompressd_run(queue)
            return run
    return None
