"""``refmodel explore`` answers with a verdict, an exit code, and a run that can be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runner import refmodel_command

READERS = """
question = "Do two readers of a swapped-out page get its bytes?"
profiles = ["{profile}"]
[system]
slots = 3
[initial]
run = ["write(0, 0, 2)", "pageout(0, 0, 1)"]
[[thread]]
name = "reader"
number = 2
run = ["read(0, 0)"]
"""

FAULTS = """
[environment]
faults = ["bounce_buffer"]
"""


@pytest.fixture
def holding(tmp_path: Path) -> str:
    """A scope in which nothing is wrong."""
    path = tmp_path / "readers.toml"
    path.write_text(READERS.format(profile="linux-7.3"))
    return str(path)


@pytest.fixture
def broken(tmp_path: Path) -> str:
    """A scope in which 6.1 as released breaks the promise (H-13)."""
    path = tmp_path / "readers-61.toml"
    path.write_text(READERS.format(profile="linux-6.1") + FAULTS)
    return str(path)


def test_a_scope_that_holds_says_how_much_was_searched(holding: str) -> None:
    result = refmodel_command("explore", holding)

    assert result.exit_code == 0
    assert "readers on linux-7.3: holds, everything was seen" in result.stdout
    assert "Do two readers of a swapped-out page get its bytes?" in result.stdout
    assert " states, " in result.stdout


def test_a_refutation_shows_a_run_whose_token_repeats_it(broken: str) -> None:
    result = refmodel_command("explore", broken, "--known-bugs")

    assert result.exit_code == 1
    assert "PROMISE is broken" in result.stdout
    assert "bounce_buffer fails" in result.stdout
    token = result.stdout.split("refmodel replay ")[1].split()[0]
    again = refmodel_command("replay", token, "--known-bugs")
    assert "PROMISE" in again.stdout


def test_the_known_bugs_of_a_released_kernel_are_left_out_otherwise(broken: str) -> None:
    assert refmodel_command("explore", broken).exit_code == 0


def test_a_counterexample_is_written_as_a_page_and_as_itf(broken: str, tmp_path: Path) -> None:
    page, trace = tmp_path / "run.html", tmp_path / "run.itf.json"
    refmodel_command("explore", broken, "--known-bugs", "--html", str(page), "--itf", str(trace))

    assert page.read_text().startswith("<!doctype html>")
    assert len(json.loads(trace.read_text())["states"]) > 10


def test_json_has_the_figures(holding: str) -> None:
    found = json.loads(refmodel_command("explore", holding, "--json").stdout)

    assert found["verdict"] == "holds"
    assert found["states"] > 100
    assert found["complete"]


def test_a_bound_that_was_asked_for_is_no_failure(holding: str) -> None:
    result = refmodel_command("explore", holding, "--max-states", "50")

    assert result.exit_code == 0
    assert "not refuted, stopped at the bound of 50 states" in result.stdout


def test_a_search_without_memory_decides_nothing(holding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("refmodel.engines.explorer.search.resident", lambda: 10**12)
    result = refmodel_command("explore", holding, "--memory", "64")

    assert result.exit_code == 3
    assert "undecided, stopped at the bound of 64 megabytes of memory" in result.stdout


def test_a_search_goes_on_from_its_checkpoint(holding: str, tmp_path: Path) -> None:
    saved = str(tmp_path / "saved")
    refmodel_command("explore", holding, "--max-states", "50", "--checkpoint", saved)
    rest = json.loads(refmodel_command("explore", holding, "--checkpoint", saved, "--json").stdout)
    whole = json.loads(refmodel_command("explore", holding, "--json").stdout)

    assert (rest["states"], rest["transitions"]) == (whole["states"], whole["transitions"])


def test_a_checkpoint_of_another_scope_is_refused(holding: str, broken: str, tmp_path: Path) -> None:
    saved = str(tmp_path / "saved")
    refmodel_command("explore", holding, "--max-states", "50", "--checkpoint", saved)
    result = refmodel_command("explore", broken, "--checkpoint", saved)

    assert result.exit_code == 2
    assert "go on with the scope" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("zswp",), "did you mean zswap?"),
        (("zswap", "--profile", "linux-9"), "expected one of linux-6.1"),
    ],
)
def test_mistakes_take_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = refmodel_command("explore", *arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_scopes_that_come_along_are_listed() -> None:
    result = refmodel_command("explore", "--list")

    assert result.exit_code == 0
    assert "zswap-faults" in result.stdout
    assert refmodel_command("explore").stdout == result.stdout
