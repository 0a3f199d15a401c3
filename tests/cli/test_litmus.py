"""``refmodel litmus``."""

import json
from pathlib import Path

import pytest

from tests.cli.runner import refmodel_command

FILE = """
question = "Does a read return what was written?"
profiles = ["linux-6.12", "linux-7.3"]
[initial]
run = ["write(0, 0, 2)"]
[[thread]]
name = "reader"
run = ["read(0, 0)"]
[outcome]
always = "reader[0] == 2"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A litmus file that is right."""
    path = tmp_path / "small.toml"
    path.write_text(FILE)
    return path


def test_a_file_that_is_right_takes_a_row_for_each_profile(file: Path) -> None:
    result = refmodel_command("litmus", "run", str(file))

    assert result.exit_code == 0
    assert "small  linux-6.12  always    always" in result.stdout
    assert result.stdout.endswith("\n2 of 2 as expected\n")


def test_one_profile_can_be_chosen(file: Path) -> None:
    result = refmodel_command("litmus", "run", str(file), "--profile", "linux-7.3", "--json")
    (found,) = json.loads(result.stdout)

    assert (found["profile"], found["found"], found["verdict"]) == ("linux-7.3", "always", "as expected")


def test_several_processes_find_the_same(file: Path) -> None:
    result = refmodel_command("litmus", "run", str(file), "--jobs", "2")

    assert result.stdout.endswith("\n2 of 2 as expected\n")


def test_a_file_that_is_wrong_is_refuted(file: Path) -> None:
    file.write_text(FILE.replace("== 2", "== 3"))
    result = refmodel_command("litmus", "run", str(file))

    assert result.exit_code == 1
    assert "small on linux-7.3: expected always, found never\n" in result.stdout


def test_the_run_that_decides_is_shown(file: Path) -> None:
    file.write_text(FILE.replace("== 2", "== 3"))
    result = refmodel_command("litmus", "show", str(file))

    assert result.exit_code == 1
    for text in ("Does a read return", "linux-7.3", "how the outcome is missed", "ReadPage.access"):
        assert text in result.stdout


def test_a_mistake_in_a_file_takes_one_line(file: Path) -> None:
    file.write_text(FILE.replace("read(0, 0)", "raed(0, 0)"))
    result = refmodel_command("litmus", "run", str(file))

    assert result.exit_code == 2
    assert result.stderr.startswith(f"refmodel: {file}:8: unknown command raed; expected")
    assert result.stderr.count("\n") == 1


def test_a_name_that_nothing_has_is_told_with_the_nearest() -> None:
    result = refmodel_command("litmus", "show", "i-5-fault-against-writback")

    assert result.exit_code == 2
    assert "did you mean i-5-fault-against-writeback?" in result.stderr


def test_a_profile_that_a_file_does_not_speak_of_is_told(file: Path) -> None:
    for command in ("run", "show"):
        result = refmodel_command("litmus", command, str(file), "--profile", "linux-6.1")

        assert result.exit_code == 2


def test_the_shipped_files_and_the_commands_are_listed() -> None:
    assert "h-1-stale-under-zero" in refmodel_command("litmus", "list").stdout
    assert "shrinker_scan(memcg, nid, todo)" in refmodel_command("litmus", "commands").stdout
