"""The queue tables of the IAA driver: for each CPU the work queues that its jobs go to (I1 to I5).

Each version has its own way to make them, and they stand side by side here: `by_node` (6.12), `by_running_cpu` (6.18
and 7.3), `by_package` (batching v9 to v14).  All are pure: they take what is bound and return a table for every CPU.

Source: drivers/crypto/intel/iaa/iaa_crypto_main.c; what was read where stands with each function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import attrs

from refmodel.kernel import iaa_mapping as mapping
from refmodel.kernel.iaa_topology import DEVICE_QUEUES, Host, Wq
from refmodel.machine import component


@attrs.frozen
class Attributes:
    """What an administrator sets in /sys/bus/dsa/drivers/crypto before any queue is bound (I1, I3).

    g_comp_wqs_per_iaa: queues of a device that are for compression only.
    distribute_comps, distribute_decomps: whether CPUs share the queues of all devices of their package, or keep to
    those of the device that they are mapped to.

    Raises ValueError for a negative number of queues.
    """

    g_comp_wqs_per_iaa: int
    distribute_comps: bool
    distribute_decomps: bool

    def __attrs_post_init__(self) -> None:
        """Refuse a negative number."""
        if self.g_comp_wqs_per_iaa < 0:
            raise ValueError(f"g_comp_wqs_per_iaa = {self.g_comp_wqs_per_iaa}: expected 0 or more")


@attrs.frozen
class BoundDevice:
    """What the driver knows of a device (``struct iaa_device``).

    id: its number.  wqs: its bound queues, in the order of binding.  mapped: those of them that have a type.
    generic: queues for decompression or both.  comp: queues for compression only.
    """

    id: int
    wqs: tuple[Wq, ...]
    mapped: tuple[Wq, ...] = ()
    generic: tuple[Wq, ...] = ()
    comp: tuple[Wq, ...] = ()

    @property
    def for_compression(self) -> tuple[Wq, ...]:
        """The queues that compression uses: those for it alone, or all if there are none (IAA-25)."""
        return self.comp or self.generic


@component
class Table:
    """The queues of a CPU and where the next job looks (``struct wq_table_entry``).

    wqs: in the order of the table.  cursor: an index into it; what it means depends on the version.
    """

    wqs: tuple[Wq, ...]
    cursor: int = 0


@component
class CpuTables:
    """The tables of one CPU: one object twice where a version has a single table for both directions."""

    comp: Table
    decomp: Table


Devices = Sequence[BoundDevice]
"""In the order in which their first queues were bound."""

Tables = tuple[CpuTables, ...]
"""By CPU number."""

PerIaa = Callable[[int, int], int]
"""How many CPUs each device gets: of CPUs and devices."""


def add_wq(devices: Devices, wq: Wq) -> tuple[BoundDevice, ...]:
    """Return the devices with one more bound queue; a device comes with its first one (I4).

    Source: save_iaa_wq() and add_iaa_wq(), Linux 6.12.117.
    """
    if all(device.id != wq.device for device in devices):
        return (*devices, BoundDevice(wq.device, (wq,)))
    return tuple(
        attrs.evolve(device, wqs=(*device.wqs, wq)) if device.id == wq.device else device
        for device in devices
    )


def remove_wq(devices: Devices, wq: Wq) -> tuple[BoundDevice, ...]:
    """Return the devices without a queue; a device goes with its last one (I4).

    What is typed stays in the device's tables, as written (IAA-H6).
    Source: remove_iaa_wq() and del_iaa_wq(), Linux 6.12.117 and batching v9 06/19.
    """
    left = []
    for device in devices:
        wqs = tuple(each for each in device.wqs if each != wq)
        mapped = tuple(each for each in device.mapped if each != wq)
        if wqs:
            left.append(attrs.evolve(device, wqs=wqs, mapped=mapped))
    return tuple(left)


def type_wqs(device: BoundDevice, g: int) -> BoundDevice:
    """Return a device whose queues all have a type; a type never changes afterwards (I1).

    Queues that have one are counted and passed over.  A full table of generic queues makes the next one
    compress-only.
    Source: map_iaa_device_wqs(), batching v9 06/19, the same in v10 and v13; in v14 UNVERIFIED.
    """
    generic, comp = device.generic, device.comp
    for added, wq in enumerate(device.wqs):
        if wq in device.mapped:
            continue
        if mapping.is_generic(added, len(device.wqs), g) and len(generic) < DEVICE_QUEUES:
            generic = (*generic, wq)
        elif len(comp) < DEVICE_QUEUES:
            comp = (*comp, wq)
    return attrs.evolve(device, mapped=device.wqs, generic=generic, comp=comp)


def type_wqs_documented(device: BoundDevice, g: int) -> BoundDevice:
    """Return a device whose queues have the types that the documentation gives them, all anew (IAA-23).

    Source: Documentation/driver-api/crypto/iaa/iaa-crypto.rst, batching v9 06/19.
    """
    types = mapping.typed_as_documented(len(device.wqs), g)
    return BoundDevice(
        device.id,
        device.wqs,
        device.wqs,
        tuple(wq for wq, generic in zip(device.wqs, types, strict=True) if generic),
        tuple(wq for wq, generic in zip(device.wqs, types, strict=True) if not generic),
    )


def by_node(host: Host, devices: Devices, per_iaa: PerIaa = mapping.cpus_per_iaa) -> Tables:
    """Return the tables that divide devices node by node: all queues of one device for each CPU (I2).

    devices: one or more.  per_iaa: raises ZeroDivisionError if it says 0.
    The count of CPUs begins anew on each node and the count of devices goes on, so that with more nodes than sockets
    there are more places than devices; whoever has a missing one is sent to the first.
    Source: rebalance_wq_table(), Linux 6.12.117.
    """
    share = per_iaa(mapping.cpus_that_count(host.nr_cpus, host.nodes), len(devices))
    positions = [0] * host.nr_cpus
    before = 0
    for cpus in host.node_cpus:
        for index, cpu in enumerate(cpus):
            positions[cpu] = mapping.position_by_node(before, index, share)
        before += mapping.positions_used(len(cpus), share)
    return _whole_devices(devices, positions)


def by_running_cpu(host: Host, devices: Devices, *, restart: bool = False) -> Tables:
    """Return the tables that divide devices by one count of CPUs, node after node: all queues of one device each (I2).

    devices: one or more.  restart: the count begins anew on each node, so the last devices have no CPU.
    Source: rebalance_wq_table(), Linux 7.3.4; restarting since 714ca27e9bf4 (Linux 6.16), until 590fa5d69c27.
    """
    share = mapping.cpus_per_iaa(mapping.cpus_that_count(host.nr_cpus, host.nodes), len(devices))
    positions = [0] * host.nr_cpus
    running = 0
    for cpus in host.node_cpus:
        running = 0 if restart else running
        for cpu in cpus:
            positions[cpu] = mapping.position_running(running, share)
            running += 1
    return _whole_devices(devices, positions)


def _whole_devices(devices: Devices, positions: Sequence[int]) -> Tables:
    """Return tables with all queues of the device at each CPU's position.  With one device that is the one."""
    each = [CpuTables(table, table) for table in (Table(device.wqs) for device in devices)]
    return tuple(each[mapping.existing(position, len(devices))] for position in positions)


