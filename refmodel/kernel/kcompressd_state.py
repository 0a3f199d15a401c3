"""The state of kcompressd: queues of folios whose compression is put off, and the threads that see to them.

Source: "Improve Zram by separating compression context from kswapd" (RFC, 7 March 2025) and "[PATCH] mm: Add
Kcompressd for accelerated memory compression" (30 April 2025), Qun-Wei Lin and Barry Song.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import attrs

from refmodel.kernel.kcompressd_config import KcompressdSystem, queues_of
from refmodel.machine import Layout, Place, component

if TYPE_CHECKING:
    from refmodel.kernel.config import Config

Run = Literal["garbage", "not started", "running", "sleeping", "gone", "left"]


@component
class KcompressdQueue:
    """A queue and its thread.

    fifo: folios that wait, oldest first.
    serving: folios that were taken out and still have what protected them in the queue; for properties, as the
        kernel has them in local variables.
    thread: what the thread does.  "garbage" stands for memory that nobody has set; a thread that
        has "left" has ended although nobody told it to, and nobody knows.
    stopping: somebody waits for its end.  torn: the ring was freed.
    putting: folios that producers without a lock are about to append, each with the position that it takes.
    """

    fifo: tuple[int, ...] = ()
    serving: tuple[int, ...] = ()
    thread: Run = "sleeping"
    stopping: bool = False
    torn: bool = False
    putting: tuple[tuple[int, int], ...] = ()


@attrs.frozen
class KcompressdCounters:
    """Places of counters; no posting exports any.

    pending: folios submitted and not completed.  The rest are events: submitted to a queue; compressed by kswapd
    because the queue was full, or because the folio may not be queued; taken over by kswapd from a full queue;
    wake-ups; pages moved to the cold end when their write ended (pgrotated), and such moves that came to nothing;
    passes of kswapd that were held back because writes do not end.
    """

    pending: Place[int]
    submitted: Place[int]
    inline_full: Place[int]
    inline_gate: Place[int]
    helped: Place[int]
    wakeups: Place[int]
    rotated: Place[int]
    rotation_lost: Place[int]
    throttled: Place[int]


@attrs.frozen
class KcompressdPlaces:
    """Places of kcompressd; without it the rows are empty.

    capacity: folios that a queue holds.  kswapds: kswapds that can reclaim at the same time.
    """

    capacity: int
    kswapds: int
    queue: Sequence[Place[KcompressdQueue]]
    limit: Place[int]
    """Folios that the descendants let wait, at most (vm.kcompressd); 0: none."""
    kswapd: Place[int]
    """How many kswapds reclaim, at most ``kswapds``."""
    bio: Sequence[Place[int]]
    """[folio]: references to the bios of its writes, where bios are queued."""
    count: KcompressdCounters


def describe_kcompressd(layout: Layout, config: Config) -> KcompressdPlaces:
    """Lay out the queues of a system: all are empty, and their threads sleep or were not started yet."""
    options = config.options.kcompressd
    system = config.kcompressd or KcompressdSystem()
    queues, first = 0, KcompressdQueue()
    if options is not None:
        queues = queues_of(options, system, config.sizes.nodes)
        if not options.per_node:
            first = KcompressdQueue(thread="not started" if options.zeroed else "garbage")
    bios = options is not None and options.protects == "writeback"
    names = [field.name for field in attrs.fields(KcompressdCounters)]
    return KcompressdPlaces(
        capacity=system.capacity,
        kswapds=system.kswapds,
        queue=layout.row("kcompressd.queue", queues, first),
        limit=layout.one("kcompressd.limit", system.capacity),
        kswapd=layout.one("kcompressd.kswapd", 0),
        bio=layout.row("kcompressd.bio", config.sizes.folios + 1 if bios else 0, 0),
        count=KcompressdCounters(
            **{name: layout.counter(f"kcompressd.{name}", grows=name != "pending") for name in names}
        ),
    )
