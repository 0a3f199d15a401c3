"""A real kernel beside the model, where this host has QEMU and a kernel."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.conform import conform, profile_for
from refmodel.conformance.conform_shrink import run_program
from refmodel.conformance.linux.boot import find_kernel, kernels
from refmodel.conformance.linux.machine import QEMU
from refmodel.conformance.linux.record import record
from refmodel.conformance.linux.target_linux import LinuxTarget
from refmodel.conformance.lockstep import Lockstep
from refmodel.conformance.validator import validate

live = pytest.mark.skipif(
    not (shutil.which(QEMU) and (kernels() / "6.12").exists()),
    reason="no QEMU, or no kernel: apt-get install qemu-system-x86, refmodel linux get 6.12",
)


@pytest.fixture(scope="module")
def kernel() -> Iterator[LinuxTarget]:
    """Boot Linux 6.12 once."""
    target = LinuxTarget("6.12", 60.0)
    yield target
    target.close()


@live
def test_a_stock_kernel_does_what_the_model_allows(kernel: LinuxTarget) -> None:
    """Page states, contents, errors and exact counters agree in random programs."""
    found = conform(kernel, "linux:6.12", profile_for(kernel, None), level="counters", seconds=8, runs=6)
    assert found.verdict == "not refuted", found.found
    assert found.commands >= 40


@live
def test_the_counters_of_zswap_are_among_those_that_are_compared(kernel: LinuxTarget) -> None:
    """What stands in debugfs and what stands in /proc/vmstat, each as it is at this moment."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    page: dict[str, Any] = {"w": 0, "page": 0}
    assert lockstep.reset() is None
    assert lockstep.do({"op": "write", **page, "kind": "text", "seed": 1}) is None
    assert lockstep.do({"op": "out", **page}) is None
    assert lockstep.answered[-1].record["d"].items() >= {"zs.stored_pages": 1, "vm.zswpout": 1}.items()


@live
def test_programs_that_were_announced_and_taken_back_leave_no_trace(kernel: LinuxTarget) -> None:
    """The next run begins from the start, whatever ran meanwhile."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    page: dict[str, Any] = {"w": 0, "page": 0}
    lockstep.announce([{"op": "write", **page, "kind": "text", "seed": 1}, {"op": "out", **page}])
    lockstep.recall()
    program = [{"op": "peek", **page}, {"op": "write", **page, "kind": "zero", "seed": 0}]
    assert run_program(lockstep, program) is None
    assert lockstep.answered[0].record["post"] == {"st": "none"}


@live
def test_a_recorded_trace_is_accepted_at_the_level_of_events(kernel: LinuxTarget, tmp_path: Path) -> None:
    """It has the published schema, and the order of the kernel's events in it follows from the model."""
    path = tmp_path / "trace.jsonl"
    assert record(kernel, path, seed=1, commands=30) == 30
    verdict = validate(path)
    assert (verdict.verdict, verdict.level, verdict.operations) == ("accepted", "events", 30)


@live
def test_a_redirtied_lazyfree_page_stays_and_is_dirty(kernel: LinuxTarget) -> None:
    """MADV_FREE, a write, MADV_PAGEOUT: the page is not swapped, and the write shows in the folio."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    page: dict[str, Any] = {"w": 0, "page": 0}
    text = {"kind": "text", "seed": 1}
    program = [
        {"op": "write", **page, **text},
        {"op": "lazyfree", **page},
        {"op": "write", **page, **text},
        {"op": "out", **page},
    ]
    assert lockstep.reset() is None
    assert [lockstep.do(command) for command in program] == [None] * 4
    assert lockstep.answered[-1].record["post"] == {"st": "mem", "nid": 0, "dirty": 1}


@live
def test_a_cgroup_at_half_of_its_swap_limit_gives_slots_back_at_swap_in(kernel: LinuxTarget) -> None:
    """With memory.swap.max of 0 everything counts as full: the page that is read leaves the swap cache."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    page: dict[str, Any] = {"w": 0, "page": 0}
    program = [
        {"op": "write", **page, "kind": "text", "seed": 1},
        {"op": "out", **page},
        {"op": "set", "what": "w0/memory.swap.max", "value": "0"},
        {"op": "read", **page},
    ]
    assert lockstep.reset() is None
    assert [lockstep.do(command) for command in program] == [None] * 4
    assert lockstep.answered[-1].record["post"] == {"st": "mem", "nid": 0, "dirty": 1}


@live
def test_swapoff_brings_every_page_back_and_a_run_may_end_without_a_device(kernel: LinuxTarget) -> None:
    """The page is in memory again, and nothing more can be paged out; the next run has the device."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    page: dict[str, Any] = {"w": 0, "page": 0}
    program = [
        {"op": "write", **page, "kind": "text", "seed": 1},
        {"op": "out", **page},
        {"op": "swapoff"},
        {"op": "peek", **page},
        {"op": "out", **page},
    ]
    for _ in range(2):
        assert lockstep.reset() is None
        assert [lockstep.do(command) for command in program] == [None] * 5
        records = [answered.record for answered in lockstep.answered]
        assert (records[1]["post"]["st"], records[3]["post"]["st"], records[4]["post"]["st"]) == (
            "swap",
            "mem",
            "mem",
        )


@live
def test_a_guest_that_is_killed_is_a_clean_divergence_and_is_started_again(kernel: LinuxTarget) -> None:
    """The report has the last words of the console; the next run has another machine."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    assert lockstep.reset() is None
    assert kernel.machine is not None
    assert kernel.machine.process is not None
    os.kill(kernel.machine.process.pid, signal.SIGKILL)
    found = lockstep.do({"op": "peek", "w": 0, "page": 0})
    assert found is not None
    assert found.kind == "exit"
    assert "its console ends" in found.implementation
    assert lockstep.reset() is None


@live
def test_a_kernel_that_panics_while_it_runs_ahead_is_reported_at_its_command(kernel: LinuxTarget) -> None:
    """Answers that were given before are judged; the report has the last words of the console."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    page: dict[str, Any] = {"w": 0, "page": 0}
    panic = {"op": "set", "what": "w0/../../proc/sysrq-trigger", "value": "c"}
    found = run_program(lockstep, [{"op": "peek", **page}, panic, {"op": "peek", **page}])
    assert found is not None
    assert (found.kind, found.number, found.command) == ("exit", 2, panic)
    assert "sysrq triggered crash" in found.implementation
    assert lockstep.reset() is None


def test_a_kernel_that_is_not_there_is_refused_with_the_way_to_get_it() -> None:
    """The message names the command."""
    with pytest.raises(BadTarget, match=r"refmodel linux get 9\.9"):
        find_kernel("9.9", None)


@live
def test_reclaim_takes_what_it_likes_and_the_rest_follows(kernel: LinuxTarget) -> None:
    """Which pages went, also of a child, is told by their states; where they are and what was counted is compared."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    text = {"kind": "text", "seed": 1}
    program: list[dict[str, Any]] = [
        {"op": "write", "w": 0, "page": 0, **text},
        {"op": "fork", "w": 0},
        {"op": "write", "w": 0, "page": 0, **text},
        {"op": "reclaim", "cg": "w0", "what": "16K"},
        {"op": "read", "w": 0, "page": 0},
    ]
    assert lockstep.reset() is None
    assert [lockstep.do(command) for command in program] == [None] * 5
    told = lockstep.answered[3].record["memory"]
    assert [states[0]["st"] for states in told] == ["swap", "none", "swap", "none"]
