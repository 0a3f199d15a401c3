"""A host as the IAA driver sees it: packages, memory nodes, CPUs, and devices with engines and work queues (I1, I6).

A work queue (WQ) belongs to a device and has some of the device's entries; a group ties queues to the engines that
serve them.  Only what the driver's mapping of queues to CPUs depends on is here.

Source: drivers/dma/idxd/sysfs.c wq_size_store() and drivers/crypto/intel/iaa/iaa_crypto_main.c, Linux 6.12.117;
engines and queues of a device: QEMU, "QPL Compression"; its entries: cover letter of batching v13.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import attrs

DEVICE_ENTRIES = 128
"""Entries that the queues of a device divide among them."""

DEVICE_QUEUES = 8
"""Queues of a device (MAX_IAA_WQ, batching v9), and pointers in a table of 6.12 (idxd->max_wqs)."""

DEVICE_ENGINES = 8
"""Engines of a device."""

Mode = Literal["dedicated", "shared"]


class ImpossibleHost(ValueError):
    """A host that cannot be.

    key: what is wrong, as host files call it.  found, expected, hint: the parts of the message.
    position: of the device in the host that it is about, None for the host itself.
    """

    def __init__(
        self, key: str, found: str, expected: str, hint: str = "", *, position: int | None = None
    ) -> None:
        self.key, self.found, self.expected, self.hint = key, found, expected, hint
        self.position = position
        super().__init__(f"{found}; expected {expected}{f'; {hint}' if hint else ''}")


class Wq(NamedTuple):
    """The name of a work queue.

    device: number of its device (``idxd->id``).  number: of the queue in it.
    """

    device: int
    number: int

    def __str__(self) -> str:
        """Return the name that accel-config and sysfs use: wq1.0."""
        return f"wq{self.device}.{self.number}"


@attrs.frozen
class Queue:
    """A work queue as configured.

    size: entries.  mode: "dedicated" to one submitter, or "shared".  threshold: entries of a shared queue that may be
    in use, 0 for a dedicated one.  group: whose engines serve it.

    Raises ImpossibleHost for what idxd refuses to enable (IDXD_SCMD_WQ_NO_THRESH for a shared one without threshold).
    """

    size: int
    mode: Mode = "dedicated"
    threshold: int = 0
    group: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse a queue without entries, and a threshold that does not go with the mode."""
        if self.size < 1:
            raise ImpossibleHost("size", f"queue of {self.size} entries", "1 or more")
        if self.mode == "dedicated" and self.threshold:
            raise ImpossibleHost(
                "threshold", f"threshold {self.threshold} of a dedicated queue", "none", "make it shared"
            )
        if self.mode == "shared" and not 1 <= self.threshold <= self.size:
            raise ImpossibleHost(
                "threshold", f"threshold {self.threshold} of a shared queue", f"1 to its size, {self.size}"
            )

    @property
    def descriptors(self) -> int:
        """Descriptors that the kernel gives it: as many as jobs may be in flight (I6)."""
        return self.threshold if self.mode == "shared" else self.size


def _eight_engines() -> tuple[int, ...]:
    return (0,) * DEVICE_ENGINES


@attrs.frozen
class Device:
    """An IAA device.

    id: its number, which names it and its queues.  package: the socket that it sits in.
    queues: in the order in which they are bound.  engines: the group of each.

    Raises ImpossibleHost for more queues, entries or engines than a device has, and for a queue that nothing serves.
    """

    id: int
    package: int
    queues: tuple[Queue, ...]
    engines: tuple[int, ...] = attrs.field(factory=_eight_engines)

    def __attrs_post_init__(self) -> None:
        """Refuse what a device has no room for."""
        if not 1 <= len(self.queues) <= DEVICE_QUEUES:
            raise ImpossibleHost("queues", f"{self.name}: {len(self.queues)} queues", f"1 to {DEVICE_QUEUES}")
        if not 1 <= len(self.engines) <= DEVICE_ENGINES:
            raise ImpossibleHost(
                "engines", f"{self.name}: {len(self.engines)} engines", f"1 to {DEVICE_ENGINES}"
            )
        if self.entries > DEVICE_ENTRIES:
            sizes = " + ".join(str(queue.size) for queue in self.queues)
            added = f"{sizes} = {self.entries}" if len(self.queues) > 1 else sizes
            fit = DEVICE_ENTRIES // len(self.queues)
            raise ImpossibleHost(
                "queues",
                f"{self.name}: queues of {added} entries",
                f"at most the {DEVICE_ENTRIES} of a device",
                f"{fit} each would fit",
            )
        for number, queue in enumerate(self.queues):
            if queue.group not in self.engines:
                raise ImpossibleHost(
                    "queues",
                    f"{self.name}: queue {number} is in group {queue.group}, which has no engine",
                    f"one of the groups with engines ({', '.join(map(str, sorted(set(self.engines))))})",
                )

    @property
    def name(self) -> str:
        """The name that sysfs gives it: iax1."""
        return f"iax{self.id}"

    @property
    def entries(self) -> int:
        """Entries of all its queues."""
        return sum(queue.size for queue in self.queues)

    @property
    def wqs(self) -> tuple[Wq, ...]:
        """The names of its queues, in the order in which they are bound."""
        return tuple(Wq(self.id, number) for number in range(len(self.queues)))


