"""Small systems with IAA devices, and what runs on them alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.iaa_config import IaaSystem, one_device
from refmodel.kernel.iaa_poll import device_work
from refmodel.kernel.iaa_topology import Queue
from refmodel.machine import run
from refmodel.museum import without_known_bugs
from refmodel.profiles import preset, profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from refmodel.kernel.table import KernelView
    from refmodel.machine import ChoicePoint, Operation

DRIVERS = ("iaa-6.12", "iaa-7.3", "iaa-v5", "iaa-v8", "iaa-v9", "iaa-v13", "iaa-v14")
BATCHES = DRIVERS[2:]
TRIES = DRIVERS[3:]
"""Drivers whose jobs never sleep for a descriptor."""


def system(name: str, *queues: Queue, cpus: int = 1, written: bool = False, **fixed: Any) -> KernelView:
    """Return a system with tokens for pages; its queues have 8 entries in all if none are given."""
    made = profile(name) if written else without_known_bugs(profile(name))
    sizes = attrs.evolve(preset("toy"), cpus=cpus, nodes=1, max_batch=8)
    devices = IaaSystem(one_device(cpus, queues or (Queue(8),)), **fixed)
    return made.system(
        made.config(sizes, {"tokens": Symbolic("tokens", (1024,))}, compressor="tokens", iaa=devices)
    )


def serve(v: KernelView) -> bool:
    """Let the device do one thing; return whether there was any."""
    work = device_work(v)
    if work is not None:
        run(v, work, while_waiting=partial(serve, v))
    return work is not None


def do(v: KernelView, operation: Operation) -> Any:
    """Run an operation to its end, while the device works."""
    return run(v, operation, while_waiting=partial(serve, v))


def answers(**taken: Sequence[int]) -> Any:
    """Return an environment that takes the options that are named by choice point, and else the first."""
    left = {name: list(options) for name, options in taken.items()}

    def choose(point: ChoicePoint, options: Sequence[Any]) -> Any:
        queue = left.get(point.name)
        return options[queue.pop(0) if queue else 0]

    return choose


def counted(v: KernelView) -> dict[str, int]:
    """Return the counters of the driver that are not 0."""
    stats = v.at.iaa.stats
    values = {field.name: v[getattr(stats, field.name)] for field in attrs.fields(type(stats))}
    return {name: value for name, value in values.items() if value}
