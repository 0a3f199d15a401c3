"""What holds for the queue tables of the IAA driver (IAA-19 to IAA-31; I1 to I4).

A judge looks at one state of a driver and returns what is wrong with it, or None.  Its docstring is the sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from refmodel.kernel.iaa_driver import DriverState
from refmodel.kernel.iaa_tables import (
    Attributes,
    BoundDevice,
    CpuTables,
    mapped_positions,
    package_wqs,
    type_wqs_documented,
)
from refmodel.kernel.iaa_topology import Host, Wq


def lacks_queue(state: DriverState) -> str | None:
    """While the driver is enabled, each CPU has a queue for each direction (IAA-19).

    Broken by fewer devices than packages where nobody checks: batching v9.
    """
    for cpu, tables in enumerate(state.tables if state.enabled else ()):
        if not (tables.comp.wqs and tables.decomp.wqs):
            return f"CPU {cpu}: no queue for a direction; expected one at least"
    return None


def has_unbound_queue(state: DriverState) -> str | None:
    """Every queue in the table of a CPU is bound (IAA-20).

    Broken by an unbind in batching v9 (IAA-H6), v10 and v13 (IAA-H4).
    """
    bound = [wq for device in state.devices for wq in device.wqs]
    for cpu, tables in enumerate(state.tables):
        for wq in (*tables.comp.wqs, *tables.decomp.wqs):
            if wq not in bound:
                return f"CPU {cpu}: {wq} in its tables is not bound; expected bound queues only"
    return None


def shares_otherwise(host: Host, attributes: Attributes, state: DriverState) -> str | None:
    """Where queues of a package are shared, each of its CPUs has all that were dealt to it, and no others (IAA-21).

    Broken by CPU numbers that alternate between packages: the driver takes a run of numbers for a package (by reading).
    """
    for distribute, direction in _directions(attributes):
        dealt = package_wqs([_for(device, direction) for device in state.devices], host.packages)
        for cpu in host.cpus if distribute else ():
            wqs, meant = _wqs(state.tables[cpu.number], direction), dealt[cpu.package]
            if wqs != meant:
                return (
                    f"CPU {cpu.number} of package {cpu.package}: {_names(wqs)} to {direction}; "
                    f"expected {_names(meant)}"
                )
    return None


def strays_from_device(host: Host, attributes: Attributes, state: DriverState) -> str | None:
    """Where queues are not shared, a CPU has those of the device that it is mapped to, for the direction (IAA-22).

    Broken by an unbind in batching v10 and v13 (IAA-H4).
    """
    positions = mapped_positions(host, len(state.devices))
    for distribute, direction in _directions(attributes):
        for cpu, position in enumerate(() if distribute else positions):
            wqs, meant = _wqs(state.tables[cpu], direction), _for(state.devices[position], direction)
            if wqs != meant:
                return f"CPU {cpu}: {_names(wqs)} to {direction}; expected {_names(meant)}"
    return None


def typed_otherwise(attributes: Attributes, state: DriverState) -> str | None:
    """A device with n queues has g for compression only, if g < n, and otherwise none (IAA-23, IAA-24).

    Broken by three queues that are bound one after the other (batching v9 to v13).
    """
    for device in state.devices:
        meant = type_wqs_documented(device, attributes.g_comp_wqs_per_iaa)
        if (device.generic, device.comp) != (meant.generic, meant.comp):
            return (
                f"device {device.id}: {_names(device.generic)} generic and {_names(device.comp)} for compression; "
                f"expected {_names(meant.generic)} and {_names(meant.comp)}"
            )
    return None


def running_shares(host: Host, devices: int) -> list[int]:
    """Return how many CPUs each of so many devices gets from one running count, in closed form (IAA-28).

    Holds for at least as many CPUs as devices, and nodes with equally many CPUs.
    """
    each, rest = divmod(host.nr_cpus, devices)
    return [each + rest, *[each] * (devices - 1)]


def package_shares(host: Host, devices: int) -> list[int]:
    """Return how many cores each of so many devices gets from the mapping by package, in closed form (IAA-28).

    Holds if every package has the same number of devices, and no more of them than cores.  The cores that are left over
    in a package fall on the devices that follow, in the next package; past the end, on the last one.
    """
    of_package = devices // host.packages
    each, rest = divmod(host.cores, of_package)
    shares = [each] * devices
    for package in range(host.packages):
        for core in range(rest):
            following = (package + 1) * of_package + core // each
            shares[min(following, devices - 1)] += 1
    return shares


def cpus_of_devices(state: DriverState) -> list[int]:
    """Return how many CPUs decompress on each device; those that use several count for the first."""
    counts = Counter(tables.decomp.wqs[0].device for tables in state.tables if tables.decomp.wqs)
    return [counts[device.id] for device in state.devices]


def _directions(attributes: Attributes) -> Iterator[tuple[bool, str]]:
    yield attributes.distribute_comps, "compress"
    yield attributes.distribute_decomps, "decompress"


def _for(device: BoundDevice, direction: str) -> tuple[Wq, ...]:
    return device.for_compression if direction == "compress" else device.generic


def _wqs(tables: CpuTables, direction: str) -> tuple[Wq, ...]:
    return (tables.comp if direction == "compress" else tables.decomp).wqs


def _names(wqs: Sequence[Wq]) -> str:
    return " ".join(map(str, wqs)) or "none"
