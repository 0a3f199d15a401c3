"""Properties: each has a bug that breaks it, and the correct model passes the same run."""

from __future__ import annotations

import re

import pytest

from refmodel.museum import EXHIBITS
from refmodel.museum.exhibit import Exhibit, play
from refmodel.profiles import PROFILES, profile
from refmodel.properties import (
    NOT_CHECKED,
    PROPERTIES,
    UnknownProperty,
    at_every_step,
    at_rest,
    by_id,
    descriptors,
    first_broken,
    first_broken_history,
    in_history,
)
from refmodel.properties.property import HistoryProperty, Property, StateProperty
from tests.properties.mutants import MUTANTS
from tests.properties.verdicts import broken

BUGS = {each.id: each for each in (*EXHIBITS, *MUTANTS)}

OWN = [each for each in PROPERTIES if each not in vars(descriptors).values()]
"""Properties with a bug here; those of descriptors have theirs in test_descriptors."""


@pytest.mark.parametrize("each", OWN, ids=lambda each: each.id)
def test_a_property_is_broken_by_its_bug(each: Property) -> None:
    bug = BUGS[each.bug]
    assert each.id in broken(bug, bug.profile)


@pytest.mark.parametrize("bug", MUTANTS, ids=lambda bug: bug.id)
def test_a_planted_bug_breaks_what_it_says(bug: Exhibit) -> None:
    assert set(bug.breaks) <= set(broken(bug, bug.profile))


@pytest.mark.parametrize("bug", MUTANTS, ids=lambda bug: bug.id)
def test_the_model_without_the_planted_bug_passes_the_same_program(bug: Exhibit) -> None:
    assert broken(bug, bug.correct) == ()


@pytest.mark.parametrize("each", PROPERTIES, ids=lambda each: each.id)
def test_a_property_says_what_it_says_and_who_says_so(each: Property) -> None:
    assert re.fullmatch(r"[A-Z].*\.", each.sentence)
    assert each.source
    assert each.requirements
    assert each.when in ("rest", "step", "history")


def test_ids_are_unique() -> None:
    assert len({each.id for each in PROPERTIES}) == len(PROPERTIES)


def test_every_invariant_of_zswap_is_checked_or_explained() -> None:
    checked = {each.id for each in PROPERTIES if each.id.startswith("ZS-")}
    assert checked.isdisjoint(NOT_CHECKED)
    assert checked | set(NOT_CHECKED) == {f"ZS-{number}" for number in range(1, 33)}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_the_properties_that_speak_of_it(name: str) -> None:
    made = profile(name)
    ids = {each.id for each in at_rest(made)} | {each.id for each in in_history(made)}
    assert {"LIVE", "ZS-1", "ZS-18", "ZS-19"} <= ids
    assert ("ZS-4" in ids) == (made.kernel != "6.1")
    assert ("SD-1" in ids) == (made.kernel == "6.19")
    assert "PLACE" not in ids


def test_what_holds_at_every_step_holds_at_rest() -> None:
    made = profile("linux-7.3")
    assert set(at_every_step(made)) <= set(at_rest(made))
    assert {each.when for each in at_every_step(made)} == {"step"}


def test_a_property_that_does_not_exist_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownProperty, match=r"'ZS-1_'.*did you mean ZS-1"):
        by_id("ZS-1_")


def test_the_first_broken_property_is_the_first_in_order() -> None:
    bug = BUGS["Z11"]
    *_, (v, events) = play(bug, bug.profile)
    found = first_broken(v, at_rest(bug.profile))
    assert found is not None
    assert found[0].id == "ZS-1"
    assert found[1] == "stored_pages is -1; expected 0, the entries in the trees"
    history = first_broken_history(events, v, in_history(bug.profile))
    assert history is not None
    assert history[0].id == "ZS-16"


def test_a_correct_state_breaks_nothing() -> None:
    bug = BUGS["Z11"]
    *_, (v, events) = play(bug, bug.correct)
    assert first_broken(v, at_rest(bug.correct)) is None
    assert first_broken_history(events, v, in_history(bug.correct)) is None


def test_properties_are_of_states_or_of_commands() -> None:
    for each in PROPERTIES:
        assert isinstance(each, HistoryProperty if each.when == "history" else StateProperty)
