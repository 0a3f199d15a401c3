"""Two profiles compared by what they do."""

from __future__ import annotations

import json

import pytest

from refmodel.engines.difference import Behaviour, compare, scenario_data, scenario_of
from refmodel.engines.difference_pair import Sight, retold
from refmodel.engines.difference_search import Progress
from refmodel.museum import exhibit
from refmodel.profiles import UnknownPreset, profile
from refmodel.properties.observation import Level
from tests.engines.simple import LINUX, NO_COUNT


def bug(id: str, level: Level, commands: int, unusual: int, *only: str) -> Behaviour:
    """Compare an exhibit with the kernel that it was put into."""
    made = exhibit(id)
    return compare(made.correct, made.profile, level, commands=commands, unusual=unusual, walks=0, only=only)


def commands(found: Behaviour) -> list[str]:
    assert found.shortest is not None
    return [act.command.name for act in found.shortest.scenario.acts]


def test_an_old_copy_that_stays_shows_in_a_counter_after_five_commands() -> None:
    """Z03: a load leaves the entry in zswap; the next store finds it."""
    found = bug("Z03", "counters", 5, 0, "write", "pageout", "read")

    assert commands(found) == ["write", "pageout", "read", "write", "pageout"]
    assert found.shortest is not None
    assert found.shortest.sights == (Sight("zs.duplicate_entry", 0, 1),)
    assert found.plain is found.shortest


def test_a_forgotten_prefix_shows_in_the_data() -> None:
    """B03: the page that was stored before the one that failed stays in zswap."""
    found = bug("B03", "data", 3, 1, "thp", "write", "pageout")

    assert commands(found) == ["thp", "write", "pageout"]
    assert found.shortest is not None
    assert found.shortest.sights == (Sight("page 0 of process 0", ("on the device", 2), "swapped out"),)


def test_a_late_charge_shows_in_counters_only() -> None:
    """Z11: the bytes are where they should be."""
    only = ("thp", "write", "pageout")

    assert commands(bug("Z11", "counters", 3, 1, *only)) == ["thp", "write", "pageout"]
    assert bug("Z11", "data", 3, 1, *only).verdict == "no difference"


def test_equal_profiles_have_no_difference_within_an_exact_bound() -> None:
    found = compare(LINUX, LINUX, "strict", commands=2, unusual=1, walks=3, only=("write", "pageout", "read"))

    assert (found.verdict, found.shortest, found.plain) == ("no difference", None, None)
    assert found.bound == (
        "every scenario of at most 2 commands with at most 1 unusual thing, "
        "and 3 random ones of at most 40 commands"
    )


def test_a_comparison_gives_the_same_each_time() -> None:
    def once() -> tuple[object, ...]:
        made = compare(LINUX, NO_COUNT, "counters", commands=1, unusual=0, walks=50, seed=5)
        return made.shortest, made.bound, made.scenarios, made.random

    assert once() == once()
    assert once()[-1] is True


def test_the_shortest_scenario_and_the_shortest_plain_one_are_both_found() -> None:
    """Of 6.12 only the insertion into the swap cache can fail; other things differ without that."""
    found = compare(
        profile("linux-6.12"), profile("linux-6.18"), "counters", walks=0, only=("write", "pageout", "read")
    )

    assert commands(found) == ["write", "pageout"]
    assert found.shortest is not None
    assert found.plain is not None
    assert (found.shortest.scenario.unusual, found.plain.scenario.unusual) == (1, 0)
    assert "slots in use (/proc/swaps)" in [sight.what for sight in found.plain.sights]


def test_without_time_nothing_is_decided() -> None:
    found = compare(LINUX, LINUX, "data", seconds=1e-9)

    assert (found.verdict, found.bound) == ("undecided", "")


def test_progress_is_told() -> None:
    told: list[Progress] = []
    compare(LINUX, LINUX, "data", commands=1, unusual=0, walks=2, progress=told.append)

    assert [each.doing for each in told] == [
        "1 command, nothing unusual",
        "random scenarios",
        "random scenarios",
    ]


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(UnknownPreset):
        compare(LINUX, LINUX, "data", preset="tiny")


def test_a_scenario_survives_as_json() -> None:
    found = bug("B03", "data", 3, 1, "thp", "write", "pageout")
    assert found.shortest is not None
    scenario = scenario_of(json.loads(json.dumps(scenario_data(found.shortest.scenario))))
    made = exhibit("B03")

    assert scenario == found.shortest.scenario
    assert retold(scenario, made.correct, made.profile, "data") == found.shortest.sights
