"""Hold and wait: batches that hold descriptors of a queue and want one more (I7, IAA-57, IAA-H26)."""

from __future__ import annotations

import attrs

from refmodel.engines.command import Command
from refmodel.engines.scope import SMALL, Scope, Thread
from refmodel.kernel.choices import CPU
from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_topology import Queue


def can_hang(batches: int, jobs: int, entries: int) -> bool:
    """Whether batches that sleep for descriptors can all wait for each other.

    batches: how many run at a time.  jobs: of each.  entries: descriptors of their queue.
    Each waits when it holds all but one of its descriptors, at most; so it takes that all descriptors can be held by
    batches that each lack one.
    """
    return batches * (jobs - 1) >= entries


def scope(batches: int, jobs: int, entries: int, tries: int | None = None) -> Scope:
    """Return a scope in which so many batches run at a time on one queue, each on a CPU of its own.

    tries: attempts to get a descriptor, where the version has a limit.
    """
    host = one_device(batches, (Queue(entries),))
    return Scope(
        name=f"{batches} batches of {jobs} on {entries}",
        threads=tuple(
            Thread(f"task_{cpu}", (Command("iaa_compress_batch", (cpu, jobs)),)) for cpu in range(batches)
        ),
        sizes=attrs.evolve(SMALL, cpus=batches),
        fixed=(CPU.name,),
        iaa=IaaSystem(host, tries=tries),
    )
