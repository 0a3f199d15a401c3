"""Hunting exhibits."""

import attrs
import pytest

from refmodel.museum import exhibit
from refmodel.report.hunt import (
    explore_exhibit,
    find_race,
    find_walk,
    hunt,
    scope_of_exhibit,
    shortest_run,
    show_program,
)


@pytest.mark.parametrize("id", ["Z06", "Z22", "B01"])
def test_a_bug_is_found_by_walks_and_its_program_is_short(id: str) -> None:
    found = find_walk(exhibit(id), 50, 0, shorten=True)

    assert found.property in exhibit(id).breaks
    assert 0 < len(found.program) < found.length


def test_a_bug_is_found_by_races_and_its_schedule_is_short() -> None:
    found = find_race(exhibit("G14"), 50, 0, shorten=True)

    assert found.property == exhibit("G14").meets
    assert found.token.startswith("rs1-")
    assert 0 < len(found.program) <= found.length


def test_a_hunt_is_the_same_every_time() -> None:
    one, other = (hunt(exhibit("S11"), runs=30) for _ in range(2))

    assert one.explored is not None
    assert other.explored is not None
    assert attrs.evolve(one.explored, seconds=0) == attrs.evolve(other.explored, seconds=0)
    for mine, its in ((one.walks, other.walks), (one.races, other.races)):
        assert attrs.evolve(mine, seconds=0) == attrs.evolve(its, seconds=0)


def test_a_hunt_that_is_not_asked_for_it_minimises_nothing() -> None:
    found = hunt(exhibit("S11"), runs=30)

    assert found.walks.property == "SD-12"
    assert (found.walks.program, found.walks.token) == ((), "")


def test_a_bug_that_no_run_meets_is_shown_by_its_own_program() -> None:
    found = hunt(exhibit("Z20"), runs=0)

    assert (found.explored, found.walks.property, found.races.property) == (None, "", "")
    assert found.shown is not None
    assert found.shown.property in exhibit("Z20").breaks
    assert found.caught


def test_a_bug_of_several_actors_has_no_program() -> None:
    assert show_program(exhibit("Z05")) is None


def test_an_exploration_is_run_again_to_the_end_of_its_shortest_run() -> None:
    bug = exhibit("Z05")
    again = shortest_run(bug, explore_exhibit(bug, bug.profile))

    assert again.violation is not None
    assert (again.violation.property, again.violation.where) == ("LIVE", "ReadsAfterUnlock.read_slot")
    assert {turn.actor for turn in again.turns} == {"shrinker", "admin"}


def test_an_exhibit_without_a_scope_says_why_it_has_none() -> None:
    with pytest.raises(LookupError, match=r"exhibit B03 has no scope: .* events of one actor"):
        scope_of_exhibit(exhibit("B03"))
