"""Which IAA device a CPU gets, and how many CPUs share one."""

from __future__ import annotations

from refmodel.engines.contract import breaks
from refmodel.kernel import iaa_mapping as iaa

CPUS = 4096
"""CPUs of a host, at most."""

DEVICES = 64
"""Devices of a host, at most."""


def nobody_divides_by_zero(cpus: int, devices: int) -> int:
    """Every device gets a CPU at least, so that its share can be divided by.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c save_iaa_wq(), since 5a7e89d3315d
    Requirement: I2

    pre: 1 <= cpus <= CPUS
    pre: 1 <= devices <= DEVICES
    post: _ >= 1
    post: implies(cpus >= devices, _ * devices <= cpus < (_ + 1) * devices)
    """
    return iaa.cpus_per_iaa(cpus, devices)


@breaks(nobody_divides_by_zero, iaa.cpus_per_iaa)
def is_the_released_one(cpus: int, devices: int) -> int:
    """With more devices than CPUs the share is 0, which crashed Linux 6.8 as released (CVE-2024-26945)."""
    return cpus // devices


@breaks(nobody_divides_by_zero, iaa.cpus_per_iaa)
def rounds_the_share_up(cpus: int, devices: int) -> int:
    """The share is rounded up."""
    return -(-cpus // devices)


def every_node_counts_as_many_cpus(cpus: int, nodes: int) -> int:
    """The CPUs that count are as many on each node; less than one a node is forgotten.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_crypto_init_module(), Linux 6.12.117
    Requirement: I2

    pre: 1 <= nodes <= 16
    pre: nodes <= cpus <= CPUS
    post: _ % nodes == 0
    post: _ <= cpus < _ + nodes
    """
    return iaa.cpus_that_count(cpus, nodes)


@breaks(every_node_counts_as_many_cpus, iaa.cpus_that_count)
def counts_them_all(cpus: int, nodes: int) -> int:
    """Every CPU counts, also where nodes have different numbers of them."""
    return cpus


@breaks(every_node_counts_as_many_cpus, iaa.cpus_that_count)
def counts_one_node(cpus: int, nodes: int) -> int:
    """The CPUs of a single node count."""
    return nodes


def a_node_takes_the_positions_it_needs(cpus: int, per_iaa: int) -> int:
    """The CPUs of a node have positions for all of them, and not a whole share to spare.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c rebalance_wq_table(), Linux 6.12.117
    Requirement: I2

    pre: 0 <= cpus <= CPUS
    pre: 1 <= per_iaa <= CPUS
    post: (_ - 1) * per_iaa < cpus <= _ * per_iaa
    post: isinstance(_, int)
    """
    return iaa.positions_used(cpus, per_iaa)


@breaks(a_node_takes_the_positions_it_needs, iaa.positions_used)
def leaves_the_rest(cpus: int, per_iaa: int) -> int:
    """CPUs that do not fill a share have no position."""
    return cpus // per_iaa


@breaks(a_node_takes_the_positions_it_needs, iaa.positions_used)
def takes_parts_of_positions(cpus: int, per_iaa: int) -> int:
    """The number of positions is no whole number."""
    return (cpus + per_iaa - 1) / per_iaa  # type: ignore[return-value]  # that is wrong


def positions_of_a_node_follow_those_before(before: int, index: int, per_iaa: int, cpus: int) -> int:
    """The position of a CPU lies among those that its node takes.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c rebalance_wq_table(), Linux 6.12.117
    Requirement: I2

    pre: 0 <= before <= CPUS
    pre: 0 <= index < cpus <= CPUS
    pre: 1 <= per_iaa <= 256
    post: before <= _ < before + iaa.positions_used(cpus, per_iaa)
    post: isinstance(_, int)
    """
    return iaa.position_by_node(before, index, per_iaa)


@breaks(positions_of_a_node_follow_those_before, iaa.position_by_node)
def forgets_the_nodes_before(before: int, index: int, per_iaa: int) -> int:
    """Every node begins with the first device."""
    return index // per_iaa


@breaks(positions_of_a_node_follow_those_before, iaa.position_by_node)
def is_between_two_devices(before: int, index: int, per_iaa: int) -> int:
    """The position is no whole number."""
    return before + index / per_iaa  # type: ignore[return-value]  # that is wrong


def neighbours_share_a_device(index: int, per_iaa: int) -> tuple[int, int]:
    """CPUs are dealt in their order: the next one has the same position or the next, which begins with a whole share.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c rebalance_wq_table() of 590fa5d69c27
    Requirement: I2

    pre: 0 <= index <= CPUS
    pre: 1 <= per_iaa <= 256
    post: _[1] - _[0] == (1 if (index + 1) % per_iaa == 0 else 0)
    """
    return iaa.position_running(index, per_iaa), iaa.position_running(index + 1, per_iaa)


@breaks(neighbours_share_a_device, iaa.position_running)
def deals_them_in_turn(index: int, per_iaa: int) -> int:
    """Neighbours have different devices."""
    return index


def a_missing_device_is_the_first(position: int, devices: int) -> int:
    """There is a device at every position that is used; what is meant for a missing one goes to the first.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c wq_table_add_wqs(), Linux 6.12.117
    Requirement: I2

    pre: 0 <= position <= CPUS
    pre: 1 <= devices <= DEVICES
    post: 0 <= _ < devices
    post: implies(position < devices, _ == position)
    post: implies(position >= devices, _ == 0)
    """
    return iaa.existing(position, devices)


@breaks(a_missing_device_is_the_first, iaa.existing)
def reads_past_the_devices(position: int, devices: int) -> int:
    """The table has a device more than there are."""
    return position if position <= devices else 0


@breaks(a_missing_device_is_the_first, iaa.existing)
def takes_the_second(position: int, devices: int) -> int:
    """Every CPU has the last device."""
    return devices - 1


def packages_have_a_device_each(devices: int, packages: int) -> int:
    """A package counts one device at least, and all packages together no more than there are, where there are enough.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c save_iaa_wq(), batching v9 06/19
    Requirement: I2

    pre: 1 <= devices <= DEVICES
    pre: 1 <= packages <= 16
    post: _ >= 1
    post: implies(devices >= packages, _ * packages <= devices)
    """
    return iaa.devices_per_package(devices, packages)


@breaks(packages_have_a_device_each, iaa.devices_per_package)
def has_none(devices: int, packages: int) -> int:
    """With more packages than devices a package has none."""
    return devices // packages


@breaks(packages_have_a_device_each, iaa.devices_per_package)
def counts_the_others(devices: int, packages: int) -> int:
    """A package counts devices of others."""
    return -(-devices // packages)


def a_cpu_is_mapped_to_a_device_that_exists(
    cpu: int, package: int, cores: int, per_package: int, per_iaa: int, devices: int
) -> int:
    """Every CPU has a device, that of its package where there are as many as the package counts.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c cpu_to_iaa(), batching v9 06/19
    Requirement: I2

    pre: 0 <= cpu < CPUS
    pre: 0 <= package < 4
    pre: 1 <= cores <= 128
    pre: 1 <= per_package <= 8
    pre: 1 <= per_iaa <= 128
    pre: 1 <= devices <= 32
    post: 0 <= _ < devices
    post: implies(cpu % cores == 0, _ == min(package * per_package, devices - 1))
    post: isinstance(_, int)
    """
    return iaa.cpu_to_iaa(cpu, package, cores, per_package, per_iaa, devices)


@breaks(a_cpu_is_mapped_to_a_device_that_exists, iaa.cpu_to_iaa)
def is_not_clamped(cpu: int, package: int, cores: int, per_package: int, per_iaa: int, devices: int) -> int:
    """A CPU of the last package can be mapped past the last device."""
    return package * per_package + cpu % cores // per_iaa


@breaks(a_cpu_is_mapped_to_a_device_that_exists, iaa.cpu_to_iaa)
def forgets_the_package(
    cpu: int, package: int, cores: int, per_package: int, per_iaa: int, devices: int
) -> int:
    """All packages have the same devices."""
    return min(cpu % cores // per_iaa, devices - 1)


@breaks(a_cpu_is_mapped_to_a_device_that_exists, iaa.cpu_to_iaa)
def is_mapped_between_devices(
    cpu: int, package: int, cores: int, per_package: int, per_iaa: int, devices: int
) -> int:
    """The position is no whole number."""
    return package * per_package + cpu % cores / per_iaa  # type: ignore[return-value]  # that is wrong
