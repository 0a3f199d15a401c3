"""The generated pages of the book."""

from pathlib import Path

import pytest

from refmodel.kernel import choices
from refmodel.machine import ChoicePoint
from refmodel.museum import EXHIBITS, NOT_IN_THIS_ROOM
from refmodel.profiles import PROFILES
from refmodel.properties import PROPERTIES
from refmodel.report import spec
from refmodel.report.book import prose, write_pages


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


def test_every_profile_is_compared_with_the_nearest_before_it(book: Path) -> None:
    text = page(book, "profiles.md")

    for heading in ("## From linux-6.1 to linux-6.12", "## From linux-6.18 to linux-7.3"):
        assert heading in text
    assert text.count("\n## From ") == len(PROFILES) - 1


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
