"""``refmodel check`` and ``refmodel replay``."""

from __future__ import annotations

import json
import re
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from refmodel.engines import check as engine
from tests.cli.runner import refmodel_command

CHANGE = """\
import attrs

from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.machine import step


@attrs.define
class CleanLoad(ZswapLoad73):
    '''Load a page and leave the folio clean.'''

    @step
    def count_load(self, v):
        '''Mark the folio filled, and forget that it is the only copy.'''
        self.set_uptodate(v)
        return self.erase


BASE = "linux-7.3"
CHANGES = {"zswap_load": CleanLoad}
"""


@pytest.fixture
def change(tmp_path: Path) -> str:
    file = tmp_path / "clean_load.py"
    file.write_text(CHANGE)
    return str(file)


def test_a_check_ends_with_verdict_bound_coverage_seed_and_a_hint() -> None:
    result = refmodel_command("check", "--steps", "1000", "--seed", "3")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("linux-7.3, toy: not refuted\n")
    for label in ("bound ", "properties ", "speed ", "coverage ", "not reached ", "time ", "seed         3"):
        assert f"\n{label}" in result.stdout
    assert "next         refmodel check --profile linux-7.3 --seconds 60 --seed 4" in result.stdout


def test_the_hint_is_a_check_of_the_same_kind() -> None:
    given = ("--profile", "linux-6.1", "--known-bugs", "--preset", "real")
    result = refmodel_command("check", *given, "--steps", "1")

    said = " ".join(result.stdout.split())
    assert "refmodel check --profile linux-6.1 --known-bugs --preset real --seconds 60 --seed 1" in said


def test_a_check_bounded_in_steps_is_the_same_every_time() -> None:
    one, other = (json.loads(refmodel_command("check", "--steps", "500", "--json").stdout) for _ in range(2))

    for result in (one, other):
        for time in ("seconds", "walk_rate", "race_rate", "rule_rate"):
            del result[time]
    assert one == other
    assert one["verdict"] == "not refuted"
    assert one["steps_reached"] <= one["steps_declared"]


def test_a_change_that_breaks_something_is_refuted_with_program_timeline_and_token(change: str) -> None:
    result = refmodel_command("check", "--steps", "20000", "--with", change)

    assert result.exit_code == 1, result.output
    for text in (
        "Program on linux-7.3+clean_load, toy, ",
        "\nTimeline\n",
        "CleanLoad.count_load",
        "\nbroken  ",
    ):
        assert text in result.stdout
    assert "linux-7.3+clean_load, toy: refuted" in result.stdout
    assert f"next         mend {change} and check again" in result.stdout.replace("\n             ", " ")


def test_the_printed_line_replays_the_failure(change: str) -> None:
    printed = refmodel_command("check", "--steps", "20000", "--with", change).stdout
    line = re.search(r"^refmodel (replay .*)$", printed, re.MULTILINE)
    assert line is not None
    result = refmodel_command(*line[1].split())

    assert result.exit_code == 1
    assert "Program on linux-7.3+clean_load" in result.stdout
    assert "\nbroken  " in result.stdout


def test_a_replay_is_printed_as_json(change: str) -> None:
    (failure, *_) = json.loads(
        refmodel_command("check", "--steps", "20000", "--with", change, "--json").stdout
    )["failures"]
    replayed = json.loads(refmodel_command("replay", failure["token"], "--with", change, "--json").stdout)

    assert replayed["violation"]["property"] == failure["property"]
    assert [move["text"] for move in replayed["moves"]] == failure["program"]


def test_an_undecided_check_ends_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> object:
        raise BrokenProcessPool

    monkeypatch.setattr(engine, "_reports", lost)
    result = refmodel_command("check", "--steps", "10")

    assert result.exit_code == 3
    assert "linux-7.3, toy: undecided\n" in result.stdout
    assert "reason " in result.stdout


def test_progress_is_told_in_lines_where_no_terminal_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refmodel.cli.progress._PAUSE", 0.0)
    result = refmodel_command("check", "--steps", "1000")

    assert re.match(r"\d+ s: \d+ runs, [\d,]+ steps, \d+ of \d+ goals reached\n", result.stderr)


def test_known_bugs_of_a_released_kernel_are_left_out_and_named() -> None:
    result = refmodel_command("check", "--profile", "linux-6.1", "--steps", "200")

    assert result.exit_code == 0, result.output
    assert "left out     Z08, " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "--profile", "linux-6"), ("'linux-6'", "linux-6.1")),
        (("check", "--preset", "tiny"), ("'tiny'", "toy, real")),
        (("check", "--seconds", "0"), ("'--seconds'", "0.0 is not in the range")),
        (("check", "--seconds", "soon"), ("'--seconds'", "'soon'")),
        (("check", "--steps", "-1"), ("'--steps'", "-1")),
        (("check", "--jobs", "0"), ("'--jobs'", "0 is not in the range")),
        (("check", "--seed", "x"), ("'--seed'", "'x'")),
        (("check", "--with", "nowhere.py"), ("nowhere.py", "no such file")),
        (("replay",), ("TOKEN", "refmodel replay --help")),
        (("replay", "nonsense"), ("'nonsense'", "rm1-")),
        (("replay", "rm9-AAAA"), ("rm9", "another version")),
        (("replay", "rm1-AAAA"), ("checksum", "copy it again")),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = refmodel_command(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def test_a_change_to_another_profile_is_refused(change: str) -> None:
    result = refmodel_command("check", "--with", change, "--profile", "linux-6.12")

    assert result.exit_code == 2
    assert "is a change to linux-7.3, not to linux-6.12" in result.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "defines no CHANGES"),
        ("CHANGES = {'no_such': int}\n", "'no_such' does not exist"),
        ("def broken(:\n", "line 1"),
        ("import nothing_of_that_name\n", "line 1: ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_change_gets_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "change.py"
    file.write_text(text)
    result = refmodel_command("check", "--with", str(file))

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert words in result.stderr
