"""What a system with IAA devices is like: the host, and what a version of the driver does with it."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import attrs

from refmodel.kernel.iaa_driver import DriverState, IaaDriver
from refmodel.kernel.iaa_status import ONE_OF_EACH, STATUSES
from refmodel.kernel.iaa_tables import Attributes
from refmodel.kernel.iaa_topology import Device, Host, Queue, Wq

SyncMode = Literal["sync", "async", "async_irq"]

SYNC_MODES: tuple[SyncMode, ...] = ("sync", "async", "async_irq")
"""How a caller may wait for its job: look until it is done, poll it later, be told by an interrupt."""

MAX_BATCH_JOBS = 8
"""Jobs that one call may hand over (IAA_CRYPTO_MAX_BATCH_SIZE, batching v5 to v14; I10)."""


@attrs.frozen(kw_only=True)
class IaaOptions:
    """How a version of the driver differs from the others where no step does.

    driver: how it makes its tables.
    comp_tries, decomp_tries: attempts to get a descriptor, 0 to sleep until there is one (I7).
    sync_mode, verify_compress: the attributes until somebody sets them (I8, I9).
    dynamic: the device makes Huffman tables of its own, and takes no more than a page at a time.
    """

    driver: IaaDriver
    comp_tries: int
    decomp_tries: int
    sync_mode: SyncMode
    verify_compress: bool
    dynamic: bool = False


@attrs.frozen
class IaaSystem:
    """The IAA devices of a system, and what is set.

    host: machine, devices, queues.  Its CPUs are the system's.
    attributes: of queue use, None for those of the version.
    verify_compress, sync_mode: None for those of the version.
    tries: attempts to get a descriptor, instead of those of the version; None for those.
    statuses: names of what devices may report besides success, of ``STATUSES``.
    unbound: queues that nobody has bound at the start.

    Raises ValueError for a status or a mode that does not exist, for less than one attempt, and for a queue that is
    not there.
    """

    host: Host
    attributes: Attributes | None = None
    verify_compress: bool | None = None
    sync_mode: SyncMode | None = None
    tries: int | None = None
    statuses: tuple[str, ...] = ONE_OF_EACH
    unbound: tuple[Wq, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be set."""
        for status in self.statuses:
            if status not in STATUSES:
                raise ValueError(f"status {status!r}: expected one of {', '.join(STATUSES)}")
        if self.sync_mode is not None and self.sync_mode not in SYNC_MODES:
            raise ValueError(f"sync_mode {self.sync_mode!r}: expected one of {', '.join(SYNC_MODES)}")
        if self.tries is not None and self.tries < 1:
            raise ValueError(f"tries = {self.tries}: expected 1 or more attempts")
        for wq in self.unbound:
            if wq not in self.host.queues:
                raise ValueError(f"queue {wq}: expected one of {', '.join(map(str, self.host.queues))}")

    @cached_property
    def wqs(self) -> tuple[Wq, ...]:
        """The names of all queues; the model counts queues in this order."""
        return tuple(self.host.queues)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all queues as they are printed, by number."""
        return tuple(str(wq) for wq in self.wqs)

    @cached_property
    def number(self) -> dict[Wq, int]:
        """The number of each queue."""
        return {wq: number for number, wq in enumerate(self.wqs)}

    @cached_property
    def queues(self) -> tuple[Queue, ...]:
        """How each queue is configured, by number."""
        return tuple(self.host.queues.values())

    @cached_property
    def device_of(self) -> tuple[int, ...]:
        """The position in the host of the device of each queue, by number."""
        positions = {device.id: position for position, device in enumerate(self.host.devices)}
        return tuple(positions[wq.device] for wq in self.wqs)

    @cached_property
    def groups(self) -> tuple[tuple[int, int], ...]:
        """Position of the device and number of the group, for all groups that have engines."""
        return tuple(
            (position, group)
            for position, device in enumerate(self.host.devices)
            for group in sorted(set(device.engines))
        )

    @cached_property
    def group_of(self) -> tuple[int, ...]:
        """The place in ``groups`` of the group of each queue, by number."""
        return tuple(
            self.groups.index((self.device_of[number], queue.group))
            for number, queue in enumerate(self.queues)
        )

    def engines(self, group: int) -> int:
        """Return how many engines a group has, by its place in ``groups``."""
        position, number = self.groups[group]
        return self.host.devices[position].engines.count(number)

    def bound(self, driver: IaaDriver) -> DriverState:
        """Return the state of a driver once the queues are bound that are bound at the start, one by one."""
        state = DriverState()
        for wq in self.wqs:
            if wq not in self.unbound:
                state = driver.bind(self.host, self.attributes, state, wq)
        return state


def one_device(
    cpus: int, queues: tuple[Queue, ...] = (Queue(8),), engines: int = 1, devices: int = 1
) -> Host:
    """Return a host of one package with so many CPUs, and devices that are all alike."""
    made = tuple(Device(number, 0, queues, (0,) * engines) for number in range(devices))
    return Host(packages=1, nodes=1, cores=cpus, threads=1, devices=made)
