"""What queue tables cost in memory: a copy for each CPU against tables that the CPUs of a package share (I5).

All figures follow from the structures; what allocators round up is left out.  The series claims a saving that these
structures do not yield, and the claim stands apart.
"""

from __future__ import annotations

import attrs

from refmodel.kernel.iaa_topology import DEVICE_QUEUES, Host

POINTER = 8
"""Bytes of a pointer."""

ENTRY = 24
"""sizeof(struct wq_table_entry): a pointer and three 4-byte numbers, padded (Linux 6.12.117, batching v9)."""

PACKAGE_QUEUES = 64
"""Pointers in the table of a package (MAX_PKG_IAA * MAX_IAA_WQ, batching v9 to v13)."""

CLAIM = 140 << 20
"""Bytes that sharing is said to save (cover letters of batching v4 to v13).  UNVERIFIED."""

CLAIM_CPUS, CLAIM_DEVICES = 384, 8
"""Of which host that is said: a Granite Rapids server of 384 cores with 8 devices."""


@attrs.frozen
class Layout:
    """One way to keep the tables.

    name: as tables print it.  bytes: on the host.  source: who has it so, or "hypothetical".
    """

    name: str
    bytes: int
    source: str


def layouts(host: Host) -> tuple[Layout, ...]:
    """Return what the tables of a host take in each of the ways to keep them."""
    cpus, devices = host.nr_cpus, len(host.devices)
    copied = ENTRY + DEVICE_QUEUES * POINTER
    package_table = ENTRY + PACKAGE_QUEUES * POINTER
    device_table = ENTRY + DEVICE_QUEUES * POINTER
    of_devices = 2 * device_table * devices
    return (
        Layout("one table a CPU, with its queues", cpus * copied, "linux-6.12 to linux-7.3"),
        Layout(
            "two entries a CPU, tables of packages and devices",
            cpus * 2 * ENTRY + host.packages * 2 * (POINTER + package_table) + of_devices,
            "batching-v9 to batching-v14",
        ),
        Layout(
            "two tables as large as a package's for each CPU",
            cpus * 2 * package_table + of_devices,
            "hypothetical: the series without sharing",
        ),
    )
