"""Recording a kernel: random commands and what it did, as a trace that ``refmodel validate`` reads."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from refmodel.conformance.boundary import BadTarget, Line
from refmodel.conformance.conform import profile_for
from refmodel.conformance.conform_files import write_trace
from refmodel.conformance.conform_walk import CommandDraws
from refmodel.conformance.linux.machine import QEMU, Machine
from refmodel.conformance.lockstep import Lockstep

if TYPE_CHECKING:
    from refmodel.conformance.linux.target_linux import LinuxTarget


def record(target: LinuxTarget, path: Path, *, seed: int, commands: int) -> int:
    """Give a kernel random commands and write down what it did; return how many operations were recorded.

    The model goes along only to draw commands that do something; the first one that it does not follow is the
    last that is recorded, and ``refmodel validate`` says why.
    Raises BadTarget where the kernel does not answer.
    """
    lockstep = Lockstep(target, profile_for(target, None), "data")
    found = lockstep.reset()
    assert target.machine is not None
    # The last command may be swapoff: what the machine is like is asked before the first.
    begun = header(target.machine, lockstep.header)
    draws = CommandDraws(Random(f"{seed}/record"), lockstep.hello, lockstep.v)
    while found is None and len(lockstep.answered) < commands:
        found = lockstep.do(draws.draw())
    if found is not None and found.kind != "differs":
        raise BadTarget(f"command {found.number}: {found.implementation}")
    write_trace(begun, seed, tuple(lockstep.answered), path)
    return len(lockstep.answered)


def header(machine: Machine, made: Line) -> Line:
    """Return the header of a trace with what is known of this kernel and its machine."""
    device = (machine.get("/proc/swaps") or "").splitlines()[-1].split()
    emulator = subprocess.run(
        [shutil.which(QEMU) or QEMU, "--version"], capture_output=True, text=True, check=True
    )
    guest = {
        "qemu": emulator.stdout.splitlines()[0], "accel": machine.accel, "mem": f"{machine.shape.memory}M",
        "cpus": machine.shape.cpus, "nodes": machine.shape.nodes, "cmdline": machine.get("/proc/cmdline") or "",
    }  # fmt: skip
    swap = {
        "device": device[0], "proc_swaps": device, "page_cluster": 0,
        "rotational": machine.get("/sys/block/vda/queue/rotational") or "",
        "slot_cache": True,
        "mglru": machine.get("/sys/kernel/mm/lru_gen/enabled") or "none",
    }  # fmt: skip
    known = {"kernel": machine.release, "build": machine.version, "package": "", "arch": "x86_64"}
    return {**made, **known, "guest": guest, "swap": swap}
