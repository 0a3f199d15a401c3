"""Benchmarks of ``conform``: commands a second against examples and a kernel, and how soon planted faults are found.

Seconds of lockstep with an example are CPU seconds of both sides, which share a processor; a kernel and the model work
at the same time, so those of the clock count, without those in which it boots.  Seconds until a fault is found are
those of the clock.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from refmodel.conformance.conform import Conformance, conform, profile_for
from refmodel.conformance.linux.boot import kernels
from refmodel.conformance.linux.machine import ANSWER_SECONDS, QEMU
from refmodel.conformance.linux.target_linux import LinuxTarget
from refmodel.conformance.target import opened
from refmodel.engines.bench import Figure
from refmodel.resources import specs_dir

COMMANDS_PER_SECOND = 2000.0
KERNEL_COMMANDS_PER_SECOND = 150.0
SECONDS_TO_FIND = 10.0
MOST_COMMANDS = 8.0

SECONDS = 6.0
"""Length of a measurement of speed."""

KERNEL_SECONDS = 12.0
"""The same for a kernel, which answers more slowly."""

SEEDS = 5
"""Searches for each planted fault."""

PLANTED = ("lost-zero", "lru-head", "stale-entry", "limit-off-by-one")
"""Faults of the example in C: two of data, one of order, one of a limit."""


class NotMeasured(Exception):
    """Something is missing on this host; the text says what is not measured and what to install."""


def with_examples() -> Iterator[Figure]:
    """Measure one figure after the other; takes about a minute.

    Raises NotMeasured after the figures that need no C.
    """
    store = f"python:{specs_dir() / 'examples' / 'store.py'}:Store"
    yield _speed("lockstep with the example in Python", store)
    with tempfile.TemporaryDirectory() as place:
        program, library = build(Path(place))
        yield _speed("lockstep with the example in C, a process", f"exec:{program}")
        yield _speed("lockstep with the example in C, a library", f"lib:{library}")
        for fault in PLANTED:
            yield from _found(
                fault, [_searched(f"exec:{program} fault={fault}", seed, 60) for seed in range(SEEDS)]
            )


def with_kernel() -> Iterator[Figure]:
    """Measure lockstep with the newest kernel that was obtained, emulated, counters compared; takes half a minute.

    Wants two cores: one for the kernel, one for the model.

    Raises NotMeasured without QEMU or a kernel.
    """
    there = sorted(
        kernels().glob("*"), key=lambda path: [int(n) for n in path.name.split(".") if n.isdigit()]
    )
    if not (shutil.which(QEMU) and there):
        missing = (
            "no kernel: refmodel linux get 6.12" if shutil.which(QEMU) else "no QEMU: install qemu-system-x86"
        )
        raise NotMeasured(f"lockstep with a kernel is not measured: {missing}")
    name = f"linux:{there[-1].name} --accel tcg"
    target = LinuxTarget(name.removeprefix("linux:"), ANSWER_SECONDS)
    try:
        begin = time.monotonic()
        found = conform(target, name, profile_for(target, None), seconds=KERNEL_SECONDS)
        rate = found.commands / (time.monotonic() - begin)
    finally:
        target.close()
    yield Figure(
        f"lockstep with {target.hello.name}, emulated, by the clock",
        KERNEL_COMMANDS_PER_SECOND,
        rate,
        "commands a second",
    )


def build(directory: Path) -> tuple[Path, Path]:
    """Compile the example; return its program and its library.  Raises NotMeasured."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise NotMeasured("the example in C needs a compiler: install gcc and zlib1g-dev")
    specs = specs_dir()
    words = [compiler, "-O2", f"-I{specs / 'boundary'}", str(specs / "examples" / "store.c")]
    program, library = directory / "store", directory / "store.so"
    for more in (
        [str(specs / "boundary" / "stdio.c"), "-o", str(program)],
        ["-fPIC", "-shared", "-o", str(library)],
    ):
        if subprocess.run([*words, *more, "-lz"], capture_output=True).returncode:
            raise NotMeasured("the example in C cannot be built: install gcc, libc6-dev and zlib1g-dev")
    return program, library


def _searched(name: str, seed: int, seconds: float) -> Conformance:
    with opened(name) as target:
        return conform(target, name, profile_for(target, None), seconds=seconds, seed=seed)


def _speed(what: str, name: str) -> Figure:
    begin = _cpu_seconds()
    found = _searched(name, 0, SECONDS)
    return Figure(what, COMMANDS_PER_SECOND, found.commands / (_cpu_seconds() - begin), "commands a second")


def _cpu_seconds() -> float:
    """Return the CPU seconds of this process and of those that it has started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _found(fault: str, searches: list[Conformance]) -> Iterator[Figure]:
    """Yield how soon a fault was found on average, and how long its longest counterexample is."""
    seconds = [each.found_after if each.shrunk else each.seconds for each in searches]
    lengths = [len(each.shrunk.program) if each.shrunk else each.commands for each in searches]
    yield Figure(
        f"{fault} found, mean of {len(searches)} seeds",
        SECONDS_TO_FIND,
        sum(seconds) / len(seconds),
        "s",
        True,
    )
    yield Figure(f"{fault} shortened, the longest", MOST_COMMANDS, max(lengths), "commands", True)
