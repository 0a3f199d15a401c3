"""Combining profiles: a series on another kernel, or why it does not go there."""

from __future__ import annotations

import pytest

from refmodel.museum import known_bugs
from refmodel.profiles import PROFILES, profile
from refmodel.profiles.catalogue import combinations
from refmodel.profiles.combine import CannotCombine


def test_a_series_is_put_on_a_later_kernel() -> None:
    made, series, kernel = profile("linux-7.3+batching-v14"), profile("batching-v14"), profile("linux-7.3")

    assert made.operations.zswap_store is series.operations.zswap_store
    assert made.operations.zswap_load is kernel.operations.zswap_load
    assert made.options.lru_node == "entry"
    assert made.options.shrink_memcg_budget == kernel.options.shrink_memcg_budget
    assert made.kernel == kernel.kernel


def test_what_a_series_takes_out_stays_out() -> None:
    """Nothing calls the compression of single pages any more, though 7.3 changes it."""
    assert profile("linux-7.3+batching-v14").operations.zswap_compress is None


def test_the_order_of_the_names_does_not_matter() -> None:
    assert profile("batching-v14+linux-7.3") == profile("linux-7.3+batching-v14")


def test_a_combination_has_the_known_bugs_of_its_parts() -> None:
    found = {each.id for each in known_bugs(profile("linux-7.3+batching-v13"))}

    assert {each.id for each in known_bugs(profile("linux-7.3"))} <= found
    assert {each.id for each in known_bugs(profile("batching-v13"))} <= found


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("vswap-v6+batching-v9", "both change zswap_store"),
        ("linux-7.3+vswap-v6", "both change do_swap_page.*works"),
        ("linux-6.12+batching-v9", "batching-v9 has all of linux-6.12 in it"),
        ("linux-6.1+batching-v9", "they stand on no common kernel; each works alone"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(CannotCombine, match=why):
        profile(name)


def test_a_posting_of_the_same_series_is_no_addition() -> None:
    with pytest.raises(CannotCombine, match="both change zswap_store"):
        profile("batching-v9+batching-v14")


def test_every_combination_is_made_of_two_profiles() -> None:
    for name, made in combinations().items():
        assert made.name == name
        assert len(made.parts) == 2
        assert set(made.parts) <= set(PROFILES)