def by_package(host: Host, devices: Devices, attributes: Attributes) -> Tables:
    """Return the tables that divide devices by package, for each direction as its attribute says (I2, I3, I5).

    devices: one or more, with types.
    Source: rebalance_wq_table(), batching v9 06/19, the same in v10 and v13; in v14 UNVERIFIED.
    """
    comp = [device.for_compression for device in devices]
    decomp = [device.generic for device in devices]
    make_comp = _shared if attributes.distribute_comps else _mapped
    make_decomp = _shared if attributes.distribute_decomps else _mapped
    both = zip(make_comp(host, comp), make_decomp(host, decomp), strict=True)
    pair = cache(CpuTables)
    return tuple(pair(one, other) for one, other in both)


def mapped_positions(host: Host, devices: int) -> list[int]:
    """Return for each CPU the position of the device that it is mapped to, of so many devices (I2)."""
    per_package = mapping.devices_per_package(devices, host.packages)
    per_iaa = mapping.cpus_per_iaa(host.packages * host.cores, devices)
    return [
        mapping.cpu_to_iaa(cpu.number, cpu.package, host.cores, per_package, per_iaa, devices)
        for cpu in host.cpus
    ]


def _mapped(host: Host, wqs: Sequence[tuple[Wq, ...]]) -> list[Table]:
    """Return for each CPU the queues of its mapped device; the start is 0 (create_cpu_wq_table_from_mapped_device)."""
    tables = [Table(each) for each in wqs]
    return [tables[position] for position in mapped_positions(host, len(wqs))]


def _shared(host: Host, wqs: Sequence[tuple[Wq, ...]]) -> list[Table]:
    """Return for each CPU the queues of its package, from those of its mapped device on.

    CPUs are taken in blocks as long as a package has cores, and a block belongs to the package of its first CPU.  Where
    neighbouring numbers are on different packages, the others of a block get foreign queues (by reading).
    Source: create_cpu_wq_table_from_pkg_wqs().
    """
    of_package = package_wqs(wqs, host.packages)
    per_package = mapping.devices_per_package(len(wqs), host.packages)
    table = cache(Table)
    made = []
    for cpu, position in enumerate(mapped_positions(host, len(wqs))):
        shared = of_package[host.cpus[cpu - cpu % host.cores].package]
        made.append(table(shared, mapping.start_cursor(len(shared), per_package, position)))
    return made


def package_wqs(wqs: Sequence[tuple[Wq, ...]], packages: int) -> list[tuple[Wq, ...]]:
    """Return the queues that each package shares, dealt in the order of the list (I3).

    wqs: of each device.  Where a device sits is not asked.  A single device is dealt to every package; otherwise
    packages come away empty if there are fewer devices than packages, and devices are left over if their number is no
    multiple of the packages.
    Source: reinit_pkg_global_wqs().
    """
    if len(wqs) == 1:
        return [wqs[0]] * packages
    each = mapping.devices_per_package(len(wqs), packages)
    return [
        tuple(wq for device in wqs[package * each : (package + 1) * each] for wq in device)
        for package in range(packages)
    ]


def first_only(host: Host, wq: Wq) -> Tables:
    """Return the tables of a driver that is not enabled: the first queue it ever found, for everything and everybody.

    The self-tests of the algorithm need a queue before the real tables can be made.
    Source: create_cpu_wq_table() and first_wq_found, batching v9 06/19, v10 and v13.
    """
    table = Table((wq,))
    return (CpuTables(table, table),) * host.nr_cpus


def complete(tables: Tables) -> bool:
    """Whether every CPU has a queue for each direction (IAA-19): without it v10 to v13 refuse the tables, v9 does not.

    Source: rebalance_wq_table(), batching v10 02/25 and v13.
    """
    return all(each.comp.wqs and each.decomp.wqs for each in tables)
