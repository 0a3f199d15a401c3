"""From any legal queue of kcompressd: first in, first out, nothing is lost, and nobody sleeps over work.

Each contract runs what the steps run, on a system of which only the queue is there.  The queue is built from unknown
values that obey its invariant, whether a run leads to them or not; afterwards the invariant has to hold again.
"""

from __future__ import annotations

from types import SimpleNamespace

from refmodel.engines.contract import breaks
from refmodel.engines.part_of_system import part_of_system
from refmodel.kernel import kcompressd_queue as queues
from refmodel.kernel.kcompressd_state import KcompressdQueue, Run
from refmodel.kernel.state import Folio
from refmodel.kernel.table import KernelView
from refmodel.machine import evolve

FOLIOS = 3
"""Folios that wait or are served, at most."""

THREADS: tuple[Run, ...] = ("garbage", "not started", "running", "sleeping", "gone", "left")
"""What a thread can be doing."""

QUEUE, PENDING, SUBMITTED, WAKEUPS, FOLIO, KSWAPD = range(6)
"""Places."""

FRESH = 99
"""The number of a folio that is in no queue."""


def _system(
    fifo: tuple[int, ...], serving: tuple[int, ...] = (), thread: Run = "running", protects: str = "lock"
) -> KernelView:
    """Return a system with one queue, and the folio that is to be put into it."""
    count = SimpleNamespace(pending=PENDING, submitted=SUBMITTED, wakeups=WAKEUPS)
    options = SimpleNamespace(kcompressd=SimpleNamespace(protects=protects, producer_lock=False))
    return part_of_system(
        [
            KcompressdQueue(fifo, serving, thread),
            len(fifo) + len(serving),
            0,
            0,
            Folio(0, 0, (1,), refs=1),
            0,
        ],
        cfg=SimpleNamespace(options=options),
        kcompressd=SimpleNamespace(queue=[QUEUE], count=count, capacity=FOLIOS, kswapd=KSWAPD, kswapds=2),
        folio={FRESH: FOLIO},
    )


def who_comes_last_waits_last(fifo: tuple[int, ...], serving: tuple[int, ...]) -> tuple[KcompressdQueue, int]:
    """A folio that is put into any queue stands behind all that wait there, and counts as pending.

    Source: [PATCH] mm: Add Kcompressd for accelerated memory compression, 30 April 2025
    Requirement: K5
    Random: FOLIOS = 256

    pre: len(fifo) <= FOLIOS
    pre: len(serving) <= 2
    post: _[0].fifo == (*fifo, FRESH)
    post: _[0].serving == serving
    post: _[1] == len(fifo) + len(serving) + 1
    """
    v = _system(fifo, serving)
    queues.put(v, 0, FRESH)
    return v[QUEUE], v[PENDING]


@breaks(who_comes_last_waits_last, queues.put)
def jumps_the_queue(v: KernelView, queue: int, folio: int) -> None:
    """The folio goes to the head, and nobody counts it."""
    v[QUEUE] = evolve(v[QUEUE], fifo=(folio, *v[QUEUE].fifo))


@breaks(who_comes_last_waits_last, queues.put)
def serves_it_at_once(v: KernelView, queue: int, folio: int) -> None:
    """The folio is served before those that wait."""
    v[QUEUE] = evolve(v[QUEUE], serving=(*v[QUEUE].serving, folio))


