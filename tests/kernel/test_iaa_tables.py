"""How queues are dealt to CPUs, version by version (I2, I3)."""

from __future__ import annotations

import attrs
import pytest

from refmodel.kernel.iaa_tables import (
    Attributes,
    BoundDevice,
    Table,
    by_node,
    by_package,
    by_running_cpu,
    complete,
    first_only,
    package_wqs,
    type_wqs,
)
from refmodel.kernel.iaa_topology import Device, Host, Queue, Wq


def bound(devices: int, queues: int = 2, g: int = 1) -> list[BoundDevice]:
    """Return devices with typed queues."""
    made = (BoundDevice(n, tuple(Wq(n, q) for q in range(queues))) for n in range(devices))
    return [type_wqs(device, g) for device in made]


HOST = Host(2, 2, 4, 1, tuple(Device(n, n // 2, (Queue(8), Queue(8))) for n in range(4)))
"""Two packages of four CPUs, and two devices in each."""

SHARED = Attributes(1, distribute_comps=True, distribute_decomps=True)


def test_with_more_nodes_than_packages_6_12_runs_out_of_devices() -> None:
    """Three nodes of 4 CPUs and 2 devices of 6 CPUs each: three places, so the last node goes to the first device."""
    host = Host(1, 3, 12, 1, HOST.devices[:1])
    positions = [tables.comp.wqs[0].device for tables in by_node(host, bound(2))]
    assert positions == [0] * 4 + [1] * 4 + [0] * 4

    running = [tables.comp.wqs[0].device for tables in by_running_cpu(host, bound(2))]
    assert running == [0] * 6 + [1] * 6


def test_a_count_that_restarts_leaves_the_last_devices_idle() -> None:
    """714ca27e9bf4: each node begins at the first device."""
    devices = [tables.comp.wqs[0].device for tables in by_running_cpu(HOST, bound(4), restart=True)]
    assert devices == [0, 0, 1, 1, 0, 0, 1, 1]


def test_cpus_that_do_not_divide_by_the_nodes_are_not_counted() -> None:
    """Seven CPUs on two nodes count as six, so each of three devices gets two, and the first what is left."""
    host = Host(1, 2, 7, 1, HOST.devices[:1])
    devices = [tables.comp.wqs[0].device for tables in by_running_cpu(host, bound(3))]
    assert devices == [0, 0, 1, 1, 2, 2, 0]


def test_a_package_shares_queues_and_each_cpu_begins_at_its_own_device() -> None:
    tables = by_package(HOST, bound(4), SHARED)
    assert tables[0].comp == Table((Wq(0, 1), Wq(1, 1)), 0)
    assert tables[3].comp == Table((Wq(0, 1), Wq(1, 1)), 1)
    assert tables[4].decomp == Table((Wq(2, 0), Wq(3, 0)), 0)


def test_without_sharing_a_cpu_has_the_queues_of_its_device() -> None:
    tables = by_package(HOST, bound(4), attrs.evolve(SHARED, distribute_comps=False))
    assert [each.comp for each in tables[:3]] == [
        Table((Wq(0, 1),)),
        Table((Wq(0, 1),)),
        Table((Wq(1, 1),)),
    ]


def test_without_queues_for_compression_alone_the_generic_ones_serve() -> None:
    """IAA-25."""
    tables = by_package(HOST, bound(4, g=0), SHARED)
    assert tables[0].comp == tables[0].decomp == Table((Wq(0, 0), Wq(0, 1), Wq(1, 0), Wq(1, 1)))


@pytest.mark.parametrize(
    ("devices", "packages", "dealt"),
    [
        (4, 2, [[0, 1], [2, 3]]),
        (5, 2, [[0, 1], [2, 3]]),
        (1, 2, [[0], [0]]),
        (3, 2, [[0], [1]]),
        (2, 4, [[0], [1], [], []]),
        (1, 4, [[0], [0], [0], [0]]),
    ],
)
def test_devices_are_dealt_to_packages_in_the_order_of_the_list(
    devices: int, packages: int, dealt: list[list[int]]
) -> None:
    """Left over, or empty-handed, if the numbers do not divide; a single device is everybody's."""
    wqs = [(Wq(n, 0),) for n in range(devices)]
    assert [[wq.device for wq in mine] for mine in package_wqs(wqs, packages)] == dealt


def test_numbers_that_alternate_between_packages_mix_their_queues() -> None:
    """The driver takes a run of numbers for a package (by reading)."""
    host = attrs.evolve(HOST, numbering="packages-in-turn")
    tables = by_package(host, bound(4), SHARED)
    assert [host.cpus[cpu].package for cpu in (0, 1)] == [0, 1]
    assert tables[0].comp.wqs == tables[1].comp.wqs


def test_siblings_side_by_side_do_no_harm() -> None:
    """A package still has whole runs of numbers."""
    host = attrs.evolve(HOST, threads=2, numbering="siblings-adjacent")
    for cpu, tables in zip(host.cpus, by_package(host, bound(4), SHARED), strict=True):
        assert {wq.device // 2 for wq in tables.comp.wqs} == {cpu.package}


def test_a_driver_that_is_off_has_one_queue_for_everybody() -> None:
    tables = first_only(HOST, Wq(0, 0))
    assert complete(tables)
    assert {each.comp.wqs for each in tables} == {(Wq(0, 0),)}


def test_types_never_change() -> None:
    """A queue that comes later does not make room among those that have a type (IAA-30)."""
    (device,) = bound(1, queues=2)
    assert type_wqs(device, 1) == device
    more = attrs.evolve(device, wqs=(*device.wqs, Wq(0, 2)))
    assert type_wqs(more, 1).comp == (Wq(0, 1), Wq(0, 2))


def test_a_negative_number_of_queues_is_refused() -> None:
    with pytest.raises(ValueError, match="g_comp_wqs_per_iaa = -1: expected 0 or more"):
        Attributes(-1, distribute_comps=True, distribute_decomps=True)
