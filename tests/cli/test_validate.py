"""``refmodel validate``: verdicts, exit codes, and what is printed of a rejection."""

import json
from pathlib import Path

import pytest

from refmodel.conformance import validator
from refmodel.conformance.validator import Verdict
from refmodel.resources import specs_dir
from tests.cli.runner import refmodel_command

LIFECYCLE = str(specs_dir() / "traces" / "lifecycle-6.12.jsonl.gz")


def test_an_allowed_trace_is_accepted() -> None:
    result = refmodel_command("validate", LIFECYCLE)

    assert result.exit_code == 0
    assert "lifecycle-6.12.jsonl.gz  linux-6.12  accepted  events" in result.stdout


def test_a_trace_of_another_kernel_is_rejected_with_the_line_and_the_step() -> None:
    result = refmodel_command("validate", "--profile", "linux-6.1", LIFECYCLE)

    assert result.exit_code == 1
    assert f"{LIFECYCLE}:16: not allowed" in result.stdout
    for label in ("operation  #8 out", "observed   ", "allowed    ", "step       ZswapStore61."):
        assert label in result.stdout


def test_verdicts_are_printed_as_json() -> None:
    result = refmodel_command("validate", "--json", "--level", "data", LIFECYCLE)

    (verdict,) = json.loads(result.stdout)
    assert (verdict["verdict"], verdict["level"], verdict["rejection"]) == ("accepted", "data", None)


def test_an_unreadable_file_ends_with_2_after_the_verdicts_before_it(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("{\n")
    result = refmodel_command("validate", LIFECYCLE, str(broken))

    assert result.exit_code == 2
    assert "accepted" in result.stdout
    assert result.stderr.startswith(f"refmodel: {broken}:1: ")


def test_an_undecided_trace_ends_with_3(monkeypatch: pytest.MonkeyPatch) -> None:
    def undecided(path: str, *_: object) -> Verdict:
        return Verdict(path, "linux-6.12", "undecided", "events", "", 0, 0, 0, 0.0)

    monkeypatch.setattr(validator, "validate", undecided)

    assert refmodel_command("validate", "a-trace").exit_code == 3
