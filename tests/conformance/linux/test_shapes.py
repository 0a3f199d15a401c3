"""A real kernel on two CPUs and two nodes, with a RAM disk and large folios, where this host has QEMU and a kernel."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.conform import conform, profile_for
from refmodel.conformance.linux.boot import kernels
from refmodel.conformance.linux.machine import QEMU
from refmodel.conformance.linux.target_linux import LinuxTarget
from refmodel.conformance.lockstep import Lockstep

live = pytest.mark.skipif(
    not (shutil.which(QEMU) and (kernels() / "6.12").exists()),
    reason="no QEMU, or no kernel: apt-get install qemu-system-x86, refmodel linux get 6.12",
)
without_folios = pytest.mark.skipif(
    not (shutil.which(QEMU) and (kernels() / "6.1").exists()),
    reason="no QEMU, or no kernel: apt-get install qemu-system-x86, refmodel linux get 6.1",
)

TEXT = {"kind": "text", "seed": 1}
ALWAYS = {"op": "set", "what": "thp/hugepages-64kB/enabled", "value": "always"}


@pytest.fixture(scope="module")
def kernel() -> Iterator[LinuxTarget]:
    """Boot Linux 6.12 once."""
    target = LinuxTarget("6.12 --cpus 2 --nodes 2 --swap brd --folios", 60.0)
    yield target
    target.close()


def answered(kernel: LinuxTarget, *program: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a program in lockstep; return the records of its commands."""
    lockstep = Lockstep(kernel, profile_for(kernel, None), "counters")
    assert lockstep.reset() is None
    assert [lockstep.do(command) for command in program] == [None] * len(program)
    return [each.record for each in lockstep.answered]


@live
def test_a_machine_of_any_shape_does_what_the_model_allows(kernel: LinuxTarget) -> None:
    """CPUs go and come, workers move, memory comes from two nodes, folios are large, commands run at once."""
    found = conform(
        kernel, "linux:6.12", profile_for(kernel, None), level="counters", seconds=8, runs=4, seed=1
    )
    assert found.verdict == "not refuted", found.found
    assert {"bind", "cpu", "move", "parallel"} <= set(found.coverage.commands)


@live
def test_memory_comes_from_the_node_that_a_worker_is_bound_to(kernel: LinuxTarget) -> None:
    """Without a binding from that of its CPU; a page that was swapped out comes back to where the policy says."""
    page = {"w": 1, "page": 0}
    records = answered(
        kernel,
        {"op": "write", **page, **TEXT},
        {"op": "bind", "w": 1, "nid": 0},
        {"op": "out", **page},
        {"op": "read", **page},
    )
    assert (records[0]["post"]["nid"], records[3]["post"]["nid"]) == (1, 0)


@live
def test_two_workers_swap_at_once_on_pages_of_their_own(kernel: LinuxTarget) -> None:
    """What every page is afterwards, what was read and all counters but the pages of the pool are exact."""
    mine: list[dict[str, Any]] = [
        {"op": "write", "page": 0, **TEXT},
        {"op": "out", "page": 0},
        {"op": "read", "page": 0},
    ]
    ops = [{**each, "w": w} for w in (0, 1) for each in mine]
    (record,) = answered(kernel, {"op": "parallel", "ops": ops})
    assert record["crcs"][0] == record["crcs"][1]
    assert [states[0]["nid"] for states in record["memory"][:2]] == [0, 1]


@live
def test_workers_on_one_cpu_do_nothing_at_once(kernel: LinuxTarget) -> None:
    """What they do could not be told apart, so the command is refused; CPU 0 never goes."""
    ops = [{"op": "write", "w": w, "page": 0, **TEXT} for w in (0, 1)]
    records = answered(
        kernel,
        {"op": "cpu", "cpu": 1, "on": 0},
        {"op": "parallel", "ops": ops},
        {"op": "move", "w": 0, "cpu": 1},
        {"op": "cpu", "cpu": 0, "on": 0},
        {"op": "cpu", "cpu": 1, "on": 1},
        {"op": "parallel", "ops": ops},
    )
    assert [bool(record["errno"]) for record in records] == [False, True, True, True, False, False]


@live
def test_a_large_folio_is_split_to_page_out_a_part(kernel: LinuxTarget) -> None:
    """Its pages of zeroes are let go: the shared zero page is mapped in their place."""
    records = answered(
        kernel, ALWAYS, {"op": "write", "w": 0, "page": 0, **TEXT}, {"op": "out", "w": 0, "page": 0, "n": 2}
    )
    assert records[1]["post"]["head"] == 1
    assert [state["st"] for state in records[2]["post"]] == ["swap", "mem"]
    assert records[2]["post"][1]["zeropage"] == 1


@live
def test_reclaim_tries_every_page_of_a_folio_that_may_not_have_slots(kernel: LinuxTarget) -> None:
    """The split lets go of pages of zeroes; each asks for a slot all the same, in the order of the kernel's events."""
    ops = [{"op": "out", "w": 0, "page": 0, "n": 16}, {"op": "read", "w": 1, "page": 1}]
    limit = {"op": "set", "what": "w0/memory.swap.max", "value": "0"}
    records = answered(
        kernel, ALWAYS, limit, {"op": "write", "w": 0, "page": 0, **TEXT}, {"op": "parallel", "ops": ops}
    )
    assert [state.get("zeropage", 0) for state in records[3]["memory"][0][:4]] == [0, 1, 1, 1]


@live
def test_swapoff_gives_pages_the_memory_of_the_cpu_that_runs_it(kernel: LinuxTarget) -> None:
    """Whatever node their process is bound to."""
    page = {"w": 1, "page": 0}
    records = answered(
        kernel,
        {"op": "bind", "w": 1, "nid": 1},
        {"op": "write", **page, **TEXT},
        {"op": "out", **page},
        {"op": "swapoff"},
        {"op": "peek", **page},
    )
    assert (records[1]["post"]["nid"], records[4]["post"]["nid"]) == (1, 0)


@without_folios
def test_a_kernel_without_such_folios_says_so() -> None:
    """6.1 has them of 2 MiB only."""
    with pytest.raises(BadTarget, match=r"--folios: Linux 6\.1\.\S+ has no folios of 64 KiB"):
        LinuxTarget("6.1 --folios", 60.0)
