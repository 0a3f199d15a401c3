"""The generated pages of the book."""

import re
from pathlib import Path

import pytest

from refmodel.kernel import choices
from refmodel.machine import ChoicePoint
from refmodel.museum import EXHIBITS, NOT_IN_THIS_ROOM
from refmodel.profiles import PROFILES
from refmodel.profiles.neighbours import NEIGHBOURS
from refmodel.properties import PROPERTIES
from refmodel.report import spec
from refmodel.report.book import prose, write_pages
from refmodel.report.book_differences import difference_name


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    outdir = tmp_path_factory.mktemp("book") / "generated"
    write_pages(outdir)
    return outdir


def page(book: Path, name: str) -> str:
    return (book / name).read_text(encoding="utf-8")


def test_every_operation_of_every_profile_has_a_page_with_its_steps(book: Path) -> None:
    for profile in PROFILES.values():
        for name, info in spec.operations(profile).items():
            text = page(book, f"operations/{name}.md")
            assert profile.name in text
            for step in info.steps:
                assert f"### {step.name}\n" in text, (name, step.name)


def test_profiles_with_the_same_definition_share_a_section(book: Path) -> None:
    assert "## linux-6.12, linux-6.18, linux-7.3" in page(book, "operations/zswap_invalidate.md")


def test_a_step_has_its_guards_failures_counters_and_components(book: Path) -> None:
    text = page(book, "operations/zswap_store.md")
    publish = text[text.index("### publish") :]

    for line in (
        "- if `xa_store fails`: `free_object`",
        "- otherwise: `free_old`",
        ": `zs.reject_alloc_fail`",
    ):
        assert line in publish


def test_every_property_has_its_sentence(book: Path) -> None:
    text = page(book, "properties.md")
    for each in PROPERTIES:
        assert f"### {each.id}\n\n{prose(each.sentence)}\n" in text


@pytest.mark.parametrize("pair", NEIGHBOURS, ids=lambda pair: difference_name(*pair))
def test_neighbours_have_a_page_with_what_differs_and_what_looks_different(
    book: Path, pair: tuple[str, str]
) -> None:
    text = page(book, f"differences/{difference_name(*pair)}.md")

    assert text.startswith(f"# From {pair[0]} to {pair[1]}\n")
    for heading in (
        "## What looks different",
        "### data",
        "### counters",
        "### strict",
        "## Options and operations",
    ):
        assert f"\n{heading}\n" in text
    assert f"differences/{difference_name(*pair)}.md" in page(book, "profiles.md")


def test_a_page_of_differences_shows_the_shortest_scenario_in_two_columns(book: Path) -> None:
    text = page(book, "differences/linux-6.12-to-linux-6.18.md")

    assert "\n  1  write(mm=0, page=0, content=2)\n" in text
    assert re.search(r"\n     linux-6\.12 +linux-6\.18\n", text)
    assert re.search(r"\n!  .*  .*\n", text)
    assert "refmodel replay rm1-" in text


def test_every_choice_point_names_the_operations_that_ask_it(book: Path) -> None:
    text = page(book, "choice-points.md")
    for point in vars(choices).values():
        if isinstance(point, ChoicePoint):
            assert f"## {point.name}\n" in text
    assert "[`zswap_store`](operations/zswap_store.md)" in text


def test_every_exhibit_has_its_story_and_those_not_shown_have_a_reason(book: Path) -> None:
    text = page(book, "museum.md")
    for exhibit in EXHIBITS:
        assert f"## {exhibit.id}\n\n**{prose(exhibit.title)}.**" in text
    for id, reason in NOT_IN_THIS_ROOM.items():
        assert f"{prose(id)}\n: {prose(reason)}\n" in text


def test_prose_means_nothing_but_itself() -> None:
    assert prose("a_b [c] <d> `e_f` ``g_h``") == r"a\_b \[c\] \<d\> `e_f` ``g_h``"


def test_writing_again_gives_the_same_pages(book: Path, tmp_path: Path) -> None:
    write_pages(tmp_path)

    for path in book.rglob("*.md"):
        assert (tmp_path / path.relative_to(book)).read_bytes() == path.read_bytes()
