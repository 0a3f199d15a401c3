"""The benchmark of the explorer measures scopes in fresh processes, and says what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines.bench_explore import Measured, Missing, measure, measure_script, measure_spin
from refmodel.engines.bench_subject import Failed, Setting, Size, explored, load_build

SCOPE = Path(__file__).with_name("scope.py")
ALL = Setting(actors=True, merge=True, names=True)


def test_a_scope_is_measured_in_a_fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """States, transitions, executions of model code and memory are reported with the CPU time."""
    root = SCOPE.parents[2]
    monkeypatch.chdir(root)
    measured = measure(SCOPE, Size(1, 2, 2), ALL)
    assert (measured.tool, measured.states, measured.transitions) == ("refmodel", 522, 1_236)
    assert measured.verdict == "complete"
    assert measured.seconds > 0
    assert measured.transitions_per_run == pytest.approx(1_236 / (measured.runs or 0))


def test_a_planted_bug_is_the_verdict() -> None:
    """A benchmark of a bug says what was found."""
    found = explored(load_build(SCOPE), Size(1, 2, 2, bug=2), ALL)
    assert found["verdict"] == "stored/charge counter differs from the number of live entries"


def test_a_bound_is_the_verdict() -> None:
    """A bounded benchmark says where it stopped."""
    found = explored(load_build(SCOPE), Size(1, 2, 2), Setting(states=100))
    assert found["verdict"] == "stopped at the bound of 100 states"


def test_a_script_is_run_with_the_numbers_of_the_scope(tmp_path: Path) -> None:
    """What it prints as states is its count."""
    script = tmp_path / "other.py"
    script.write_text("import sys\nprint('states=%d' % (len(sys.argv) * 100))\n")
    measured = measure_script(script, Size(1, 2, 2), ["--fast"])
    assert isinstance(measured, Measured)
    assert (measured.tool, measured.states) == ("other", 700)


def test_a_missing_tool_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing fails because another checker is not there."""
    assert measure_script(tmp_path / "no.py", Size(1, 2, 2)) == Missing(
        "no", f"there is no file {tmp_path / 'no.py'}"
    )
    monkeypatch.setenv("PATH", "")
    assert measure_spin(tmp_path / "no.pml", Size(1, 2, 2)) == Missing("spin", "spin is not installed")


def test_a_file_without_a_scope_is_refused(tmp_path: Path) -> None:
    """The message says what is expected."""
    empty = tmp_path / "empty.py"
    empty.write_text("")
    with pytest.raises(Failed, match="has no function build"):
        load_build(empty)
    with pytest.raises(Failed, match="expected a Python file"):
        load_build(tmp_path / "none.py")


def test_a_script_that_fails_is_an_error(tmp_path: Path) -> None:
    """What it said is passed on."""
    script = tmp_path / "bad.py"
    script.write_text("raise SystemExit('no such scope')\n")
    with pytest.raises(Failed, match="exit code 1: no such scope"):
        measure_script(script, Size(1, 2, 2))
