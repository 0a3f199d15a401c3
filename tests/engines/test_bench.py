"""The benchmarks measure what they say; how fast this machine is, they only print."""

from collections.abc import Callable

import pytest

from refmodel.engines import bench
from refmodel.engines.bench import Figure
from refmodel.profiles import PROFILES, Profile


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize(
    "measure", [bench.page_operations, bench.whole_page_operations, bench.large_folio, bench.snapshot]
)
def test_every_profile_can_be_measured(
    which: Profile, measure: Callable[[Profile], Figure], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "TURNS", 1)
    figure = measure(which)

    assert figure.measured > 0


def test_every_failure_of_a_store_in_batches_is_measured() -> None:
    figure = bench.failure_goals(PROFILES["linux-7.3"])

    assert figure.name == "all 284 failure goals of batching-v14"
    assert (figure.goal, figure.unit, figure.at_most) == (60, "s", True)


def test_the_view_and_plain_attributes_take_the_same_step() -> None:
    figure = bench.view_cost(PROFILES["linux-7.3"])

    assert figure.at_most
    assert figure.unit == "times"


def test_a_goal_is_reached_from_above_or_from_below() -> None:
    assert Figure("speed", 10, 11, "steps/s").reached
    assert not Figure("speed", 10, 9, "steps/s").reached
    assert Figure("time", 10, 9, "ms", at_most=True).reached
    assert not Figure("time", 10, 11, "ms", at_most=True).reached
