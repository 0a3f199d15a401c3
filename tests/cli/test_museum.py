"""``refmodel museum``."""

import json

import attrs
import pytest

from refmodel.museum import EXHIBITS
from refmodel.report import hunt
from refmodel.report.hunt import Explored, Find, Met, Shown
from tests.cli.runner import refmodel_command

NOTHING = Met("walks", "", runs=7, steps=1234, length=0, program=(), seconds=0.5, token="")

FOUND = Find(
    id="Z06",
    title="A title",
    base="linux-6.12",
    shown=Shown("ZS-16", 3, 0.1),
    explored=Explored(
        "LIVE", states=421, transitions=748, depth=24, steps=30, turns=25, seconds=0.4, token=""
    ),
    walks=attrs.evolve(NOTHING, property="ZS-29", length=23),
    races=attrs.evolve(NOTHING, kind="races"),
)

LOST = attrs.evolve(FOUND, shown=Shown("", 3, 0.1), explored=None, walks=NOTHING)


def test_one_bug_is_shown_with_its_story_and_its_shortest_run() -> None:
    result = refmodel_command("museum", "Z33", "--runs", "2")

    assert result.exit_code == 0
    for text in (
        "Z33: A swap-in reclaims into zswap and waits for itself\n",
        "put into     linux-6.12\n",
        "exploration  breaks PROGRESS, ",
        "without it   holds: everything was seen",
        "walks        nothing in 2 runs",
        "WaitsForAnybody.lookup: for slot 1",
    ):
        assert text in result.stdout


def test_the_shortest_run_can_be_replayed() -> None:
    printed = refmodel_command("museum", "Z33", "--runs", "0").stdout
    result = refmodel_command(*printed.splitlines()[-1].split()[1:])

    assert result.exit_code == 1
    assert "linux-6.12+Z33" in result.stdout
    assert "broken  PROGRESS" in result.stdout


def test_a_bug_without_a_scope_is_shown_by_the_shortest_program_of_a_walk() -> None:
    printed = refmodel_command("museum", "Z06").stdout
    result = refmodel_command(*printed.splitlines()[-1].split()[1:])

    assert "The shortest program that was found:\n  1  " in printed
    assert "Program on linux-6.12+Z06, toy, tokens" in result.stdout
    assert "broken  ZS-16" in result.stdout


def test_bugs_are_data() -> None:
    one, other = json.loads(refmodel_command("museum", "S11", "Z05", "--json", "--runs", "10").stdout)

    assert (one["id"], one["shown"]["property"], one["explored"]["property"]) == ("S11", "SD-12", "SD-12")
    assert (other["id"], other["shown"], other["explored"]["property"]) == ("Z05", None, "LIVE")
    assert one["explored"]["steps"] > 0
    assert one["walks"]["kind"] == "walks"


def test_the_room_is_a_table_with_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "hunt", lambda exhibit, *_, **__: attrs.evolve(FOUND, id=exhibit.id))
    result = refmodel_command("museum", "--runs", "7")
    every = len(EXHIBITS)

    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert f"{every} of {every} bugs were found: {every} by the bug's own program, {every} by an" in text
    assert "0 by random runs of several actors. At most 7 walks and 7 races for each bug." in text
    for exhibit in EXHIBITS:
        assert f"\n{exhibit.id} " in result.stdout


def test_a_row_says_what_each_engine_found_and_at_what_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "hunt", lambda exhibit, *_, **__: attrs.evolve(FOUND, id=exhibit.id))
    lines = refmodel_command("museum", "Z05", "Z06").stdout.splitlines()

    assert lines[1].split() == ["Z05", "A", "title", "ZS-16", "LIVE", "ZS-29", "nothing"]
    assert lines[2].split() == ["3", "commands", "30", "steps", "run", "7"]
    assert lines[3].split() == ["421", "states"]


def test_a_bug_that_nothing_catches_refutes_the_museum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hunt, "hunt", lambda exhibit, *_, **__: LOST)
    result = refmodel_command("museum", "Z05", "Z06")

    assert result.exit_code == 1
    assert "Found by nothing: Z06, Z06.\n" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Z16",), ("'Z16'", "not shown yet")),
        (("Z1",), ("'Z1'", "did you mean")),
        (("--runs", "-1"), ("'--runs'",)),
        (("--seed", "x"), ("'--seed'", "'x'")),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = refmodel_command("museum", *arguments)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    for word in words:
        assert word in result.stderr
