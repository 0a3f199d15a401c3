"""Pressure on nodes: what the model counts is what the closed forms say (Z3)."""

from __future__ import annotations

import pytest

from refmodel.engines.numa import MIXES, Hosts, Row, measure, wrong_lists, wrong_locks
from refmodel.profiles.numa import COMPARED, Placement, placements

PLACEMENTS = {each.name: each for name in (*COMPARED, "vswap-v6") for each in placements(name)}
FIGURES = (("out_of_reach", wrong_lists), ("elsewhere", wrong_lists), ("astray", wrong_locks))


def sums(row: Row, what: str) -> list[int]:
    """Return a figure for each mix."""
    return [pressure.sum(what) for pressure in row.pressures]


@pytest.mark.parametrize("where", PLACEMENTS.values(), ids=PLACEMENTS)
def test_what_is_counted_is_what_the_closed_form_says(where: Placement) -> None:
    hosts = Hosts()
    row = measure(where, hosts)

    assert [pressure.foreign for pressure in row.pressures] == [0, 32, 64, 96, 128]
    for name, closed in FIGURES:
        assert sums(row, name) == [closed(where, hosts, pressure.foreign) for pressure in row.pressures]
    assert sums(row, "reported") == [128] * len(MIXES)


@pytest.mark.parametrize("nodes", [3, 4])
def test_entries_that_come_from_any_node_are_wrong_however_stores_are_mixed(nodes: int) -> None:
    """Nodes are dealt in turn, which is exact only where the pages divide by the nodes."""
    where, hosts = PLACEMENTS["batching-v12, bulk from any node"], Hosts(nodes, nodes)
    expected = wrong_lists(where, hosts, 0)
    for pressure in measure(where, hosts, MIXES[:2]).pressures:
        assert abs(pressure.sum("out_of_reach") - expected) < nodes
        assert pressure.sum("elsewhere") == pressure.sum("out_of_reach")


def test_a_node_without_a_cpu_is_stored_from_another_one() -> None:
    """With bulk allocation nothing of it can be freed under pressure, and node 0 reports all of it."""
    hosts = Hosts(nodes=2, cpus=1)
    (pressure,) = measure(PLACEMENTS["batching-v12, bulk from the CPU's node"], hosts, MIXES[:1]).pressures

    assert pressure.foreign == 64
    near, far = pressure.nodes
    assert (near.out_of_reach, near.reported, near.elsewhere) == (0, 128, 64)
    assert (far.out_of_reach, far.reported, far.elsewhere) == (64, 0, 0)


def test_handing_the_node_to_the_addition_trades_one_harm_for_another() -> None:
    """The node under pressure frees what it should, and locks the wrong list for it."""
    row = measure(PLACEMENTS["batching-v12, node handed over"], Hosts())
    assert sums(row, "out_of_reach") == sums(row, "elsewhere") == [0] * 5
    assert sums(row, "astray") == [0, 32, 64, 96, 128]


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"nodes": 1}, "1 nodes: expected 2 or more"),
        ({"cpus": 0}, "0 CPUs: expected 1 or more"),
        ({"pages": 0}, "0 pages a node: expected a multiple of 64; 64 works"),
        ({"pages": 100}, "100 pages a node: expected a multiple of 64; 128 works"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(how: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Hosts(**how)
