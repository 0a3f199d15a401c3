"""Memory of queue tables: what follows from the structures, and what does not (I5)."""

from __future__ import annotations

from refmodel.engines.iaa_host_file import find_host
from refmodel.report.iaa_memory import CLAIM, CLAIM_CPUS, CLAIM_DEVICES, layouts


def test_a_copy_for_each_cpu_takes_33_kib_where_140_mib_are_claimed() -> None:
    """384 CPUs: 64 bytes of pointers (24 KiB in all) and an entry of 24 bytes (9 KiB in all)."""
    host = find_host("gnr-2-nodes").host
    copied, shared, unshared = layouts(host)
    assert (host.nr_cpus, len(host.devices)) == (CLAIM_CPUS, CLAIM_DEVICES)
    assert copied.bytes == 33 << 10
    assert shared.bytes == 2 * 24 * 384 + 2 * 2 * (8 + 24 + 64 * 8) + 2 * 8 * (24 + 64)
    assert unshared.bytes < CLAIM // 300


def test_sharing_saves_less_than_12_kib_on_that_host() -> None:
    copied, shared, _ = layouts(find_host("gnr-2-nodes").host)
    assert copied.bytes - shared.bytes == 11_776


def test_the_claim_is_373_kib_for_each_cpu() -> None:
    assert CLAIM // CLAIM_CPUS >> 10 == 373
