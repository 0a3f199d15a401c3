"""What holds for queue tables, and the bugs that break it (IAA-19 to IAA-31)."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from refmodel.kernel.iaa_driver import DriverState, IaaDriver
from refmodel.kernel.iaa_tables import Attributes, mapped_positions
from refmodel.kernel.iaa_topology import NUMBERINGS, Device, Host, Queue, Wq
from refmodel.profiles.iaa import BATCHING_V9, BATCHING_V13, IAA_DRIVERS, LINUX_6_12, LINUX_6_18, LINUX_7_3
from refmodel.properties.iaa_tables import (
    cpus_of_devices,
    has_unbound_queue,
    lacks_queue,
    package_shares,
    running_shares,
    shares_otherwise,
    strays_from_device,
    typed_otherwise,
)

INTENDED = pytest.mark.parametrize(
    "driver", [each.as_intended() for each in IAA_DRIVERS.values()], ids=list(IAA_DRIVERS)
)


def devices(number: int, packages: int, queues: int = 2) -> tuple[Device, ...]:
    """Return devices in equal runs of packages."""
    return tuple(Device(n, n * packages // number, (Queue(16),) * queues) for n in range(number))


@st.composite
def hosts(draw: st.DrawFn, numberings: tuple[str, ...] = tuple(NUMBERINGS)) -> Host:
    """Draw a host of up to 4 packages and 8 devices."""
    packages, cores, threads = draw(st.integers(1, 4)), draw(st.integers(1, 10)), draw(st.integers(1, 2))
    number, queues = draw(st.integers(1, 8)), draw(st.integers(1, 4))
    nodes = draw(st.integers(1, packages * cores))
    return Host(
        packages, nodes, cores, threads, devices(number, packages, queues), draw(st.sampled_from(numberings))
    )


ATTRIBUTES = st.builds(Attributes, st.integers(0, 4), st.booleans(), st.booleans())


@INTENDED
@given(host=hosts(), attributes=ATTRIBUTES, data=st.data())
def test_as_intended_every_sentence_holds_while_queues_come_and_go(
    driver: IaaDriver, host: Host, attributes: Attributes, data: st.DataObject
) -> None:
    """With three packages or more, binding one by one passes through fewer devices than packages, see below."""
    assume(host.packages <= 2)
    state = driver.bind_all(host, attributes)
    for wq in data.draw(st.lists(st.sampled_from(list(host.queues)), unique=True, max_size=3)):
        state = driver.unbind(host, attributes, state, wq)
    assert has_unbound_queue(state) is None
    assert lacks_queue(state) is None
    if driver.cursors == 2 and state.enabled:
        assert typed_otherwise(attributes, state) is None
        assert strays_from_device(host, attributes, state) is None


@given(host=hosts(("threads-last", "siblings-adjacent")), attributes=ATTRIBUTES)
def test_cpus_of_a_package_share_its_queues(host: Host, attributes: Attributes) -> None:
    state = BATCHING_V9.bind_all(host, attributes)
    assert shares_otherwise(host, attributes, state) is None


@given(st.integers(1, 4), st.integers(1, 20), st.integers(1, 2), st.integers(2, 8), st.integers(1, 8))
def test_one_running_count_gives_equal_shares_and_the_rest_to_the_first(
    packages: int, cores: int, threads: int, number: int, nodes: int
) -> None:
    """IAA-28 for 7.3."""
    cpus = packages * cores * threads
    assume(cpus >= number and nodes <= packages * cores and cpus % nodes == 0)
    host = Host(packages, nodes, cores, threads, devices(number, packages))
    assert cpus_of_devices(LINUX_7_3.bind_all(host)) == running_shares(host, number)


@given(st.integers(1, 4), st.integers(1, 24), st.integers(1, 2), st.integers(1, 8))
def test_the_mapping_by_package_spills_exactly_the_cores_that_do_not_divide(
    packages: int, cores: int, threads: int, of_package: int
) -> None:
    """IAA-28 for the series."""
    assume(of_package <= cores)
    number = packages * of_package
    host = Host(packages, packages, cores, threads, devices(number, packages))
    positions = mapped_positions(host, number)
    assert [positions.count(n) for n in range(number)] == [
        share * threads for share in package_shares(host, number)
    ]
    away = [
        cpu
        for cpu, position in zip(host.cpus, positions, strict=True)
        if position // of_package != cpu.package
    ]
    last = [cpu for cpu in away if cpu.package < packages - 1]
    assert bool(last) == (packages > 1 and cores % of_package != 0)
    assert away == last


def state_of(driver: IaaDriver, host: Host, attributes: Attributes, gone: tuple[Wq, ...] = ()) -> DriverState:
    """Bind everything, then unbind some."""
    state = driver.bind_all(host, attributes)
    for wq in gone:
        state = driver.unbind(host, attributes, state, wq)
    return state


MAPPED, SHARED = Attributes(1, False, False), Attributes(1, True, True)
PAIR = Host(2, 2, 4, 1, devices(2, 2))
IN_TURN = attrs.evolve(PAIR, numbering="packages-in-turn")


@pytest.mark.parametrize(
    ("wrong", "judge"),
    [
        (
            "CPU 2: no queue for a direction; expected one at least",
            lambda: lacks_queue(state_of(BATCHING_V9, Host(4, 4, 1, 1, devices(2, 4)), SHARED)),
        ),
        (
            "CPU 0: wq0.1 in its tables is not bound; expected bound queues only",
            lambda: has_unbound_queue(state_of(BATCHING_V9, PAIR, SHARED, (Wq(0, 1),))),
        ),
        (
            "CPU 0: wq0.0 in its tables is not bound; expected bound queues only",
            lambda: has_unbound_queue(state_of(BATCHING_V13, PAIR, SHARED, (Wq(0, 0),))),
        ),
        (
            "CPU 1 of package 1: wq0.1 to compress; expected wq1.1",
            lambda: shares_otherwise(IN_TURN, SHARED, state_of(BATCHING_V9, IN_TURN, SHARED)),
        ),
        (
            "CPU 0: wq0.0 to compress; expected wq0.1",
            lambda: strays_from_device(PAIR, MAPPED, state_of(BATCHING_V13, PAIR, MAPPED, (Wq(1, 1),))),
        ),
        (
            "device 0: wq0.0 generic and wq0.1 wq0.2 for compression; expected wq0.0 wq0.1 and wq0.2",
            lambda: typed_otherwise(
                MAPPED, state_of(BATCHING_V13, attrs.evolve(PAIR, devices=devices(1, 2, 3)), MAPPED)
            ),
        ),
    ],
    ids=["IAA-19", "IAA-20 v9", "IAA-20 v13", "IAA-21", "IAA-22", "IAA-23"],
)
def test_a_known_defect_breaks_the_sentence(wrong: str, judge: Callable[[], str | None]) -> None:
    assert judge() == wrong


@pytest.mark.parametrize("driver", [LINUX_6_12, LINUX_6_18])
def test_other_counts_do_not_give_equal_shares(driver: IaaDriver) -> None:
    """Three nodes for four devices, in 6.12 and 6.18."""
    host = Host(1, 3, 12, 1, devices(4, 1))
    assert cpus_of_devices(driver.bind_all(host)) != running_shares(host, 4)
