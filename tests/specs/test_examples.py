"""The example store in C, right and wrong, behind both of its doors."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from refmodel.conformance.adapters import write_adapter
from refmodel.conformance.conform import conform
from refmodel.conformance.target import open_target
from refmodel.conformance.validator import Level
from refmodel.conformance.vectors import verify
from refmodel.profiles import profile
from refmodel.resources import specs_dir
from tests.specs.c_examples import build, build_store, needs_c

MOST_COMMANDS = 8
"""Commands of the counterexample of any fault."""


def faults() -> list[str]:
    """Return the names of the faults that the store can have."""
    text = (specs_dir() / "examples" / "store.c").read_text()
    names = re.search(r"faults\[\] = \{([^}]*)\}", text)
    assert names
    return [name for name in re.findall(r'"([^"]+)"', names[1]) if name != "none"]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The library and the program."""
    return build_store(tmp_path_factory.mktemp("store"))


def test_there_are_at_least_twelve_ways_to_be_wrong() -> None:
    assert len(faults()) >= 12


@needs_c
@pytest.mark.parametrize("level", ["data", "counters", "events"])
def test_the_store_conforms_behind_both_doors(doors: tuple[Path, Path], level: Level) -> None:
    for name in (f"lib:{doors[0]}", f"exec:{doors[1]}"):
        target = open_target(name)
        try:
            found = conform(target, name, profile("linux-7.3"), level=level, seconds=600, runs=40)
        finally:
            target.close()
        assert found.verdict == "not refuted", found.shrunk


@needs_c
@pytest.mark.parametrize("fault", faults())
def test_every_fault_is_found_with_a_short_program(doors: tuple[Path, Path], fault: str) -> None:
    target = open_target(f"exec:{doors[1]} fault={fault}")
    try:
        found = conform(target, fault, profile("linux-7.3"), seconds=600, seed=1)
    finally:
        target.close()
    assert found.shrunk
    assert len(found.shrunk.program) <= MOST_COMMANDS


@needs_c
def test_words_that_the_store_does_not_know_are_refused(doors: tuple[Path, Path]) -> None:
    ended = subprocess.run([str(doors[1]), "fault=none-such"], stdin=subprocess.DEVNULL, capture_output=True)
    assert ended.returncode == 2
    assert b"unknown words" in ended.stderr


@needs_c
def test_a_starting_point_in_c_runs_as_it_is(tmp_path: Path) -> None:
    write_adapter("c", tmp_path)
    subprocess.run(["make", "-s", "-C", str(tmp_path)], check=True)
    for name in (f"lib:{tmp_path / 'adapter.so'}", f"exec:{tmp_path / 'adapter'}"):
        target = open_target(name)
        try:
            assert conform(target, name, profile("linux-7.3"), runs=5).verdict == "not refuted"
        finally:
            target.close()


@needs_c
def test_the_consumer_of_vectors_needs_no_python(tmp_path: Path) -> None:
    """Linked with the store it passes what the store can do; linked with a wrong store it fails."""
    assert len((specs_dir() / "vectors" / "consumer.c").read_text().splitlines()) < 200
    consumer = build(tmp_path / "consumer", "vectors/consumer.c", "examples/store.c")
    vectors = sorted(str(path) for path in (specs_dir() / "vectors" / "linux-7.3").rglob("*.jsonl"))
    right = subprocess.run([consumer, *vectors], capture_output=True, text=True)
    assert right.returncode == 0, right.stdout
    assert re.fullmatch(r"[1-9]\d+ passed, 0 failed, \d+ skipped\n", right.stdout)
    wrong = subprocess.run(
        [consumer, "--words", "fault=counter-drift", *vectors], capture_output=True, text=True
    )
    assert wrong.returncode == 1
    assert "zs.written_back_pages is 0; expected " in wrong.stdout


@needs_c
def test_the_consumer_agrees_with_verify(doors: tuple[Path, Path], tmp_path: Path) -> None:
    consumer = build(tmp_path / "consumer", "vectors/consumer.c", "examples/store.c")
    directory = specs_dir() / "vectors" / "linux-7.3"
    vectors = sorted(str(path) for path in directory.rglob("*.jsonl"))
    said = subprocess.run([consumer, *vectors], capture_output=True, text=True).stdout
    target = open_target(f"exec:{doors[1]}")
    try:
        verdicts = [each.verdict for each in verify(directory, target)]
    finally:
        target.close()
    assert said.startswith(
        f"{verdicts.count('passed')} passed, 0 failed, {verdicts.count('skipped')} skipped"
    )
