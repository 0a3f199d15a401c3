"""The arithmetic of kcompressd's queues: how much a ring holds, and when it is full.

Every function here decides one thing from whole numbers, so that it can be proved as well as tested.  The steps that
call them read the numbers and do what is decided.

Source: lib/kfifo.c, Linux 6.12.117, and the postings of March and April 2025 (K5).
"""

from __future__ import annotations


def items_of_ring(asked: int, size: int) -> int:
    """Return how many items a ring holds that was asked to hold some: its bytes are rounded up to a power of two.

    Indices count bytes and wrap at 2^32; a power of two makes each index mean the same byte before and after.
    asked: items, at least 1.  size: of an item, in bytes.
    Source: kfifo_alloc(), lib/kfifo.c, Linux 6.12.117.
    """
    ring = 1
    while ring < asked * size:
        ring *= 2
    return ring // size


def refuses(waiting: int, capacity: int) -> bool:
    """Whether a queue takes no further folio, which then is compressed where it is (K5).

    waiting: folios in it.  capacity: folios that it holds.
    Source: schedule_bio_write(), RFC of March 2025; swap_writepage(), patch of April 2025.
    """
    return waiting >= capacity