def an_append_in_two_steps_is_one_if_nobody_comes_between(
    fifo: tuple[int, ...], other: bool
) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Without a lock a producer finds its place, then writes: alone it appends; who appended meanwhile is lost (I-9).

    Source: lib/kfifo.c kfifo_in(), Linux 6.12.117; RFC of 7 March 2025, whose author admits several producers
    Requirement: K5
    Random: FOLIOS = 40

    pre: len(fifo) <= FOLIOS
    post: _[0] == (*fifo, FRESH)
    post: _[1] == ()
    """
    v = _system(fifo)
    queues.submit(v, 0, FRESH)
    if other:
        v[QUEUE] = evolve(v[QUEUE], fifo=(*v[QUEUE].fifo, FRESH + 1))
    queues.publish(v, 0, FRESH)
    return v[QUEUE].fifo, v[QUEUE].putting


@breaks(an_append_in_two_steps_is_one_if_nobody_comes_between, queues.publish)
def writes_at_the_end(v: KernelView, queue: int, folio: int) -> None:
    """A producer looks for the end once more, and is never done with its append."""
    v[QUEUE] = evolve(v[QUEUE], fifo=(*v[QUEUE].fifo, folio))


@breaks(an_append_in_two_steps_is_one_if_nobody_comes_between, queues.submit)
def finds_the_head(v: KernelView, queue: int, folio: int) -> bool:
    """The place that is found is the first, whoever waits there."""
    v[QUEUE] = evolve(v[QUEUE], putting=((folio, 0),))
    return False


def who_waits_is_protected(fifo: tuple[int, ...], protects: str) -> int:
    """A folio in a queue has one reference more exactly where the discipline takes one for it.

    Source: kcompressd-unofficial 0.5 for 6.12.44; [PATCH] mm: Add Kcompressd, 30 April 2025
    Requirement: K5

    pre: len(fifo) <= FOLIOS
    pre: protects in ("writeback", "lock", "reference")
    post: _ == (2 if protects == "reference" else 1)
    """
    v = _system(fifo, protects=protects)
    queues.put(v, 0, FRESH)
    folio: Folio = v[FOLIO]
    return folio.refs


@breaks(who_waits_is_protected, queues.put)
def takes_no_reference(v: KernelView, queue: int, folio: int) -> None:
    """Nobody has a reference for the queue (K05)."""
    v[QUEUE] = evolve(v[QUEUE], fifo=(*v[QUEUE].fifo, folio))


def the_oldest_is_taken_first(
    fifo: tuple[int, ...], serving: tuple[int, ...]
) -> tuple[int, KcompressdQueue, int]:
    """The folio that has waited longest is taken; it is served from there on and pending still.

    Source: [PATCH] mm: Add Kcompressd for accelerated memory compression, 30 April 2025
    Requirement: K5
    Random: FOLIOS = 256

    pre: 1 <= len(fifo) <= FOLIOS
    pre: len(serving) <= 2
    post: _[0] == fifo[0]
    post: _[1].fifo == fifo[1:]
    post: _[1].serving == (*serving, fifo[0])
    post: _[2] == len(fifo) + len(serving)
    """
    v = _system(fifo, serving)
    return queues.take(v, 0), v[QUEUE], v[PENDING]


@breaks(the_oldest_is_taken_first, queues.take)
def takes_the_newest(v: KernelView, queue: int, position: int = 0) -> int:
    """The folio that came last is taken, nobody serves it, and it does not count any more."""
    folio: int = v[QUEUE].fifo[-1]
    v[QUEUE] = evolve(v[QUEUE], fifo=v[QUEUE].fifo[:-1])
    v[PENDING] -= 1
    return folio


@breaks(the_oldest_is_taken_first, queues.take)
def leaves_it_in_the_queue(v: KernelView, queue: int, position: int = 0) -> int:
    """The folio stays in the queue, to be served twice."""
    folio: int = v[QUEUE].fifo[0]
    v[QUEUE] = evolve(v[QUEUE], serving=(*v[QUEUE].serving, folio))
    return folio


def what_is_done_was_served(
    fifo: tuple[int, ...], serving: tuple[int, ...], at: int
) -> tuple[KcompressdQueue, int]:
    """A folio that is done is served no more and pending no more; those that wait are left alone.

    Source: [PATCH] mm: Add Kcompressd for accelerated memory compression, 30 April 2025
    Requirement: K5
    Random: FOLIOS = 40

    pre: len(fifo) <= FOLIOS
    pre: 1 <= len(serving) <= FOLIOS
    pre: all(serving[i] != serving[j] for i in range(len(serving)) for j in range(i))
    pre: 0 <= at < len(serving)
    post: _[0].fifo == fifo
    post: _[0].serving == (*serving[:at], *serving[at + 1:])
    post: _[1] == len(fifo) + len(serving) - 1
    """
    v = _system(fifo, serving)
    queues.complete(v, 0, serving[at])
    return v[QUEUE], v[PENDING]


@breaks(what_is_done_was_served, queues.complete)
def forgets_who_waits(v: KernelView, queue: int, folio: int) -> None:
    """The queue is emptied with the first folio that is done, and all of them stay pending."""
    v[QUEUE] = KcompressdQueue()


def all_come_out_in_the_order_in_which_they_came(fifo: tuple[int, ...]) -> tuple[int, ...]:
    """From any queue with one more put into it, folios are taken in the order of their coming until none is left.

    Source: lib/kfifo.c, Linux 6.12.117
    Requirement: K5
    Random: FOLIOS = 40

    pre: len(fifo) <= FOLIOS
    post: _ == (*fifo, FRESH)
    """
    v = _system(fifo)
    queues.put(v, 0, FRESH)
    return tuple([queues.take(v, 0) for _ in range(len(fifo) + 1)])


@breaks(all_come_out_in_the_order_in_which_they_came, queues.take)
def takes_the_last_first(v: KernelView, queue: int, position: int = 0) -> int:
    """Last in, first out."""
    folio: int = v[QUEUE].fifo[-1]
    v[QUEUE] = evolve(v[QUEUE], fifo=v[QUEUE].fifo[:-1])
    return folio


def a_queue_is_full_at_its_capacity(fifo: tuple[int, ...]) -> bool:
    """A queue takes folios as long as it holds fewer than it may, and not one more.

    Source: schedule_bio_write(), RFC of 7 March 2025; swap_writepage(), patch of 30 April 2025
    Requirement: K5
    Random: FOLIOS = 256

    pre: len(fifo) <= FOLIOS
    post: _ == (len(fifo) == FOLIOS)
    """
    return queues.is_full(_system(fifo), 0)


@breaks(a_queue_is_full_at_its_capacity, queues.is_full)
def keeps_one_place_free(v: KernelView, queue: int) -> bool:
    """The last place is never used."""
    return len(v[QUEUE].fifo) + 1 >= v.at.kcompressd.capacity


def nobody_sleeps_over_work(fifo: tuple[int, ...], kind: int) -> tuple[str, int]:
    """After a wake-up no thread sleeps or waits to be started; one that ran, or that is no more, is left alone.

    Source: schedule_bio_write(), RFC of 7 March 2025; swap_writepage(), patch of 30 April 2025
    Requirement: K5

    pre: len(fifo) <= FOLIOS
    pre: 0 <= kind < len(THREADS)
    post: _[0] not in ("sleeping", "not started")
    post: implies(THREADS[kind] not in ("sleeping", "not started"), _ == (THREADS[kind], 0))
    post: implies(THREADS[kind] in ("sleeping", "not started"), _ == ("running", 1))
    """
    v = _system(fifo, thread=THREADS[kind])
    queues.wake(v, 0)
    return v[QUEUE].thread, v[WAKEUPS]


@breaks(nobody_sleeps_over_work, queues.wake)
def forgets_to_wake(v: KernelView, queue: int) -> None:
    """A thread that sleeps is left asleep (K02)."""


@breaks(nobody_sleeps_over_work, queues.wake)
def wakes_the_dead(v: KernelView, queue: int) -> None:
    """A thread that has ended runs again, and every call counts as a wake-up."""
    v[QUEUE] = evolve(v[QUEUE], thread="running")
    v[WAKEUPS] += 2
