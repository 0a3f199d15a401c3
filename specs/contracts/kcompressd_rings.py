"""The rings of kcompressd: how much they hold, and that indices which wrap lose nothing.

The kernel keeps a queue in a ring of bytes with two indices that only grow, modulo 2^32.  The model keeps a tuple, so
that queues that hold the same are the same state.  The contracts below put the ring beside the tuple: from any indices,
what a ring holds after a step is what the model's queue holds.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import NamedTuple

from refmodel.engines.contract import breaks
from refmodel.engines.part_of_system import part_of_system
from refmodel.kernel import kcompressd_decisions as decisions
from refmodel.kernel import kcompressd_queue as queues
from refmodel.kernel.kcompressd_state import KcompressdQueue
from refmodel.kernel.state import Folio
from refmodel.kernel.table import KernelView

WRAP = 2**32
"""Indices are 32 bits wide."""

RING = 8
"""Bytes of a ring, a power of two."""

ITEMS = 2
"""Items in a ring, at most, beside the one that comes or goes."""

FRESH = 99
"""The folio that is to be put into the queue."""


class Ring(NamedTuple):
    """A ring as the kernel has it.

    cells: its bytes.  put, taken: bytes that were ever put in and taken out, modulo 2^32.
    """

    cells: tuple[int, ...]
    put: int
    taken: int


def cell_of(index: int) -> int:
    """Return the byte of the ring that an index means."""
    return index % RING


def bytes_in(ring: Ring) -> int:
    """Return how many bytes a ring holds."""
    return (ring.put - ring.taken) % WRAP


def items_in(ring: Ring, size: int) -> tuple[int, ...]:
    """Return the items that a ring holds, oldest first: each fills its bytes, which the end of the ring may part."""
    starts = range(0, bytes_in(ring), size)
    items = [tuple([ring.cells[cell_of(ring.taken + at + k)] for k in range(size)]) for at in starts]
    return tuple([item[0] for item in items if len(set(item)) == 1])


def put_in(ring: Ring, item: int, size: int) -> Ring:
    """Put an item behind the others of a ring that has room for it."""
    cells = list(ring.cells)
    for k in range(size):
        cells[cell_of(ring.put + k)] = item
    return Ring(tuple(cells), (ring.put + size) % WRAP, ring.taken)


def take_from(ring: Ring, size: int) -> Ring:
    """Take the oldest item from a ring that is not empty."""
    return ring._replace(taken=(ring.taken + size) % WRAP)


def _ring(taken: int, items: tuple[int, ...], size: int) -> Ring:
    """Return a ring that holds items from an index on."""
    ring = Ring((0,) * RING, taken, taken)
    for item in items:
        ring = put_in(ring, item, size)
    return ring


def _queue(items: tuple[int, ...]) -> KernelView:
    """Return a system with a queue of the model that holds the same."""
    count = SimpleNamespace(pending=1, submitted=2)
    return part_of_system(
        [KcompressdQueue(items), len(items), 0, Folio(0, 0, (1,))],
        cfg=SimpleNamespace(options=SimpleNamespace(kcompressd=SimpleNamespace(protects="lock"))),
        kcompressd=SimpleNamespace(queue=[0], count=count, capacity=RING),
        folio={FRESH: 3},
    )


def a_ring_holds_less_than_twice_what_was_asked_for(asked: int, size: int) -> int:
    """A ring has room for what was asked for; rounded up to a power of two, it has less than twice that.

    Source: lib/kfifo.c kfifo_alloc(), Linux 6.12.117
    Requirement: K5

    pre: 1 <= asked <= 4096
    pre: size in (1, 8, 24)
    post: _ >= asked
    post: _ < 2 * asked
    """
    return decisions.items_of_ring(asked, size)


@breaks(a_ring_holds_less_than_twice_what_was_asked_for, decisions.items_of_ring)
def rounds_down(asked: int, size: int) -> int:
    """The bytes are rounded down to a power of two."""
    ring = 1
    while 2 * ring <= asked * size:
        ring *= 2
    return ring // size


@breaks(a_ring_holds_less_than_twice_what_was_asked_for, decisions.items_of_ring)
def rounds_up_twice(asked: int, size: int) -> int:
    """A power of two is rounded up to the next one."""
    ring = 1
    while ring <= asked * size:
        ring *= 2
    return ring // size


def queues_hold_what_the_postings_come_to(bios: bool) -> int:
    """Rings for 4096 bios of 24 bytes hold 5461 of them; those for 256 folios hold 256.

    Source: RFC of 7 March 2025, INIT_QUEUE_SIZE; patch of 30 April 2025, KCOMPRESS_FIFO_SIZE; lib/kfifo.c
    Requirement: K5

    post: _ == (5461 if bios else 256)
    """
    return decisions.items_of_ring(4096, 24) if bios else decisions.items_of_ring(256, 8)


@breaks(queues_hold_what_the_postings_come_to, decisions.items_of_ring)
def holds_what_was_asked_for(asked: int, size: int) -> int:
    """Nothing is rounded."""
    return asked


def a_queue_refuses_what_it_has_no_room_for(waiting: int, capacity: int) -> bool:
    """One folio more fits exactly if it is not refused.

    Source: lib/kfifo.c kfifo_in(), Linux 6.12.117
    Requirement: K5

    pre: 1 <= capacity <= 5461
    pre: 0 <= waiting <= capacity
    post: _ == (waiting + 1 > capacity)
    """
    return decisions.refuses(waiting, capacity)


@breaks(a_queue_refuses_what_it_has_no_room_for, decisions.refuses)
def takes_one_too_many(waiting: int, capacity: int) -> bool:
    """A full queue takes a folio more, which overwrites the oldest."""
    return waiting > capacity


@breaks(a_queue_refuses_what_it_has_no_room_for, decisions.refuses)
def keeps_a_place(waiting: int, capacity: int) -> bool:
    """One place stays empty, as in rings that tell full from empty by it."""
    return waiting + 1 >= capacity


def indices_wrap_and_the_ring_holds_the_same(
    taken: int, items: tuple[int, ...]
) -> tuple[int, tuple[int, ...]]:
    """From any index on, before and after the wrap, a ring holds what was put into it, in that order.

    Source: lib/kfifo.c, Linux 6.12.117
    Requirement: K5
    Random: RING = 256, ITEMS = 256

    pre: 0 <= taken < WRAP
    pre: len(items) <= ITEMS
    post: _[0] == len(items)
    post: _[1] == items
    """
    ring = _ring(taken, items, 1)
    return bytes_in(ring), items_in(ring, 1)


@breaks(indices_wrap_and_the_ring_holds_the_same, bytes_in)
def forgets_the_wrap(ring: Ring) -> int:
    """Indices are subtracted as if they never wrapped."""
    return max(ring.put - ring.taken, 0)


@breaks(indices_wrap_and_the_ring_holds_the_same, cell_of)
def has_a_ring_of_seven(index: int) -> int:
    """A ring whose size is no power of two loses its place at the wrap."""
    return index % (RING - 1)


def a_put_is_a_put_of_the_model(
    taken: int, items: tuple[int, ...], size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """From any indices: where the ring has room, it holds after a put what the queue of the model holds after it.

    Source: lib/kfifo.c kfifo_in(), Linux 6.12.117
    Requirement: K5
    Random: RING = 64, ITEMS = 64

    pre: 0 <= taken < WRAP
    pre: size in (1, 3)
    pre: len(items) <= ITEMS
    pre: (len(items) + 1) * size <= RING
    pre: all(1 <= item <= 8 for item in items)
    post: _[0] == _[1]
    """
    v = _queue(items)
    queues.put(v, 0, FRESH)
    return items_in(put_in(_ring(taken, items, size), FRESH, size), size), v[0].fifo


@breaks(a_put_is_a_put_of_the_model, put_in)
def writes_over_the_oldest(ring: Ring, item: int, size: int) -> Ring:
    """An item goes where the oldest one is."""
    cells = list(ring.cells)
    for k in range(size):
        cells[cell_of(ring.taken + k)] = item
    return Ring(tuple(cells), (ring.put + size) % WRAP, ring.taken)


@breaks(a_put_is_a_put_of_the_model, queues.put)
def is_put_in_front(v: KernelView, queue: int, folio: int) -> None:
    """The model puts a folio at the head."""
    v[0] = KcompressdQueue((folio, *v[0].fifo))


def a_take_is_a_take_of_the_model(
    taken: int, items: tuple[int, ...], size: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """From any indices: a ring that is not empty holds after a take what the queue of the model holds after it.

    Source: lib/kfifo.c kfifo_out(), Linux 6.12.117
    Requirement: K5
    Random: RING = 64, ITEMS = 64

    pre: 0 <= taken < WRAP
    pre: size in (1, 3)
    pre: 1 <= len(items) <= ITEMS
    pre: len(items) * size <= RING
    pre: all(1 <= item <= 8 for item in items)
    post: _[0] == _[1]
    """
    v = _queue(items)
    queues.take(v, 0)
    return items_in(take_from(_ring(taken, items, size), size), size), v[0].fifo


@breaks(a_take_is_a_take_of_the_model, take_from)
def takes_one_byte(ring: Ring, size: int) -> Ring:
    """A single byte is taken, whatever an item has."""
    return ring._replace(taken=(ring.taken + 1) % WRAP)


@breaks(a_take_is_a_take_of_the_model, queues.take)
def takes_nothing(v: KernelView, queue: int, position: int = 0) -> int:
    """The model leaves the folio in the queue."""
    folio: int = v[0].fifo[0]
    return folio
