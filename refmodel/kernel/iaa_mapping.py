"""The arithmetic of the IAA driver: which device a CPU gets, which queue is of which type, which queue is next.

Every function here decides one thing from whole numbers, so that it can be proved as well as tested.  "Position" is
the place of a device in the driver's list, which is the order in which first queues were bound.

Source: drivers/crypto/intel/iaa/iaa_crypto_main.c, read in Linux 6.12.117 and 7.3.4, in the patches named below, and
in a driver that has the contents of batching v13 (I1 to I5).
"""

from __future__ import annotations


def cpus_per_iaa_unbounded(cpus: int, devices: int) -> int:
    """Return how many of ``cpus`` each of ``devices`` gets: 0 where there are more devices than CPUs.

    Callers divide by it.  devices: 1 or more.
    Source: save_iaa_wq() before 5a7e89d3315d (Linux 6.8 as released, CVE-2024-26945).
    """
    return cpus // devices


def cpus_per_iaa(cpus: int, devices: int) -> int:
    """Return how many of ``cpus`` each of ``devices`` gets, at least 1 (IAA-29).

    Source: save_iaa_wq(), since 5a7e89d3315d.
    """
    return max(cpus_per_iaa_unbounded(cpus, devices), 1)


def cpus_that_count(cpus: int, nodes: int) -> int:
    """Return the CPUs that are divided among the devices: as many on each node, the rest is forgotten.

    Source: iaa_crypto_init_module(), nr_cpus_per_node, Linux 6.12.117.
    """
    return nodes * (cpus // nodes)


def positions_used(cpus: int, per_iaa: int) -> int:
    """Return how many positions the CPUs of one node take: the last one may be taken by fewer than ``per_iaa``."""
    return (cpus + per_iaa - 1) // per_iaa


def position_by_node(before: int, index: int, per_iaa: int) -> int:
    """Return the position for the CPU that is number ``index`` on its node (I2).

    before: positions that the nodes before it have taken.  The count begins anew on each node, so a host with more
    nodes than sockets takes more positions than there are devices.
    Source: rebalance_wq_table(), Linux 6.12.117.
    """
    return before + index // per_iaa


def position_running(index: int, per_iaa: int) -> int:
    """Return the position for the CPU that is number ``index`` of all, node after node.

    Source: rebalance_wq_table() of 590fa5d69c27, as in Linux 7.3.4.
    """
    return index // per_iaa


def existing(position: int, devices: int) -> int:
    """Return a position at which there is a device: the first takes what is meant for missing ones.

    Source: wq_table_add_wqs(), Linux 6.12.117.
    """
    return position if position < devices else 0


def devices_per_package(devices: int, packages: int) -> int:
    """Return how many devices each package counts as its own, at least 1 (IAA-29).

    Source: save_iaa_wq(), batching v9 06/19.
    """
    return max(devices // packages, 1)


def cpu_to_iaa(cpu: int, package: int, cores: int, per_package: int, per_iaa: int, devices: int) -> int:
    """Return the position of the device that a CPU is mapped to (I2).

    cpu: its number.  package: its package.  cores: physical cores of a package, which numbers are taken modulo.
    per_package: devices of a package.  per_iaa: cores of a device.  devices: how many there are, 1 or more.
    What is past the last device is mapped to the last one.
    Source: cpu_to_iaa(), batching v9 06/19, the same in v10 and v13; in v14 UNVERIFIED.
    """
    position = package * per_package + cpu % cores // per_iaa
    return position if position < devices else devices - 1


def start_cursor(queues: int, per_package: int, position: int) -> int:
    """Return where in a shared table a CPU begins: at the queues of the device that it is mapped to.

    queues: in the table.  per_package: devices of a package.  position: of the mapped device.
    Source: set_cpu_wq_table_start_wq(), batching v9 06/19, the same in v10 and v13; in v14 UNVERIFIED.
    """
    start = queues // per_package * (position % per_package)
    return start if start < queues else 0


def is_generic(added: int, queues: int, g: int) -> bool:
    """Whether the next queue of a device is for decompression or both; otherwise it is for compression only (I1).

    added: queues of the device before it.  queues: those that are bound at this moment.  g: g_comp_wqs_per_iaa.
    Source: map_iaa_device_wqs(), batching v9 06/19, the same in v10 and v13; in v14 UNVERIFIED.
    """
    return added == 0 or added + g < queues


def is_generic_documented(index: int, queues: int, g: int) -> bool:
    """Whether the documentation has a queue of a device for decompression or both (IAA-23).

    index: in the order of binding.  queues: all of the device.  g: g_comp_wqs_per_iaa.  The last g are for compression
    only; with no more than g queues all are for both.
    Source: Documentation/driver-api/crypto/iaa/iaa-crypto.rst, batching v9 06/19 and comments of v13.
    """
    return queues <= g or index < queues - g


def typed_one_shot(queues: int, g: int) -> tuple[bool, ...]:
    """Return for each queue of a device whether it is generic, if all were bound before any is typed."""
    return tuple(is_generic(index, queues, g) for index in range(queues))


def typed_one_by_one(queues: int, g: int) -> tuple[bool, ...]:
    """Return for each queue whether it is generic, if it is typed as soon as it is bound, which is what happens.

    Known from reading the code, not from a run: with any g above 0 all but the first are for compression only.
    """
    return tuple(is_generic(index, index + 1, g) for index in range(queues))


def typed_as_documented(queues: int, g: int) -> tuple[bool, ...]:
    """Return for each queue of a device whether the documentation has it generic."""
    return tuple(is_generic_documented(index, queues, g) for index in range(queues))


def next_wrapping(cursor: int, queues: int) -> int:
    """Return the next index of a table: back to 0 from the last one, and from anything past it.

    Source: wq_table_next_wq(), Linux 6.12.117 and 7.3.4.
    """
    return cursor + 1 if cursor + 1 < queues else 0


def next_equal(cursor: int, queues: int) -> int:
    """Return the next index of a table: back to 0 from the last one only.

    A cursor that is past the last one, because the table shrank, never comes back (IAA-H5, by reading).
    Source: comp_wq_table_next_wq(), batching v9 06/19, v10 and v13.
    """
    return 0 if cursor + 1 == queues else cursor + 1
