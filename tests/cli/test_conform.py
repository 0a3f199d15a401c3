"""``refmodel conform``, ``vectors``, ``adapter`` and ``serve``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from refmodel.resources import specs_dir
from tests.cli.runner import refmodel_command

STORE = f"python:{specs_dir() / 'examples' / 'store.py'}:Store"
SERVE = f"exec:{sys.executable} -m refmodel.cli serve"


def test_an_implementation_that_conforms_ends_with_0_and_what_was_exercised() -> None:
    result = refmodel_command("conform", STORE, "--seconds", "0.5", "--seed", "3")
    assert result.exit_code == 0
    assert "store.py 1 against linux-7.3, level counters" in result.stdout
    assert "missing commands: lazyfree, willneed, fork" in result.stdout
    assert f"again: refmodel conform {STORE} --level counters --seed 3 --seconds 0.5" in result.stdout


def test_two_processes_share_the_programs() -> None:
    result = refmodel_command("conform", STORE, "--seconds", "0.5", "--jobs", "2")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].endswith("--jobs 2")


def test_a_divergence_ends_with_1_in_two_columns_with_the_step(tmp_path: Path) -> None:
    result = refmodel_command("conform", f"{STORE} uncounted", "--out", str(tmp_path))
    assert result.exit_code == 1
    assert "3  shrink w=0 nid=0 n=1               counter zs.stored_pages +0" in result.stdout
    assert "the model's step: ZswapEntryFree73.free_metadata" in result.stdout
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".jsonl", ".jsonl"]
    checked = refmodel_command(
        "validate", str(tmp_path / "trace.jsonl"), "--profile", "linux-7.3", "--level", "counters"
    )
    assert checked.exit_code == 1


def test_json_has_the_program_and_the_files(tmp_path: Path) -> None:
    result = refmodel_command("conform", f"{STORE} stale", "--out", str(tmp_path), "--json")
    found = json.loads(result.stdout)
    assert found["verdict"] == "refuted"
    assert len(found["shrunk"]["program"]) <= 8
    assert Path(found["saved"]["trace"]).exists()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("store", "target 'store': expected python:MODULE:CLASS, exec:PROGRAM, lib:FILE or linux:KERNEL"),
        ("exec:/no/such/program", "cannot be started"),
        ("linux:/no/such/image", "no such kernel"),
        ("exec:/bin/true", "command 0 (hello)"),
    ],
)
def test_a_target_that_cannot_be_used_ends_with_2_in_one_line(target: str, said: str) -> None:
    result = refmodel_command("conform", target)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_served_model_conforms_to_itself() -> None:
    result = refmodel_command(
        "conform", f"{SERVE} --profile linux-6.12", "--seconds", "1", "--level", "events"
    )
    assert result.exit_code == 0, result.stdout


def test_the_served_model_refuses_what_is_no_command() -> None:
    words = [sys.executable, "-m", "refmodel.cli", "serve"]
    done = subprocess.run(words, input='{"i": 1, "op": "fly"}\n', capture_output=True, text=True)
    assert done.returncode == 2
    assert "line 1 of the input: op is 'fly'" in done.stderr


def test_a_starting_point_names_the_command_that_runs_it(tmp_path: Path) -> None:
    result = refmodel_command("adapter", "new", "python", str(tmp_path))
    assert result.exit_code == 0
    target = result.stdout.splitlines()[-1].removeprefix("run: refmodel conform ")
    assert refmodel_command("conform", target, "--seconds", "0.2").exit_code == 0


def test_vectors_are_written_and_verified(tmp_path: Path) -> None:
    filled = refmodel_command("vectors", "fill", "--runs", "3", "--out", str(tmp_path), "--shards", "2")
    assert filled.exit_code == 0
    assert "goals reached" in filled.stdout
    good = refmodel_command("vectors", "verify", str(tmp_path), f"{SERVE} --profile linux-7.3")
    assert good.exit_code == 0, good.stdout
    wrong = refmodel_command("vectors", "verify", "linux-7.3", f"{SERVE} --profile linux-6.12")
    assert wrong.exit_code == 1
    assert "why it failed" in wrong.stdout


def test_vectors_of_which_nothing_can_be_compared_decide_nothing(tmp_path: Path) -> None:
    refmodel_command("adapter", "new", "python", str(tmp_path))
    adapter = tmp_path / "adapter.py"
    silent = adapter.read_text().replace('"errno": 0, **fields', '**{key: "unknown" for key in fields}')
    adapter.write_text(
        silent.replace('"unknown" for key', 'fields[key] if key == "counters" else "unknown" for key')
    )
    assert refmodel_command("vectors", "verify", "linux-7.3", f"python:{adapter}:Adapter").exit_code == 3


def test_what_is_no_directory_of_vectors_is_refused_in_one_line(tmp_path: Path) -> None:
    result = refmodel_command("vectors", "verify", str(tmp_path), STORE)
    assert result.exit_code == 2
    assert "no manifest" in result.stderr
