"""Worked examples of queue tables, and what is to be said about them (I1 to I5, P4).

Figures of 6.12, 7.3 and the series follow from executing their rules; those of the example of batching v9 06/19 are its
own.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from refmodel.engines.iaa_host_file import find_host
from refmodel.engines.iaa_usage import Usage, findings, usage
from refmodel.kernel.iaa_topology import Device, Host, Queue, Wq, cpulist
from refmodel.profiles.iaa import IAA_DRIVERS, iaa_driver

SERIES = ("batching-v9", "batching-v10", "batching-v13", "batching-v14")


def made(host: str, profile: str, *unbound: Wq, **settings: int | bool) -> Usage:
    """Return the tables of a host that comes along."""
    file = find_host(host)
    return usage(file.host, iaa_driver(profile), {**file.attributes, **settings}, unbound)


def shares(host: str, profile: str, **settings: int | bool) -> list[int]:
    """Return how many CPUs decompress on each device."""
    return [load.decompress.cpus for load in made(host, profile, **settings).loads]


def texts(found: Usage) -> list[str]:
    """Return the findings as they are printed, without how they are known."""
    return [f"{each.about}: {each.text}" for each in findings(found)]


@pytest.mark.parametrize(
    ("host", "profile", "expected"),
    [
        ("spr", "6.12", [28] * 8),
        ("spr", "7.3", [28] * 8),
        ("spr", "6.18", [56] * 4 + [0] * 4),
        ("spr-3", "6.12", [112, 38, 74]),
        ("spr-1", "6.12", [224]),
        ("spr-1", "7.3", [224]),
        ("gnr-2-nodes", "6.12", [48] * 8),
        ("gnr-4-nodes", "6.12", [48] * 8),
        ("gnr-6-nodes", "6.12", [176, 16, 48, 16, 48, 16, 48, 16]),
        ("gnr-6-nodes-2", "6.12", [320, 64]),
        ("gnr-2-nodes", "7.3", [48] * 8),
        ("gnr-4-nodes", "7.3", [48] * 8),
        ("gnr-6-nodes", "7.3", [48] * 8),
    ],
)
def test_shares_in_mainline(host: str, profile: str, expected: list[int]) -> None:
    assert shares(host, profile) == expected


@pytest.mark.parametrize("profile", SERIES)
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("spr", [28] * 8),
        ("spr-7", [32, 32, 32, 48, 32, 32, 16]),
        ("spr-6", [36, 36, 36, 40, 36, 40]),
        ("spr-5", [44, 44, 68, 44, 24]),
        ("spr-3", [74, 112, 38]),
        ("spr-1", [224]),
        ("gnr-2-nodes", [48] * 8),
        ("gnr-4-nodes", [48] * 8),
        ("gnr-6-nodes", [48] * 8),
    ],
)
def test_shares_of_mapped_devices_in_the_series(host: str, profile: str, expected: list[int]) -> None:
    assert shares(host, profile, distribute_decomps=False) == expected


@pytest.mark.parametrize("profile", SERIES)
def test_the_example_of_the_series_comes_out_as_it_says(profile: str) -> None:
    """Two queues of 64, one for compression: shared among the package, decompression on the mapped device."""
    rows = [
        ("0-13,112-125", 1),
        ("14-27,126-139", 3),
        ("28-41,140-153", 5),
        ("42-55,154-167", 7),
        ("56-69,168-181", 9),
        ("70-83,182-195", 11),
        ("84-97,196-209", 13),
        ("98-111,210-223", 15),
    ]
    found = made("spr", profile)
    assert [(cpulist(each.cpus), each.decompress) for each in found.alike] == [
        (cpus, (Wq(device, 0),)) for cpus, device in rows
    ]
    first = made("spr", profile).bound.tables[0].comp
    assert [str(wq) for wq in first.wqs] == ["wq1.1", "wq3.1", "wq5.1", "wq7.1"]
    assert [found.bound.tables[cpu].comp.cursor for cpu in (0, 14, 28, 42)] == [0, 1, 2, 3]
    assert [str(wq) for wq in found.bound.tables[56].comp.wqs] == ["wq9.1", "wq11.1", "wq13.1", "wq15.1"]
    assert texts(found) == []


@pytest.mark.parametrize("profile", SERIES)
@pytest.mark.parametrize(
    ("host", "queues", "cursors"),
    [
        ("spr-decomps", "wq1.0 wq3.0 wq5.0 wq7.0", [0, 1, 2, 3]),
        ("spr-1-queue", "wq1.0 wq3.0 wq5.0 wq7.0", [0, 1, 2, 3]),
        ("spr-generic", "wq1.0 wq1.1 wq3.0 wq3.1 wq5.0 wq5.1 wq7.0 wq7.1", [0, 2, 4, 6]),
    ],
)
def test_decompression_shared_by_a_package(host: str, profile: str, queues: str, cursors: list[int]) -> None:
    tables = made(host, profile).bound.tables
    assert " ".join(map(str, tables[0].decomp.wqs)) == queues
    assert [tables[cpu].decomp.cursor for cpu in (0, 14, 28, 42)] == cursors
    if host != "spr-decomps":
        assert tables[0].comp == tables[0].decomp


@pytest.mark.parametrize(
    ("host", "idle"),
    [("spr-3", "iax9"), ("spr-5", "iax11"), ("spr-7", "iax13"), ("spr-6", ""), ("spr-1", "")],
)
def test_devices_that_do_not_divide_by_the_packages_are_left_over_where_packages_share(
    host: str, idle: str
) -> None:
    found = made(host, "batching-v13", distribute_decomps=True)
    left = [load.device.name for load in found.loads if not load.compress.cpus and not load.decompress.cpus]
    assert " ".join(left) == idle


def test_two_cores_of_a_package_are_sent_to_the_other_one() -> None:
    """Six devices: 56 cores do not divide by three."""
    assert texts(made("spr-6", "batching-v13")) == [
        "other package: CPUs 54-55,166-167 are sent to iax9 in package 1"
    ]


def test_four_packages_with_two_devices() -> None:
    """v9 leaves two packages with nothing, v13 refuses the tables."""
    v9, v13 = made("four-packages", "batching-v9"), made("four-packages", "batching-v13")
    assert v9.bound.enabled
    assert [(cpulist(each.cpus), len(each.compress)) for each in v9.alike][-1] == ("56-111,168-223", 0)
    assert not v13.bound.enabled
    assert texts(v9)[0] == (
        "no queue: CPUs 56-111,168-223 have no queue to compress or decompress with: jobs fail, until the cursor is "
        "past the end of the table"
    )
    assert [each.about for each in findings(v13)][:3] == ["disabled", "no queue", "taken back"]


def test_a_host_with_more_nodes_than_packages_overloads_one_device_in_6_12() -> None:
    said = texts(made("gnr-6-nodes", "6.12"))
    assert said[0] == "overloaded: iax1: as much to do as 176 CPUs have, 3.7 times the mean"
    assert said[1].startswith("crowded: iax1: as much to do as 88 cores have, in 128 entries")
    assert said[2] == "other package: CPUs 128-191,320-383 are sent to iax1 in package 0"


def test_a_count_that_restarts_leaves_half_of_the_devices_idle() -> None:
    said = texts(made("spr", "6.18"))
    assert said[0] == "idle: iax9, iax11, iax13, iax15: nothing to compress or decompress"
    assert said[1] == "overloaded: iax1, iax3, iax5, iax7: as much to do as 56 CPUs have, 2.0 times the mean"


def test_thirty_cores_on_one_device_are_told_and_the_author_named() -> None:
    """Of 112 cores on one device descriptors ran out, with four devices a package they do not (P4)."""
    crowded = [each for each in findings(made("spr-1", "batching-v13")) if each.about == "crowded"]
    assert [each.mark for each in crowded] == ["stated by the author of the series"]
    assert not findings(made("spr", "batching-v13"))


def test_capacity_counts_batches_of_eight() -> None:
    """128 entries hold 16 batches at a time, 64 hold 8 (derived)."""
    one, two = made("spr-1-queue", "batching-v13").loads[0], made("spr", "batching-v13").loads[0]
    assert (one.compress.entries, one.compress.batches) == (128, 16)
    assert (two.compress.entries, two.compress.batches) == (64, 8)


def test_a_distributed_table_gives_each_device_a_part_of_every_cpu() -> None:
    load = made("spr", "batching-v13").loads[0]
    assert (load.compress.cpus, load.compress.share, load.compress.cores) == (
        112,
        Fraction(28),
        Fraction(14),
    )
    assert (load.decompress.cpus, load.decompress.share) == (28, Fraction(28))


def test_types_that_differ_from_the_documented_ones_are_told() -> None:
    found = made("spr-1", "batching-v13", g_comp_wqs_per_iaa=2)
    assert texts(found)[-1] == (
        "not as documented: iax1: 1 of 2 queues for compression only, where g_comp_wqs_per_iaa = 2 is documented to "
        "give 0; each was typed when it was bound"
    )
    file = find_host("spr-1")
    intended = usage(file.host, iaa_driver("batching-v13").as_intended(), {"g_comp_wqs_per_iaa": 2})
    assert not [each for each in texts(intended) if "documented" in each]


def test_after_an_unbind_the_tables_of_v13_have_collapsed() -> None:
    said = texts(made("spr", "batching-v13", Wq(7, 1)))
    assert said[0].startswith("collapsed: tables were made while the driver was off")
    assert made("spr", "batching-v13", Wq(7, 1)).alike[0].compress == (Wq(1, 0),)


def test_a_queue_that_went_and_stayed_in_tables_is_told() -> None:
    assert texts(made("spr", "batching-v9", Wq(7, 1))) == [
        "unbound queue: wq7.1 is not bound and stands in the tables of 112 CPUs: compression fails there, and the CPU "
        "decompresses"
    ]


def test_a_queue_that_is_not_bound_cannot_be_unbound() -> None:
    with pytest.raises(ValueError, match=r"wq2\.0: not bound; expected one of wq1\.0 wq1\.1"):
        made("spr-1", "7.3", Wq(2, 0))


def test_without_queues_nothing_works() -> None:
    assert texts(made("spr-1", "7.3", Wq(1, 0), Wq(1, 1)))[0] == (
        "disabled: no queue is bound: the driver is disabled"
    )


@pytest.mark.parametrize("profile", IAA_DRIVERS)
def test_shares_of_all_devices_are_all_cpus(profile: str) -> None:
    """Nobody's jobs are lost or counted twice, whatever the host."""
    for host in ("spr", "spr-3", "spr-6", "gnr-6-nodes", "spr-generic"):
        found = made(host, profile)
        assert sum(load.compress.share for load in found.loads) == found.host.nr_cpus
        assert sum(load.decompress.share for load in found.loads) == found.host.nr_cpus


def test_engines_whose_group_has_no_queue_are_told() -> None:
    device = Device(1, 0, (Queue(64),), engines=(0, 0, 1))
    found = usage(Host(1, 1, 2, 1, (device,)), iaa_driver("7.3"), {})
    assert texts(found) == ["engines: iax1: 1 of 3 engines serve no queue"]


def test_a_queue_that_was_taken_back_is_told() -> None:
    """Three packages: the second device comes before there is one for each (by reading)."""
    devices = tuple(Device(n, n, (Queue(32), Queue(32))) for n in range(3))
    found = usage(Host(3, 3, 2, 1, devices), iaa_driver("batching-v13"), {"distribute_decomps": True})
    assert texts(found)[0].startswith("taken back: wq1.0: not bound, though the probe reports success")
