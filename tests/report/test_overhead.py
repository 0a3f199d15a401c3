"""Memory overhead of swap metadata: the published figures follow from bytes per slot and bytes per page (S8, S9)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from refmodel.report.overhead import (
    CLUSTER_BYTES,
    DESIGNS,
    GIB,
    MIB,
    break_evens,
    fragmentation,
    net_gain,
    pages_to_pay_for_cluster,
    share_of_memory,
    slots_of_device,
    table,
)

BY_NAME = {design.name: design for design in DESIGNS}


@pytest.mark.parametrize(
    ("design", "costs"),
    [
        ("old-zswap", (25.00, 57.00, 89.00, 121.00, 153.00)),
        ("v6-zswap", (0.00, 48.25, 96.50, 144.75, 193.00)),
        ("old-disk", (25.00, 41.00, 57.00, 73.00, 89.00)),
        ("v6-disk", (2.00, 66.25, 130.50, 194.75, 259.00)),
    ],
)
def test_costs_of_a_device_of_32_gib(design: str, costs: tuple[float, ...]) -> None:
    """The table of the cover letters in MiB, at 0, 25, 50, 75 and 100 % (v3 and v6)."""
    assert tuple(cost.mib for cost in table() if cost.design == design) == costs


def test_a_row_says_how_many_pages_are_swapped_out() -> None:
    rows = table(GIB, (Fraction(1, 4),))

    assert {(row.utilisation, row.pages) for row in rows} == {(Fraction(1, 4), Fraction(65536))}


@pytest.mark.parametrize(
    ("design", "empty", "full"),
    [("table-p2", 25.5, 89.5), ("table-p3", 17.5, 81.5), ("table-p4", 0.5, 64.5), ("v6-disk", 2.0, 259.0)],
)
def test_costs_of_the_swap_table(design: str, empty: float, full: float) -> None:
    """The swap table's phases at 0 and 100 % of the same device in MiB."""
    ends = table(utilisations=(Fraction(0), Fraction(1)))

    assert tuple(cost.mib for cost in ends if cost.design == design) == (empty, full)


def test_bytes_per_slot_and_page() -> None:
    """Descriptor and bitmap are 24.125 bytes, the reverse map 8, the two bitmaps of the device a quarter."""
    parts = {name: (float(design.static), float(design.dynamic)) for name, design in BY_NAME.items()}

    assert parts["old-zswap"] == (3.125, 16)
    assert parts["old-disk"] == (3.125, 8)
    assert parts["v6-zswap"] == (0, 24.125)
    assert parts["v6-disk"] == (0.25, 32.125)


def test_break_even_utilisations() -> None:
    """Below 38.5 % and 11.9 % of the slots descriptors cost less; the estimates of 2023 break even far below."""
    found = {each.design: each.utilisation for each in break_evens()}

    assert found == {
        "seed-24": Fraction(1, 24),
        "seed-32": Fraction(1, 32),
        "v1": Fraction(1, 64),
        "v2": Fraction(1, 48),
        "v6-zswap": Fraction(5, 13),
        "v6-disk": Fraction(23, 193),
    }
    percent = [f"{float(share):.2%}" for share in found.values()]
    assert percent == ["4.17%", "3.12%", "1.56%", "2.08%", "38.46%", "11.92%"]


def test_at_the_break_even_both_cost_the_same() -> None:
    """What break_evens says is what table says."""
    for each in break_evens():
        costs = {cost.design: cost.bytes for cost in table(utilisations=(each.utilisation,))}
        assert costs[each.design] == costs[each.against]


@pytest.mark.parametrize(
    ("design", "percent"), [("seed-24", 0.586), ("seed-32", 0.781), ("v1", 1.56), ("v2", 1.17)]
)
def test_share_of_the_swapped_out_memory(design: str, percent: float) -> None:
    """24 bytes are 0.6 % of a page, 32 bytes 0.8 %."""
    assert float(share_of_memory(BY_NAME[design])) * 100 == pytest.approx(percent, abs=0.005)


def test_the_example_of_the_thread() -> None:
    """A swap area of 128 GiB: the map takes 32 MiB, which 24 bytes reach at 5.3 GiB and 32 at 4 GiB."""
    slots = slots_of_device(128 * GIB)
    assert BY_NAME["swap-map"].cost(slots, 0) == 32 * MIB

    even = {each.design: float(each.utilisation) * 128 for each in break_evens()}
    assert even["seed-24"] == pytest.approx(5.3, abs=0.05)
    assert even["seed-32"] == 4.0


def test_the_worst_case_adds_little() -> None:
    """Full, the design costs 40 MiB more with zswap and 170 MiB more without, of 32 GiB."""
    full = {cost.design: cost.mib for cost in table(utilisations=(Fraction(1),))}

    assert full["v6-zswap"] - full["old-zswap"] == 40
    assert full["v6-disk"] - full["old-disk"] == 170


def test_phase_4_of_the_swap_table_never_costs_more() -> None:
    """Against it descriptors of 24 bytes win at no utilisation worth the name: only an empty device."""
    costs = {(cost.design, cost.utilisation): cost.bytes for cost in table()}
    used = [share for _, share in costs if share]

    assert all(costs["table-p4", share] < costs["v6-zswap", share] for share in used)


def test_one_live_page_holds_a_cluster() -> None:
    """A cluster costs 12.06 KiB whether all of its entries live or one does."""
    best, worst = fragmentation(1024)

    assert CLUSTER_BYTES / 1024 == 12.0625
    assert (best.clusters, best.average) == (2, Fraction(193, 8))
    assert (worst.clusters, worst.bytes) == (1024, 1024 * CLUSTER_BYTES)


def test_fragmentation_needs_a_page() -> None:
    """Without a page there is no cluster."""
    with pytest.raises(ValueError, match="0 pages: expected at least one"):
        fragmentation(0)


@pytest.mark.parametrize(
    ("length", "gain", "pages"), [(0, 4072, 4), (1024, 3048, 5), (4072, 0, None), (4096, -24, None)]
)
def test_net_gain_of_a_swap_out(length: int, gain: int, pages: int | None) -> None:
    """A page frees what compression and descriptor leave; a fresh cluster pays off after a few pages (S9)."""
    assert net_gain(length) == gain
    assert pages_to_pay_for_cluster(length) == pages


@pytest.mark.parametrize("device", [0, -4096, 4095])
def test_a_device_has_whole_pages(device: int) -> None:
    """A wrong size is named, with what was expected."""
    with pytest.raises(ValueError, match=f"device of {device} bytes: expected a positive multiple of 4096"):
        table(device)


@pytest.mark.parametrize("share", [Fraction(-1, 4), Fraction(5, 4)])
def test_a_utilisation_is_a_share(share: Fraction) -> None:
    """A wrong share is named, with what was expected."""
    with pytest.raises(ValueError, match="expected a share of the slots, from 0 to 1"):
        table(utilisations=(share,))
