"""Hosts with IAA devices: how CPUs are numbered, and what no machine is."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.kernel.iaa_topology import NUMBERINGS, Device, Host, ImpossibleHost, Queue, Wq, cpulist

DEVICE = Device(1, 0, (Queue(64), Queue(64)))
HOST = Host(packages=2, nodes=4, cores=4, threads=2, devices=(DEVICE,))


@pytest.mark.parametrize(
    ("numbering", "package_0", "siblings"),
    [
        ("threads-last", "0-3,8-11", "0,8"),
        ("siblings-adjacent", "0-7", "0-1"),
        ("packages-in-turn", "0-14:1/2", "0,8"),
    ],
)
def test_firmware_numbers_cpus_in_three_ways(numbering: str, package_0: str, siblings: str) -> None:
    host = attrs.evolve(HOST, numbering=numbering)

    assert [cpu.number for cpu in host.cpus] == list(range(host.nr_cpus))
    assert cpulist([cpu.number for cpu in host.cpus if cpu.package == 0]) == package_0
    assert cpulist([cpu.number for cpu in host.cpus if (cpu.package, cpu.core) == (0, 0)]) == siblings


def test_nodes_divide_the_cores_package_by_package() -> None:
    assert [cpulist(cpus) for cpus in HOST.node_cpus] == ["0-1,8-9", "2-3,10-11", "4-5,12-13", "6-7,14-15"]


def test_a_node_may_span_packages() -> None:
    assert [len(cpus) for cpus in attrs.evolve(HOST, nodes=1).node_cpus] == [16]


def test_queues_are_named_after_their_device() -> None:
    assert [str(wq) for wq in HOST.queues] == ["wq1.0", "wq1.1"]
    assert HOST.device(1).entries == 128


def test_a_shared_queue_has_as_many_descriptors_as_its_threshold() -> None:
    assert (Queue(64).descriptors, Queue(64, "shared", 48).descriptors) == (64, 48)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"packages": 0}, "packages = 0; expected 1 or more"),
        ({"threads": -1}, "threads = -1; expected 1 or more"),
        (
            {"nodes": 9},
            "nodes = 9; expected at most one for each of the 8 cores; nodes without CPUs do not count",
        ),
        (
            {"numbering": "odd"},
            "numbering 'odd'; expected one of threads-last, siblings-adjacent, packages-in-turn",
        ),
        ({"devices": ()}, r"no devices; expected at least one; add a \[\[device\]\]"),
        ({"devices": (DEVICE, DEVICE)}, "iax1 twice; expected each device once"),
        ({"devices": (attrs.evolve(DEVICE, package=2),)}, "iax1 in package 2; expected 0 to 1"),
    ],
)
def test_an_impossible_host_is_refused_with_the_rule_that_it_breaks(
    change: dict[str, Any], said: str
) -> None:
    with pytest.raises(ImpossibleHost, match=said):
        attrs.evolve(HOST, **change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"queues": ()}, "iax1: 0 queues; expected 1 to 8"),
        ({"queues": (Queue(1),) * 9}, "iax1: 9 queues; expected 1 to 8"),
        ({"engines": ()}, "iax1: 0 engines; expected 1 to 8"),
        (
            {"queues": (Queue(64), Queue(128))},
            r"iax1: queues of 64 \+ 128 = 192 entries; expected at most the 128 of a device; 64 each would fit",
        ),
        (
            {"queues": (Queue(64), Queue(64, group=1))},
            r"iax1: queue 1 is in group 1, which has no engine; expected one of the groups with engines \(0\)",
        ),
    ],
)
def test_a_device_has_room_for_so_much(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ImpossibleHost, match=said):
        attrs.evolve(DEVICE, **change)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": 0}, "queue of 0 entries; expected 1 or more"),
        ({"threshold": 8}, "threshold 8 of a dedicated queue; expected none; make it shared"),
        ({"mode": "shared"}, "threshold 0 of a shared queue; expected 1 to its size, 64"),
        ({"mode": "shared", "threshold": 65}, "threshold 65 of a shared queue; expected 1 to its size, 64"),
    ],
)
def test_a_queue_has_entries_and_only_a_shared_one_a_threshold(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ImpossibleHost, match=said):
        Queue(**{"size": 64, **change})


@given(st.sets(st.integers(0, 600)).map(sorted))
def test_a_list_of_cpus_says_the_same_numbers(numbers: list[int]) -> None:
    said: list[int] = []
    for part in filter(None, cpulist(numbers).split(",")):
        run, _, step = part.partition(":1/")
        first, _, last = run.partition("-")
        said.extend(range(int(first), int(last or first) + 1, int(step or 1)))

    assert said == numbers


@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_lists_of_regular_numbers_are_short(numbering: str) -> None:
    host = Host(2, 2, 112, 2, (DEVICE,), numbering)
    for package in (0, 1):
        assert len(cpulist([cpu.number for cpu in host.cpus if cpu.package == package])) <= 15


def test_the_name_of_a_queue_is_that_of_accel_config() -> None:
    assert str(Wq(15, 1)) == "wq15.1"
