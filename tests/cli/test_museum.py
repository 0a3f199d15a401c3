"""``refmodel museum``."""

import json

import attrs
import pytest

from refmodel.museum import EXHIBITS
from refmodel.report import hunt
from refmodel.report.hunt import Find
from tests.cli.runner import refmodel_command

FOUND = Find(
    id="Z06",
    title="A title",
    base="linux-6.12",
    broken="ZS-16",
    runs=2,
    steps=1234,
    length=23,
    program=("write(mm=0, page=0, content=1)",),
    token="rm1-AAAA",
    seconds=0.5,
    shown_by="ZS-16",
    shown_in=3,
)


def test_one_bug_is_shown_with_its_story_and_the_program_that_was_found() -> None:
    result = refmodel_command("museum", "--only", "Z06")

    assert result.exit_code == 0
    for text in ("Z06: The owner's reference", "put into  linux-6.12", "found by  ZS-16 in run ", "  1  "):
        assert text in result.stdout


def test_the_token_of_a_bug_can_be_replayed() -> None:
    printed = refmodel_command("museum", "--only", "Z06").stdout
    result = refmodel_command(*printed.splitlines()[-1].split()[1:])

    assert result.exit_code == 1
    assert "Program on linux-6.12+Z06, toy, tokens" in result.stdout
    assert "broken  ZS-16" in result.stdout


def test_a_bug_is_data() -> None:
    (find,) = json.loads(refmodel_command("museum", "--only", "S11", "--json").stdout)

    assert (find["id"], find["broken"]) == ("S11", "SD-12")
    assert 0 < len(find["program"]) <= find["length"]


def test_the_room_is_a_table_with_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "hunt", lambda exhibit, *_: attrs.evolve(FOUND, id=exhibit.id))
    result = refmodel_command("museum")

    assert result.exit_code == 0
    assert f"{len(EXHIBITS)} of {len(EXHIBITS)} bugs were found by random runs\n" in result.stdout
    for exhibit in EXHIBITS:
        assert f"\n{exhibit.id} " in result.stdout


def test_a_bug_that_its_own_program_shows_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = attrs.evolve(FOUND, broken="", program=(), token="", length=0)
    monkeypatch.setattr(hunt, "hunt", lambda exhibit, *_: missed)
    result = refmodel_command("museum")

    assert result.exit_code == 0
    assert "ZS-16, own program" in result.stdout
    assert f"0 of {len(EXHIBITS)} bugs were found by random runs, {len(EXHIBITS)} only by" in result.stdout


def test_a_bug_that_nothing_catches_refutes_the_museum(monkeypatch: pytest.MonkeyPatch) -> None:
    missed = attrs.evolve(FOUND, broken="", program=(), token="", length=0, shown_by="")
    monkeypatch.setattr(hunt, "hunt", lambda exhibit, *_: missed)
    result = refmodel_command("museum")

    assert result.exit_code == 1
    assert f"{len(EXHIBITS)} by nothing" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--only", "Z01"), ("'Z01'", "not shown yet")),
        (("--only", "Z1"), ("'Z1'", "did you mean")),
        (("--seconds", "0"), ("'--seconds'",)),
        (("--seed", "x"), ("'--seed'", "'x'")),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = refmodel_command("museum", *arguments)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    for word in words:
        assert word in result.stderr
