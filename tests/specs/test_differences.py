"""Recorded differences of neighbouring profiles: each scenario still tells, in the same way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from refmodel.engines.difference import Behaviour, compare, scenario_of
from refmodel.engines.difference_pair import Told, retold
from refmodel.museum import without_known_bugs
from refmodel.profiles import PROFILES, Profile
from refmodel.profiles.neighbours import NEIGHBOURS
from refmodel.properties.observation import LEVELS, Level
from refmodel.report.book_differences import KEYS, difference_name, recorded
from refmodel.report.difference_page import behaviour_data
from refmodel.resources import specs_dir

CASES = [
    pytest.param(pair, level, id=f"{difference_name(*pair)}-{level}")
    for pair in NEIGHBOURS
    for level in LEVELS
]


def profiles(pair: tuple[str, str]) -> tuple[Profile, Profile]:
    before, after = (without_known_bugs(PROFILES[name]) for name in pair)
    return before, after


@pytest.mark.parametrize(("pair", "level"), CASES)
def test_a_recorded_scenario_still_tells_two_neighbours_apart(pair: tuple[str, str], level: Level) -> None:
    """Where it does not, compare them again as ``specs/differences/README.md`` says."""
    found = recorded(*pair, level)
    before, after = profiles(pair)

    assert [found["before"], found["after"], found["level"]] == [*pair, level]
    for key in KEYS:
        if found[key] is not None:
            assert again(found, key, before, after) == found[key]


def again(found: dict[str, Any], key: str, before: Profile, after: Profile) -> Any:
    """Return what is printed of a scenario that is told again."""
    scenario = scenario_of(found[key]["scenario"])
    told = Told(scenario, retold(scenario, before, after, found["level"]))
    made = Behaviour(
        before=before.name,
        after=after.name,
        preset=found["preset"],
        level=found["level"],
        seed=0,
        only=(),
        shortest=told,
        plain=None,
        bound="",
        scenarios=0,
        seconds=0.0,
    )
    return json.loads(json.dumps(behaviour_data(made, before, after)["shortest"]))


@pytest.mark.parametrize("pair", NEIGHBOURS, ids=lambda pair: difference_name(*pair))
def test_neighbours_without_a_recorded_difference_have_none_after_one_command(pair: tuple[str, str]) -> None:
    for level in LEVELS:
        if recorded(*pair, level)["shortest"] is None:
            assert compare(*profiles(pair), level, commands=1, unusual=1, walks=0).verdict == "no difference"


def test_nothing_is_recorded_of_profiles_that_are_no_neighbours() -> None:
    names = {path.name for path in (specs_dir() / "differences").iterdir() if path.is_dir()}

    assert names == {difference_name(*pair) for pair in NEIGHBOURS}


def test_a_comparison_that_is_missing_says_how_to_make_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"try: refmodel diff .* --behaviour --level data"):
        recorded("linux-6.1", "linux-7.3", "data")