class Cpu(NamedTuple):
    """A logical CPU.

    number: as the kernel counts.  package, node: where it is.  core: of its package.  thread: of its core.
    """

    number: int
    package: int
    node: int
    core: int
    thread: int


Number = Callable[["Host", int, int, int], int]
"""The number of a CPU: of a host, its package, core of the package, and thread of the core."""

NUMBERINGS: dict[str, Number] = {
    "threads-last": lambda host, package, core, thread: (
        (thread * host.packages + package) * host.cores + core
    ),
    "siblings-adjacent": lambda host, package, core, thread: (
        (package * host.cores + core) * host.threads + thread
    ),
    "packages-in-turn": lambda host, package, core, thread: (
        (thread * host.cores + core) * host.packages + package
    ),
}
"""How firmware numbers CPUs.

threads-last: package by package, the first threads of all cores before the second ones.
siblings-adjacent: package by package, the threads of a core side by side.
packages-in-turn: neighbouring numbers are on different packages.
"""


@attrs.frozen
class Host:
    """A machine with IAA devices.

    packages: sockets.  nodes: memory nodes with CPUs; they divide the cores into runs, package by package.
    cores: of a package.  threads: of a core.  devices: in the order in which their first queue is bound.
    numbering: a name of ``NUMBERINGS``.

    Raises ImpossibleHost for a host without CPUs or devices, for more nodes than cores, and for devices with the
    same number or in a package that is not there.
    """

    packages: int
    nodes: int
    cores: int
    threads: int
    devices: tuple[Device, ...]
    numbering: str = "threads-last"

    def __attrs_post_init__(self) -> None:
        """Refuse what no machine is."""
        for key in ("packages", "nodes", "cores", "threads"):
            if getattr(self, key) < 1:
                raise ImpossibleHost(key, f"{key} = {getattr(self, key)}", "1 or more")
        if self.nodes > self.packages * self.cores:
            raise ImpossibleHost(
                "nodes",
                f"nodes = {self.nodes}",
                f"at most one for each of the {self.packages * self.cores} cores",
                "nodes without CPUs do not count",
            )
        if self.numbering not in NUMBERINGS:
            raise ImpossibleHost(
                "numbering", f"numbering {self.numbering!r}", f"one of {', '.join(NUMBERINGS)}"
            )
        self._check_devices()

    def _check_devices(self) -> None:
        if not self.devices:
            raise ImpossibleHost("device", "no devices", "at least one", "add a [[device]]")
        ids = [device.id for device in self.devices]
        for position, device in enumerate(self.devices):
            if not 0 <= device.package < self.packages:
                raise ImpossibleHost(
                    "package",
                    f"{device.name} in package {device.package}",
                    f"0 to {self.packages - 1}",
                    position=position,
                )
            if device.id in ids[:position]:
                raise ImpossibleHost(
                    "id",
                    f"{device.name} twice",
                    "each device once",
                    "give each group its id",
                    position=position,
                )

    @property
    def nr_cpus(self) -> int:
        """Logical CPUs (num_possible_cpus)."""
        return self.packages * self.cores * self.threads

    @cached_property
    def cpus(self) -> tuple[Cpu, ...]:
        """All logical CPUs by number."""
        number = NUMBERINGS[self.numbering]
        total = self.packages * self.cores
        made = [
            Cpu(
                number(self, package, core, thread),
                package,
                (package * self.cores + core) * self.nodes // total,
                core,
                thread,
            )
            for package in range(self.packages)
            for core in range(self.cores)
            for thread in range(self.threads)
        ]
        return tuple(sorted(made))

    @cached_property
    def node_cpus(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the CPUs of each node, ascending (cpumask_of_node)."""
        return tuple(tuple(cpu.number for cpu in self.cpus if cpu.node == node) for node in range(self.nodes))

    @cached_property
    def queues(self) -> dict[Wq, Queue]:
        """Every queue by name, in the order in which they are bound."""
        return {
            wq: queue for device in self.devices for wq, queue in zip(device.wqs, device.queues, strict=True)
        }

    def device(self, id: int) -> Device:
        """Return a device by its number.  Raises LookupError for one that is not there."""
        return next(device for device in self.devices if device.id == id)


def cpulist(numbers: Sequence[int]) -> str:
    """Return CPU numbers in the kernel's list format: runs as 0-13, every second one as 0-12:1/2.

    numbers: ascending.  Source: lib/bitmap-str.c bitmap_parselist(), Linux 6.12.
    """
    parts, at = [], 0
    while at < len(numbers):
        step = numbers[at + 1] - numbers[at] if at + 1 < len(numbers) else 1
        end = at
        while end + 1 < len(numbers) and numbers[end + 1] - numbers[end] == step:
            end += 1
        if end == at or (step > 1 and end - at < 2):
            end = at
        parts.append(_run(numbers[at], numbers[end], step))
        at = end + 1
    return ",".join(parts)


def _run(first: int, last: int, step: int) -> str:
    if first == last:
        return str(first)
    return f"{first}-{last}" if step == 1 else f"{first}-{last}:1/{step}"
