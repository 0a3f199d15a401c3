"""The museum: each exhibit shows its bug, and without the bug the same program shows nothing."""

from __future__ import annotations

import attrs
import pytest

from refmodel.engines.violation import BUILT_IN
from refmodel.museum import (
    EXHIBITS,
    NOT_IN_THIS_ROOM,
    Exhibit,
    UnknownExhibit,
    exhibit,
    known_bugs,
    without_known_bugs,
)
from refmodel.museum.exhibit import do
from refmodel.profiles import NAMED, profile
from refmodel.properties import PROPERTIES, by_id
from refmodel.report.hunt import explore_exhibit, shortest_run
from tests.properties.verdicts import broken

LISTED = {
    f"{area}{number:02}"
    for area, numbers in (
        ("Z", (1, 2, 3, 5, 6, 7, 8, 9, 11, 12, 15, 16, 18, 19, 20, 22, 26, 28, 30, 31, 33, 34)),
        ("B", (1, 2, 3, 5, 6, 8, 10)),
        ("S", (1, 4, 5, 6, 8, 9, 11, 12, 13)),
        ("K", (1, 2, 3, 4, 5)),
        ("I", (1, 2, 3, 4, 7)),
        ("R", (3, 5)),
        ("M", (1, 3)),
        ("V", (1,)),
        ("C", (1,)),
    )
    for number in numbers
}
"""The 54 bugs of the list."""


WITH_PROGRAM = [each for each in EXHIBITS if each.program]
WITH_SCOPE = [each for each in EXHIBITS if each.scope]


@pytest.mark.parametrize("each", WITH_PROGRAM, ids=lambda each: each.id)
def test_the_program_breaks_what_the_exhibit_says(each: Exhibit) -> None:
    assert set(broken(each, each.profile)) == set(each.breaks)


@pytest.mark.parametrize("each", WITH_PROGRAM, ids=lambda each: each.id)
def test_the_program_breaks_nothing_without_the_bug(each: Exhibit) -> None:
    assert broken(each, each.correct) == ()


@pytest.mark.parametrize("each", WITH_SCOPE, ids=lambda each: each.id)
def test_an_exploration_of_the_scope_meets_the_bug(each: Exhibit) -> None:
    """The shortest run breaks the property that the exhibit names, and runs again to the same end."""
    found = explore_exhibit(each, each.profile)

    assert found.verdict == "refuted"
    again = shortest_run(each, found).violation
    assert again is not None
    assert again.property == each.meets


@pytest.mark.parametrize("each", WITH_SCOPE, ids=lambda each: each.id)
def test_an_exploration_sees_everything_and_nothing_wrong_without_the_bug(each: Exhibit) -> None:
    found = explore_exhibit(each, each.correct)

    assert (found.verdict, found.unjudged) == ("holds", ())


@pytest.mark.parametrize("each", EXHIBITS, ids=lambda each: each.id)
def test_an_exhibit_tells_its_story(each: Exhibit) -> None:
    assert each.title
    assert not each.title.endswith(".")
    assert 1 < each.story.count(". ") + 1 < 8
    assert each.source
    assert each.base in NAMED
    assert set(each.breaks) <= {known.id for known in PROPERTIES}


@pytest.mark.parametrize("each", EXHIBITS, ids=lambda each: each.id)
def test_an_exhibit_is_shown_by_a_program_or_a_scope(each: Exhibit) -> None:
    """A bug without a scope breaks only what speaks of the events of one actor."""
    assert bool(each.program) == bool(each.breaks)
    assert bool(each.scope) == bool(each.meets)
    if not each.scope:
        assert {by_id(id).when for id in each.breaks} == {"history"}


@pytest.mark.parametrize("each", EXHIBITS, ids=lambda each: each.id)
def test_a_bug_replaces_a_step_or_a_released_kernel_lacks_a_remedy(each: Exhibit) -> None:
    assert bool(each.operations) != bool(each.remedy or (not each.operations and each.remedy_options))


def test_every_property_that_every_run_has_is_met_by_a_bug() -> None:
    """A step that is not defined somewhere is a mistake of the model, not a bug of a kernel."""
    assert set(BUILT_IN) - {each.meets for each in EXHIBITS} == {"DEFINED"}


