"""Properties: each has a bug that breaks it, and the correct model passes the same run."""

from __future__ import annotations

import re

import pytest

from refmodel.museum import EXHIBITS
from refmodel.museum.exhibit import Exhibit, do, play
from refmodel.profiles import PROFILES, profile
from refmodel.properties import (
    NOT_CHECKED,
    PROPERTIES,
    SAME_AS,
    UnknownProperty,
    at_every_step,
    at_rest,
    by_id,
    descriptors,
    first_broken,
    first_broken_history,
    iaa_descriptors,
    in_history,
    kcompressd,
    zram,
)
from refmodel.properties.property import HistoryProperty, Property, StateProperty
from tests.properties.batch_mutants import BATCH_MUTANTS
from tests.properties.mutants import MUTANTS
from tests.properties.verdicts import broken

PLANTED = (*MUTANTS, *BATCH_MUTANTS)

BUGS = {each.id: each for each in (*EXHIBITS, *PLANTED)}

BATCHES = tuple(name for name in PROFILES if name.startswith("batching"))
BULK = ("batching-v10", "batching-v11", *(RAW := BATCHES[BATCHES.index("batching-v12") :]))

ELSEWHERE = (
    *vars(descriptors).values(),
    *vars(iaa_descriptors).values(),
    *vars(kcompressd).values(),
    *vars(zram).values(),
)
OWN = [each for each in PROPERTIES if each not in ELSEWHERE]
"""Properties with a bug here; those of descriptors have theirs in test_descriptors and test_iaa_descriptors, those of
queues in test_kcompressd, those of zram in test_zram."""


@pytest.mark.parametrize("each", OWN, ids=lambda each: each.id)
def test_a_property_is_broken_by_its_bug(each: Property) -> None:
    bug = BUGS[each.bug]
    assert each.id in broken(bug, bug.profile)


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.id)
def test_a_planted_bug_breaks_what_it_says(bug: Exhibit) -> None:
    assert set(bug.breaks) <= set(broken(bug, bug.profile))


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.id)
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
    explained = {id for id in NOT_CHECKED if id.startswith("ZS-")}
    assert checked.isdisjoint(explained)
    assert checked | explained == {f"ZS-{number}" for number in range(1, 33)}


def test_every_invariant_of_batches_is_checked_or_explained() -> None:
    """A letter behind the number marks a part of an invariant that has a property of its own."""
    checked = {each.id.rstrip("b") for each in PROPERTIES if each.id.startswith("BT-")}
    explained = {id for id in (*NOT_CHECKED, *SAME_AS) if id.startswith("BT-")}
    assert checked.isdisjoint(explained)
    assert checked | explained == {f"BT-{number}" for number in range(1, 18)}


@pytest.mark.parametrize("others", SAME_AS.values(), ids=SAME_AS)
def test_what_states_an_invariant_of_batches_speaks_of_them(others: tuple[str, ...]) -> None:
    assert set(others) <= {each.id for each in PROPERTIES if each.speaks_of(profile("batching-v14"))}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_has_the_properties_that_speak_of_it(name: str) -> None:
    made = profile(name)
    ids = {each.id for each in at_rest(made)} | {each.id for each in in_history(made)}
    assert {"LIVE", "ZS-1", "ZS-18", "ZS-19"} <= ids
    assert ("ZS-4" in ids) == (made.kernel != "6.1")
    assert ("SD-1" in ids) == (made.kernel == "6.19")
    assert ("BT-5" in ids) == (name in BATCHES)
    assert ("PLACE" in ids) == (name in BULK)
    assert ("BT-14" in ids) == (name in RAW)
    assert ("BT-9" in ids) == (name in BATCHES and name != "batching-v6")
    assert ("BT-12b" in ids) == (name in BATCHES and name not in ("batching-v6", "batching-v8"))


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


@pytest.mark.parametrize("kernel", ["linux-6.12", "linux-6.18", "linux-7.3"])
def test_what_goes_to_the_device_while_zswap_is_set_up_is_nobody_s_writeback(kernel: str) -> None:
    """Memory for the first pool is reclaimed from a cgroup that forbids writeback; zswap is off until it is made."""
    set_up = Exhibit(
        id="set_up",
        about=None,
        source="mm/zswap.c zswap_enabled_param_set(), Linux 6.12.117",
        evidence="B",
        base=kernel,
        operations={},
        fixed={"zswap_enabled": False, "initial_pool": False},
        program=(
            do("set_memcg", memcg=1, control="zswap.writeback", value="0"),
            do("write_page", mm=0, page=0, content=1),
            do("set_param", {"reclaim": (1,)}, name="enabled", value="1"),
        ),
    )

    assert broken(set_up, profile(kernel)) == ()
    *_, (v, events) = play(set_up, profile(kernel))
    names = [name for name, _ in events]
    assert names.index("disk_write") < names.index("enabled")
    assert v[v.at.zswap].enabled
