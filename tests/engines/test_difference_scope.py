"""Two profiles compared by how a scope can end."""

from __future__ import annotations

import attrs
import pytest

from refmodel.engines.command import Command
from refmodel.engines.difference_scope import compare_endings
from refmodel.engines.rerun import rerun
from refmodel.engines.scope import BadScope, Scope, Thread
from refmodel.engines.scope_file import scope_of
from refmodel.engines.toml_file import parse_toml
from refmodel.museum import exhibit, without_known_bugs
from refmodel.profiles import profile
from tests.engines.simple import LINUX, NO_COUNT
from tests.engines.small_scopes import PAGEOUT, READ, SIZES, WRITE, free

FAULTS = Scope(
    "two-faults",
    (Thread("one", (READ,)), Thread("other", (READ,))),
    sizes=SIZES,
    initial=(WRITE, PAGEOUT),
)
OLD, NEW = (without_known_bugs(profile(name)) for name in ("linux-6.12", "linux-7.3"))


def test_equal_profiles_end_in_the_same_ways() -> None:
    found = compare_endings(FAULTS, LINUX, LINUX, "strict")

    assert found.verdict == "no difference"
    assert found.before.endings == found.after.endings > 0
    assert found.run is None


def test_an_ending_of_one_profile_alone_comes_with_a_run_that_leads_there() -> None:
    """Where faults meet, both are counted as major in 6.12; in 7.3 never."""
    found = compare_endings(FAULTS, OLD, NEW, "counters")

    assert (found.verdict, found.only) == ("differ", "linux-6.12")
    assert found.sights[0].what == "vm.pgmajfault"
    assert found.run is not None
    end = {
        change.place: change.after
        for turn in rerun(found.run, OLD).turns
        for step in turn.steps
        for change in step.changes
    }
    assert end["vm.pgmajfault"] == found.sights[0].before


def test_the_level_says_what_an_ending_is() -> None:
    assert compare_endings(FAULTS, OLD, NEW, "data").verdict == "no difference"


def test_a_planted_bug_shows_at_the_end() -> None:
    scope = attrs.evolve(FAULTS, threads=(Thread("task", (WRITE, PAGEOUT)),), initial=())
    found = compare_endings(scope, LINUX, NO_COUNT, "counters")

    assert [(each.what, each.before, each.after) for each in found.sights] == [("zs.stored_pages", 1, 0)]


def scope_of_exhibit(id: str) -> Scope:
    bug = exhibit(id)
    return scope_of(parse_toml(f'profiles = ["{bug.base}"]\n{bug.scope}', f"{id}.toml")).scope


@pytest.mark.parametrize("id", ["I-15", "Z33"])
def test_a_model_that_does_not_survive_is_a_difference(id: str) -> None:
    """I-15 uses what was freed, Z33 waits for itself."""
    bug = exhibit(id)
    found = compare_endings(scope_of_exhibit(id), bug.correct, bug.profile, "data")

    assert (found.verdict, found.only) == ("differ", bug.profile.name)
    assert found.why.startswith(f"only on {bug.profile.name}: ")
    assert found.run is not None
    assert rerun(found.run, bug.profile).violation is not None


def test_where_neither_profile_survives_nothing_is_decided() -> None:
    bug = exhibit("I-15")
    found = compare_endings(scope_of_exhibit("I-15"), bug.profile, bug.profile, "data")

    assert found.verdict == "undecided"
    assert "neither" in found.why


def test_a_bound_that_is_reached_decides_nothing() -> None:
    found = compare_endings(FAULTS, LINUX, LINUX, "data", seconds=1e-9)

    assert found.verdict == "undecided"
    assert "not explored completely" in found.why


def test_a_thread_without_end_is_refused() -> None:
    with pytest.raises(BadScope, match="thread task goes on without end; expected times = N"):
        compare_endings(free(WRITE), LINUX, LINUX, "data")


def test_a_scope_that_a_profile_cannot_have_is_refused() -> None:
    scope = attrs.evolve(FAULTS, initial=(Command("shrinker_scan", (1, 0, 1)),))

    with pytest.raises(BadScope, match=r"two-faults: linux-6\.1 does not have shrinker_scan"):
        compare_endings(scope, LINUX, profile("linux-6.1"), "data")


def test_a_system_that_cannot_be_is_refused() -> None:
    scope = attrs.evolve(FAULTS, sizes=attrs.evolve(SIZES, vswap_cluster_size=3))

    with pytest.raises(BadScope, match="two-faults on vswap-v6: vswap_cluster_size 3"):
        compare_endings(scope, LINUX, profile("vswap-v6"), "data")


def test_threads_of_one_kind_are_not_told_apart() -> None:
    scope = attrs.evolve(FAULTS, threads=(Thread("reader", (READ,), number=2),))

    assert compare_endings(scope, LINUX, LINUX, "data").verdict == "no difference"