def test_every_bug_of_the_list_is_shown_or_explained() -> None:
    shown = {each.id[:3] for each in EXHIBITS}
    assert len(LISTED) == 54
    assert shown.isdisjoint(NOT_IN_THIS_ROOM)
    assert set(NOT_IN_THIS_ROOM) == LISTED - shown


def test_an_exhibit_is_found_by_its_id() -> None:
    assert exhibit("Z11").profile.name == "linux-6.18+Z11"


def test_a_hazard_of_batching_is_found_by_its_number() -> None:
    assert exhibit("HB-1") is exhibit("B02")
    assert exhibit("HB-4") is exhibit("B01")


def test_a_bug_that_is_not_shown_yet_says_what_it_waits_for() -> None:
    with pytest.raises(UnknownExhibit, match=r"'I02': not shown yet.*iaa_tables"):
        exhibit("I02")


def test_an_unknown_exhibit_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownExhibit, match=r"'Z19': expected one of .*did you mean Z19"):
        exhibit("Z19")


def test_a_released_kernel_has_its_known_bugs() -> None:
    assert [each.id for each in known_bugs(profile("linux-6.1"))] == ["Z08", "Z15", "Z15a", "H-13"]
    assert [each.id for each in known_bugs(profile("linux-6.12"))] == ["H-1", "H-14"]
    for kernel in ("linux-6.18", "linux-7.3"):
        assert [each.id for each in known_bugs(profile(kernel))] == ["H-1"]
    assert known_bugs(profile("vswap-v6")) == ()


def test_remedies_replace_the_steps_of_known_bugs_only() -> None:
    released = profile("linux-6.1")
    remedied = without_known_bugs(released)
    assert remedied.name == released.name
    assert remedied.operations.zswap_store is exhibit("Z08").remedy["zswap_store"]
    assert remedied.operations.zswap_load is exhibit("H-13").remedy["zswap_load"]
    assert remedied.operations.zswap_entry_free is released.operations.zswap_entry_free
    assert without_known_bugs(profile("vswap-v6")) == profile("vswap-v6")


@pytest.mark.parametrize("name", ["kcompressd-a", "kcompressd-b", "kcompressd-c", "batching-reclaim"])
def test_the_remedy_of_h_1_reaches_every_way_of_swapping_out(name: str) -> None:
    """Kswapd has a swap-out of its own where it has a thread; batches of folios begin with one."""
    way = "swap_writepage_begin" if name == "batching-reclaim" else "kswapd_writepage"
    batch = do("madvise_pageout", mm=0, page=0)
    swap_out = batch if name == "batching-reclaim" else do("kswapd", folio=1)
    bug = attrs.evolve(
        exhibit("H-1"),
        base=name,
        program=(
            do("write_page", mm=0, page=0, content=1),
            do("madvise_pageout", {"folio_held": (1,)}, mm=0, page=0),
            do("read_page", mm=0, page=0),
            do("write_page", mm=0, page=0, content=0),
            swap_out,
            do("shrink_memcg", memcg=1),
            do("shrink_memcg", memcg=1),
        ),
    )
    released = profile(name)

    assert "ZS-18" in broken(bug, released)
    assert broken(bug, without_known_bugs(released)) == ()
    assert getattr(without_known_bugs(released).operations, way).__name__.endswith("Invalidates")


def test_the_remedies_of_a_posting_go_together() -> None:
    """Each remedy of an operation that two bugs share mends both; options come with the steps that read them."""
    posting = profile("batching-v12")
    remedied = without_known_bugs(posting)
    for id in ("B01", "HB-3"):
        assert remedied.operations.zswap_store_pages is exhibit(id).remedy["zswap_store_pages"]
    assert (posting.options.lengths_tested, remedied.options.lengths_tested) == (False, True)
    assert (posting.options.lru_node, remedied.options.lru_node) == ("memory", "entry")
    assert exhibit("B01").correct.options.lru_node == "entry"
    assert exhibit("B01").profile.options.lru_node == "memory"
