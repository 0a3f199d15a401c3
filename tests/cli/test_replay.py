"""``refmodel replay`` of runs of several actors, and the forms in which runs are written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from refmodel.engines.schedule_token import ScheduledRun, encode_run
from refmodel.engines.setting import TOKENS, Setting
from refmodel.engines.token import Program, encode
from refmodel.museum import exhibit
from tests.cli.runner import refmodel_command
from tests.engines.scheduled import BROKEN, run_of
from tests.engines.simple import LINUX, STORE, move

Z06 = exhibit("Z06")
PROGRAM = encode(Program(Z06.profile.name, "toy", Setting(TOKENS), (*STORE, move("read", 0, 0))))
RUN = encode_run(run_of(LINUX))


def test_a_run_of_several_actors_is_drawn_in_lanes() -> None:
    result = refmodel_command("replay", RUN)

    assert result.exit_code == 0
    assert "turn  writer" in result.stdout
    assert "Folded" in result.stdout
    assert "Folded" not in refmodel_command("replay", RUN, "--unfold").stdout


@pytest.mark.parametrize(
    ("token", "form", "words"),
    [
        (RUN, "html", "<!doctype html>"),
        (RUN, "itf", '"format": "ITF"'),
        (RUN, "pytest", "def test_linux_7_3_holds() -> None:"),
        (RUN, "litmus", "[[thread]]"),
        (RUN, "json", '"actors": ['),
        (PROGRAM, "text", "Program on linux-6.12+Z06"),
        (PROGRAM, "html", "<!doctype html>"),
        (PROGRAM, "itf", '"format": "ITF"'),
        (PROGRAM, "pytest", 'violation = replay(run, known_profiles()["linux-6.12+Z06"]).violation'),
        (PROGRAM, "json", '"moves": ['),
    ],
)
def test_a_run_has_several_forms(token: str, form: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "run"
    printed = refmodel_command("replay", token, "--as", form)
    written = refmodel_command("replay", token, "--as", form, "-o", str(file))

    assert words in printed.stdout
    assert printed.exit_code == written.exit_code == (0 if token == RUN else 1)
    assert file.read_text(encoding="utf-8") == printed.stdout
    assert written.stdout == ""


def test_json_can_be_asked_for_as_everywhere() -> None:
    assert json.loads(refmodel_command("replay", RUN, "--json").stdout)["violation"] is None


def test_forks_can_be_continued_from() -> None:
    listed = refmodel_command("replay", RUN, "--fork", "2").stdout.splitlines()[3:]

    assert [line[0] for line in listed] == ["*", " "]
    for line in listed:
        assert refmodel_command("replay", line.split()[-1]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rs1-AAAA",), ("checksum", "copy it again")),
        (("rs2-AAAA",), ("rs2", "another version")),
        ((encode_run(BROKEN),), ("'no-count'", "expected one of")),
        ((encode_run(ScheduledRun("linux-7.3", BROKEN.scope, BROKEN.schedule * 2)),), ("turn", "cannot")),
        ((RUN, "--as", "gif"), ("'gif'", "html")),
        ((RUN, "--fork", "999"), ("turn 999", "expected 1 to")),
        ((RUN, "--fork", "0"), ("'--fork'",)),
        ((RUN, "-o", "/no/such/place"), ("/no/such/place", "name a file")),
        ((PROGRAM, "--as", "litmus"), ("rm1-", "rs1-")),
        ((PROGRAM, "--fork", "1"), ("rm1-", "rs1-")),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = refmodel_command("replay", *arguments)

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    for word in words:
        assert word in result.stderr
