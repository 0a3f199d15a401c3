"""The command as a whole: help, version, and how it ends when something is wrong."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

import refmodel
from refmodel.cli.errors import OneLine, Undecided, one_line
from refmodel.resources import specs_dir
from tests.cli.runner import refmodel_command

TRACE = str(specs_dir() / "traces" / "lifecycle-6.12.jsonl.gz")


def test_without_a_subcommand_the_help_is_printed() -> None:
    result = refmodel_command()

    assert result.exit_code == 0
    assert result.stdout == refmodel_command("--help").stdout
    assert "spec" in result.stdout


def test_a_group_without_a_command_shows_its_help() -> None:
    result = refmodel_command("iaa")

    assert result.output.startswith("Usage: refmodel iaa [OPTIONS] COMMAND")
    assert "\n  tables " in result.output


def test_the_version_is_printed() -> None:
    result = refmodel_command("--version")

    assert (result.exit_code, result.stdout) == (0, f"refmodel, version {refmodel.__version__}\n")


def test_the_help_loads_nothing_of_the_model() -> None:
    code = "import sys, refmodel.cli; print({'refmodel.kernel', 'rich', 'hypothesis'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("spek",), ("'spek'", "spec", "refmodel --help")),
        (("--profile", "linux-7.3"), ("'--profile'", "refmodel --help")),
        (("spec", "--profil", "x"), ("'--profil'", "refmodel spec --help")),
        (("spec", "--profile"), ("'--profile'", "requires an argument", "refmodel --help")),
        (("spec", "--profile", "linux-6.13"), ("'linux-6.13'", "linux-6.1, linux-6.12", "did you mean")),
        (("spec", "zswap_stor"), ("'zswap_stor'", "did you mean zswap_store", "refmodel spec")),
        (("spec", "a", "b"), ("unexpected extra argument", "refmodel spec --help")),
        (("profiles", "linux-6.1"), ("found linux-6.1", "refmodel diff A B", "refmodel profiles --help")),
        (("profiles", "linux-6.1", "6.12"), ("refmodel diff linux-6.1 6.12 tells what differs",)),
        (("validate",), ("TRACE", "refmodel validate --help")),
        (("validate", "no-such-file"), ("no-such-file", "cannot be read")),
        (("validate", "--level", "all", "x"), ("'all'", "data", "refmodel validate --help")),
        (("validate", "--profile", "6.12", TRACE), ("'6.12'", "linux-6.12")),
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    result = refmodel_command(*arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("refmodel: ")
    assert result.stderr.count("\n") == 1
    for word in words:
        assert word in result.stderr


def test_a_defect_keeps_its_traceback_and_does_not_look_like_a_refutation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(OneLine) as ending, one_line():
        raise RuntimeError("unexpected")

    assert ending.value.exit_code == 2
    assert "RuntimeError: unexpected" in capsys.readouterr().err
    assert "report" in ending.value.message


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_an_interruption_decides_nothing(interruption: type[BaseException]) -> None:
    with pytest.raises(Undecided) as ending, one_line():
        raise interruption

    assert ending.value.exit_code == 3


def test_a_reader_that_goes_away_is_no_error() -> None:
    script = f"{sys.executable} -m refmodel.cli spec | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)

    assert (done.stdout.splitlines()[-1], done.stderr) == ("0", "")
