"""Benchmarks of the explorer: one scope in a fresh process, beside other checkers on the same machine.

Seconds are CPU seconds of the whole process, start-up included.  What is explored is given as a Python file (see
``bench_subject``); other checkers are given as files too.  A tool or file that is missing is a ``Missing`` with the
reason, not an error.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from refmodel.engines.bench_subject import Failed, Setting, Size


@attrs.frozen
class Measured:
    """A run of a checker.

    seconds: CPU seconds.  states, transitions: counted by it.  bytes_per_state: growth of resident memory.
    runs: executions of model code.  verdict: what it found.  None: it does not say.
    """

    tool: str
    seconds: float
    states: int | None
    transitions: int | None = None
    bytes_per_state: float | None = None
    runs: int | None = None
    verdict: str | None = None

    @property
    def transitions_per_run(self) -> float | None:
        """Transitions for each execution of model code."""
        return self.transitions / self.runs if self.transitions is not None and self.runs else None


@attrs.frozen
class Missing:
    """A checker that was not run, and why."""

    tool: str
    reason: str


def measure(path: Path, size: Size, setting: Setting, bytecode: Path | None = None) -> Measured:
    """Explore a scope in a fresh process.

    path: of the file with ``build``.  bytecode: folder that compiled modules are kept in, so that all processes but
    the first start as an installed package does; None: as the environment says.
    Raises Failed with what the process said.
    """
    arguments = [str(path), json.dumps(attrs.asdict(size)), json.dumps(attrs.asdict(setting))]
    # Not with -m: what is explored imports the module by its name, and it would be loaded twice.
    command = [sys.executable, "-c", "from refmodel.engines.bench_subject import main; main()", *arguments]
    environment = dict(os.environ)
    if bytecode is not None:
        environment |= {"PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": ""}
    seconds, said = _cpu_seconds(command, Path.cwd(), environment)
    return Measured(tool="refmodel", seconds=seconds, **json.loads(said.splitlines()[-1]))


def measure_script(path: Path, size: Size, options: Sequence[str] = ()) -> Measured | Missing:
    """Run an explorer that is a script of its own: ``script SLOTS VERSIONS ACTORS --bug N OPTIONS``."""
    if not path.is_file():
        return Missing(path.stem, f"there is no file {path}")
    numbers = [str(n) for n in (size.slots, size.versions, size.actors)]
    command = [sys.executable, "-B", str(path), *numbers, "--bug", str(size.bug), *options]
    seconds, said = _cpu_seconds(command, path.parent)
    return Measured(tool=path.stem, seconds=seconds, states=_number(r"states=(\d+)", said))


def measure_spin(path: Path, size: Size) -> tuple[Measured, Measured] | Missing:
    """Run Spin on a Promela model with the constants S, P, A and BUG: its build, then the search alone."""
    for tool in ("spin", "gcc"):
        if shutil.which(tool) is None:
            return Missing("spin", f"{tool} is not installed")
    if not path.is_file():
        return Missing("spin", f"there is no file {path}")
    constants = {"S": size.slots, "P": size.versions, "A": size.actors, "BUG": size.bug}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        shutil.copy(path, place / "model.pml")
        generate = ["spin", "-a", *(f"-D{key}={value}" for key, value in constants.items()), "model.pml"]
        generating, _ = _cpu_seconds(generate, place)
        compiling, _ = _cpu_seconds(["gcc", "-O2", "-w", "-DSAFETY", "-o", "pan", "pan.c"], place)
        seconds, said = _cpu_seconds([str(place / "pan"), "-m3000000", "-w24"], place)
    states = _number(r"(\d+) states, stored", said)
    return Measured("spin build", generating + compiling, None), Measured("spin pan", seconds, states)


def _cpu_seconds(
    command: Sequence[str], place: Path, environment: Mapping[str, str] | None = None
) -> tuple[float, str]:
    """Run a command; return the CPU seconds that it took, and what it printed."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        raise Failed(f"{' '.join(command[:4])}: exit code {process.returncode}: {said[-500:]}")
    return usage.ru_utime + usage.ru_stime, said


def _number(pattern: str, text: str) -> int | None:
    found = re.search(pattern, text)
    return int(found[1]) if found else None
