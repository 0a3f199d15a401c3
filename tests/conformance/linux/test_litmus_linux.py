"""Litmus files on a real kernel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.linux.boot import kernels
from refmodel.conformance.linux.litmus_linux import (
    AS_BEFORE,
    LEFT,
    OTHER,
    STORED,
    Histogram,
    LitmusRun,
    asked_of,
)
from refmodel.conformance.linux.machine import QEMU, Machine
from refmodel.conformance.linux.target_linux import boot_words
from refmodel.engines.litmus import Litmus, load_litmus
from refmodel.resources import specs_dir

live = pytest.mark.skipif(
    not (shutil.which(QEMU) and (kernels() / "6.12").exists()),
    reason="no QEMU, or no kernel: apt-get install qemu-system-x86, refmodel linux get 6.12",
)


def shipped(name: str) -> Litmus:
    """Load a litmus file that comes along."""
    return load_litmus(Path(specs_dir() / "litmus" / f"{name}.toml"))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Boot Linux 6.12 with two CPUs once."""
    with boot_words("6.12", cpus=2) as booted:
        yield booted


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("h-1-stale-under-zero", (AS_BEFORE, OTHER)),
        ("h-1-entry-under-a-zero-flag", (LEFT,)),
        ("max-zero-is-bypassed", (STORED,)),
    ],
)
def test_what_a_file_asks_for_is_told_from_outside(name: str, asked: tuple[str, ...]) -> None:
    """Contents, entries that are left, stores: what a process and counters can see of a kernel."""
    assert asked_of(shipped(name)) == asked


def test_a_file_about_the_inside_of_a_kernel_is_refused() -> None:
    """The message says what can be told."""
    with pytest.raises(BadTarget, match="cannot be told from outside a kernel"):
        asked_of(shipped("h-12-damaged-page-stops-old-kernels"))


def run_once(name: str, machine: Machine, attempts: int) -> list[Histogram]:
    """Run a file; the next one finds the guest without its cgroups."""
    made = LitmusRun(shipped(name), machine)
    try:
        return made.run(attempts)
    finally:
        made.setting.end()


@live
def test_pages_are_stored_under_a_limit_of_nothing(machine: Machine) -> None:
    """Every second page-out has an entry written back for it: the first one takes its second chance."""
    (found,) = run_once("max-zero-is-bypassed", machine, 128)
    assert (found.hits, found.attempts) == (64, 128)


@live
def test_other_bytes_are_never_read_as_what_was_there_before(machine: Machine) -> None:
    """The control of H-1: a page that is not zeroed replaces the entry."""
    found = run_once("h-1-same-with-other-bytes", machine, 64)
    assert [each.together for each in found] == ["command 1: pageout", "command 3: pageout"]
    assert [each.hits for each in found] == [0, 0]


@live
def test_a_page_of_zeroes_ends_as_written_or_as_before(machine: Machine) -> None:
    """How often H-1 shows depends on the machine; bytes from elsewhere are never read."""
    for found in run_once("h-1-stale-under-zero", machine, 64):
        assert found.attempts == 64
        assert found.seen[OTHER] == 0
