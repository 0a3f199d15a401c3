"""Queues come and go: what each version makes of its tables, as written and as intended (I4)."""

from __future__ import annotations

import attrs
import pytest

from refmodel.kernel.iaa_driver import CheckingDriver, DriverState, IaaDriver
from refmodel.kernel.iaa_tables import Attributes, Table
from refmodel.kernel.iaa_topology import Device, Host, Queue, Wq
from refmodel.museum.iaa_tables import I02
from refmodel.profiles.iaa import BATCHING_V9, BATCHING_V10, BATCHING_V13, IAA_DRIVERS, LINUX_6_12, LINUX_7_3


def small(packages: int = 1, cores: int = 4, devices: int = 2, queues: int = 2) -> Host:
    """Return a host with one thread a core, and devices that are dealt to the packages in runs."""
    made = (Device(n, n * packages // devices, (Queue(16),) * queues) for n in range(devices))
    return Host(packages, packages, cores, 1, tuple(made))


def decomps(state: DriverState) -> list[str]:
    """Return the queues for decompression of each CPU, as text."""
    return [" ".join(map(str, tables.decomp.wqs)) for tables in state.tables]


def run(driver: IaaDriver, host: Host, commands: str, attributes: Attributes | None = None) -> DriverState:
    """Bind (+0.1) and unbind (-0.1) queues."""
    state = DriverState()
    for command in commands.split():
        device, _, number = command[1:].partition(".")
        change = driver.bind if command[0] == "+" else driver.unbind
        state = change(host, attributes, state, Wq(int(device), int(number)))
    return state


ALL = pytest.mark.parametrize("driver", IAA_DRIVERS.values(), ids=IAA_DRIVERS)


@ALL
def test_the_first_queue_serves_everybody_and_the_second_device_takes_its_share(driver: IaaDriver) -> None:
    host = small()
    assert decomps(run(driver, host, "+0.0")) == ["wq0.0"] * 4

    attributes = Attributes(0, distribute_comps=False, distribute_decomps=False)
    assert decomps(run(driver, host, "+0.0 +1.0", attributes)) == ["wq0.0", "wq0.0", "wq1.0", "wq1.0"]


@ALL
def test_the_order_of_binding_is_the_order_of_devices_and_queues(driver: IaaDriver) -> None:
    attributes = Attributes(0, distribute_comps=False, distribute_decomps=False)
    state = run(driver, small(), "+1.1 +0.0 +1.0", attributes)
    assert decomps(state) == ["wq1.1 wq1.0", "wq1.1 wq1.0", "wq0.0", "wq0.0"]


@ALL
def test_binding_and_unbinding_restores_the_tables_as_intended(driver: IaaDriver) -> None:
    """IAA-31."""
    host, intended = small(queues=3), driver.as_intended()
    before = run(intended, host, "+0.0 +0.1 +1.0")
    assert run(intended, host, "+0.0 +0.1 +1.0 +1.1 -1.1") == before
    assert run(intended, host, "+0.0 +0.1 +1.0 -0.1 +0.1").tables == before.tables


@ALL
def test_without_queues_there_are_no_tables(driver: IaaDriver) -> None:
    state = run(driver, small(), "+0.0 +1.0 -0.0 -1.0")
    assert (state.devices, state.tables, state.enabled) == ((), (), False)


@pytest.mark.parametrize("driver", [LINUX_6_12, LINUX_7_3, BATCHING_V9])
def test_once_all_queues_are_gone_none_can_be_bound(driver: IaaDriver) -> None:
    """The algorithm is still registered (IAA-H8); as intended it comes back."""
    assert not run(driver, small(), "+0.0 -0.0 +0.0").enabled
    assert run(driver.as_intended(), small(), "+0.0 -0.0 +0.0").enabled


def test_v13_registers_again() -> None:
    assert run(BATCHING_V13, small(), "+0.0 -0.0 +0.0").enabled


def test_more_devices_than_cpus_give_every_device_one_cpu() -> None:
    assert decomps(run(LINUX_6_12, small(cores=1), "+0.0 +1.0")) == ["wq0.0"]


def test_more_devices_than_cpus_divided_by_zero() -> None:
    """The second device to come, on a machine with one CPU (I02)."""
    state = run(I02, small(cores=1), "+0.0")
    with pytest.raises(ZeroDivisionError):
        I02.bind(small(cores=1), None, state, Wq(1, 0))
    assert run(I02.as_intended(), small(cores=1), "+0.0 +1.0").enabled


@pytest.mark.parametrize("driver", [BATCHING_V10, BATCHING_V13])
def test_after_an_unbind_every_cpu_has_the_first_queue_ever_found(driver: IaaDriver) -> None:
    """IAA-H4, by reading: until the next bind, and even if that queue is the one that went."""
    both = Attributes(1, distribute_comps=True, distribute_decomps=True)
    others = run(driver, small(), "+0.0 +0.1 +1.0 +1.1 -1.1", both)
    itself = run(driver, small(), "+0.0 +0.1 +1.0 +1.1 -0.0", both)
    assert decomps(others) == decomps(itself) == ["wq0.0"] * 4
    assert others.enabled
    assert itself.enabled

    again = run(driver, small(), "+0.0 +0.1 +1.0 +1.1 -1.1 +1.1", both)
    assert decomps(again) == ["wq0.0 wq1.0"] * 4


def test_the_first_queue_is_remembered_when_all_are_gone() -> None:
    """IAA-H4, by reading: the self-tests of a second registration run on a queue that may not be bound."""
    state = run(BATCHING_V13, small(), "+0.0 -0.0")
    assert state.first_wq == Wq(0, 0)
    assert run(BATCHING_V13.as_intended(), small(), "+0.0 -0.0").first_wq is None


def test_an_unbound_queue_stays_in_the_tables_and_comes_twice_when_bound_again() -> None:
    """IAA-H6, by reading, where a device keeps other queues; v9 shows it at once."""
    everything = Attributes(0, distribute_comps=False, distribute_decomps=False)
    host = small(devices=1)
    assert decomps(run(BATCHING_V9, host, "+0.0 +0.1 -0.0", everything)) == ["wq0.0 wq0.1"] * 4
    assert decomps(run(BATCHING_V9, host, "+0.0 +0.1 -0.0 +0.0", everything)) == ["wq0.0 wq0.1 wq0.0"] * 4
    intended = BATCHING_V9.as_intended()
    assert decomps(run(intended, host, "+0.0 +0.1 -0.0", everything)) == ["wq0.1"] * 4


def test_a_device_that_goes_takes_its_tables_along() -> None:
    state = run(BATCHING_V9, small(), "+0.0 +1.0 -1.0 +1.0", Attributes(0, True, True))
    assert decomps(state) == ["wq0.0 wq1.0"] * 4


def test_a_package_without_a_device_is_refused_since_v10_and_the_probe_takes_the_queue_back() -> None:
    """Four packages, two devices; v9 leaves two packages with nothing."""
    host = small(packages=4, cores=1)
    both = Attributes(1, distribute_comps=True, distribute_decomps=True)
    assert decomps(run(BATCHING_V9, host, "+0.0 +1.0", both)) == ["wq0.0", "wq1.0", "", ""]

    refused = run(BATCHING_V13, host, "+0.0 +1.0", both)
    assert not refused.enabled
    assert [device.id for device in refused.devices] == [0]


def test_after_a_refusal_the_next_bind_is_served_by_the_first_queue() -> None:
    """By reading: the tables are made while the driver is off, nothing is missing in them, and so it goes on."""
    host = small(packages=4, cores=1)
    both = Attributes(1, distribute_comps=True, distribute_decomps=True)
    state = run(BATCHING_V13, host, "+0.0 +1.0 +1.1", both)
    assert state.enabled
    assert decomps(state) == ["wq0.0"] * 4


def test_with_three_packages_v13_loses_queues_until_there_are_three_devices() -> None:
    """By reading: each device that comes too early has its first queue taken back; the probe reports success."""
    both = Attributes(1, distribute_comps=True, distribute_decomps=True)
    state = BATCHING_V13.bind_all(small(packages=3, cores=1, devices=3), both)
    assert [str(wq) for device in state.devices for wq in device.wqs] == [
        "wq0.0",
        "wq0.1",
        "wq1.1",
        "wq2.0",
        "wq2.1",
    ]


def test_a_pruned_device_keeps_the_types_of_its_queues() -> None:
    """One defect can be left out by itself: types stay as they were given, and what is unbound goes."""
    kept = attrs.evolve(BATCHING_V9.defects, keeps_unbound=False)
    driver = attrs.evolve(BATCHING_V9, defects=kept)
    state = run(driver, small(devices=1, queues=3), "+0.0 +0.1 +0.2 -0.1", Attributes(1, False, False))
    (device,) = state.devices
    assert (device.generic, device.comp) == ((Wq(0, 0),), (Wq(0, 2),))


def test_a_full_table_of_generic_queues_makes_the_next_one_compress_only() -> None:
    """Eight entries; a queue that was unbound and bound again takes one more each time (IAA-H6, by reading)."""
    attributes = Attributes(0, distribute_comps=False, distribute_decomps=False)
    again = "-0.1 +0.1 " * 7
    state = run(BATCHING_V9, small(devices=1), f"+0.0 +0.1 {again}", attributes)
    (device,) = state.devices
    assert (len(device.generic), device.comp) == (8, (Wq(0, 1),))


def test_v13_differs_from_v9_in_what_it_checks() -> None:
    assert isinstance(BATCHING_V13, CheckingDriver)
    assert not isinstance(BATCHING_V9, CheckingDriver)


def test_mainline_has_one_table_for_both_directions() -> None:
    (tables,) = run(LINUX_7_3, small(cores=1, devices=1), "+0.0").tables
    assert tables.comp is tables.decomp
    assert tables.comp == Table((Wq(0, 0),))
