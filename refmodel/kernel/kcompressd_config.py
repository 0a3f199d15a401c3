"""What a discipline of kcompressd is like, and how big its queues are."""

from __future__ import annotations

from typing import Literal

import attrs

Protects = Literal["writeback", "lock", "reference"]


@attrs.frozen(kw_only=True)
class KcompressdOptions:
    """How a discipline differs from the others where no step does.

    protects: what keeps a folio that waits: its "writeback" flag, its "lock", or lock and a "reference".
    per_node: one thread and one queue a node; otherwise a pool of threads with a queue each.
    most: folios that a queue holds at most.
    zeroed: what a thread is known by is zeroed before its first start (A-X1).
    producer_lock: a lock makes the look for room and the append one step, for whoever appends (A-X3, I-9).
    memalloc: the threads may allocate from the reserves, and do not reclaim by themselves (PF_MEMALLOC).
    keeps_order: nothing is compressed while something older waits in the same queue.
    """

    protects: Protects
    per_node: bool
    most: int
    zeroed: bool = True
    producer_lock: bool = True
    memalloc: bool = True
    keeps_order: bool = False


@attrs.frozen
class KcompressdSystem:
    """The queues of a system.

    queues: how many, each with a thread; None for one, or one a node.  capacity: folios that each holds.
    kswapds: how many reclaim at the same time; each node has one.
    """

    queues: int | None = None
    capacity: int = 2
    kswapds: int = 1


def queues_of(options: KcompressdOptions, system: KcompressdSystem, nodes: int) -> int:
    """Return how many queues there are.

    Raises ValueError for queues, a capacity or a number of kswapds that there cannot be.
    """
    if not 1 <= system.kswapds <= nodes:
        raise ValueError(f"{system.kswapds} kswapds: expected at most {nodes}, one for each node")
    if not 1 <= system.capacity <= options.most:
        raise ValueError(
            f"queue of {system.capacity} folios: expected 1 to {options.most}, which its ring can hold"
        )
    if options.per_node and system.queues not in (None, nodes):
        raise ValueError(
            f"{system.queues} queues: expected {nodes}, for this discipline has one for each node; leave queues out"
        )
    queues = system.queues or (nodes if options.per_node else 1)
    if not 1 <= queues <= 4:
        raise ValueError(f"{queues} queues: expected 1 to 4, as many as threads were posted")
    return queues
