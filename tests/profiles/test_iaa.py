"""The versions of the IAA driver."""

from __future__ import annotations

import pytest

from refmodel.kernel.iaa_round_robin import move_then_use, use_then_move
from refmodel.kernel.iaa_tables import Attributes
from refmodel.profiles import PROFILES, UnknownProfile
from refmodel.profiles.iaa import IAA_DRIVERS, iaa_driver, selection


def test_versions_are_named_like_profiles() -> None:
    assert set(IAA_DRIVERS) <= set(PROFILES)
    assert all(name == driver.name for name, driver in IAA_DRIVERS.items())


def test_a_release_can_be_named_by_its_number() -> None:
    assert iaa_driver("6.12") is IAA_DRIVERS["linux-6.12"]


def test_an_unknown_version_gets_the_nearest_name() -> None:
    with pytest.raises(
        UnknownProfile, match=r"'batching-v12': expected one of linux-6\.12, .*; did you mean batching"
    ):
        iaa_driver("batching-v12")


@pytest.mark.parametrize(
    ("name", "attributes"),
    [
        ("linux-7.3", None),
        ("batching-v9", Attributes(0, distribute_comps=True, distribute_decomps=True)),
        ("batching-v10", Attributes(0, distribute_comps=True, distribute_decomps=False)),
        ("batching-v13", Attributes(1, distribute_comps=True, distribute_decomps=False)),
    ],
)
def test_attributes_until_somebody_sets_them(name: str, attributes: Attributes | None) -> None:
    assert iaa_driver(name).attributes == attributes


def test_mainline_has_one_cursor_and_the_series_two() -> None:
    assert [selection(each) for each in IAA_DRIVERS.values()] == [move_then_use] * 3 + [use_then_move] * 4


def test_what_was_not_read_is_marked() -> None:
    assert [name for name, each in IAA_DRIVERS.items() if not each.unverified] == [
        "linux-6.12",
        "linux-7.3",
        "batching-v9",
    ]
