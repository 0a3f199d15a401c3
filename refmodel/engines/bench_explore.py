"""Benchmarks of the explorer: one scope in a fresh process, beside other checkers on the same machine.

Seconds are CPU seconds of the whole process, start-up included.  What is explored is given as a Python file with a
function ``build(slots, versions, actors, bug)`` that returns a ``Subject``; other checkers are given as files too.
A tool or file that is missing is a ``Missing`` with the reason, not an error.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Actors
from refmodel.engines.explorer.memory import resident
from refmodel.engines.explorer.search import Bounds, Reductions, Search, StateCheck
from refmodel.engines.explorer.symmetry import Renaming
from refmodel.engines.explorer.visited import Storage
from refmodel.machine import View


@attrs.frozen
class Subject:
    """What is explored.

    view: the system in its initial state.  actors: who runs what.  names: indexes that may be renamed.
    counters: places of counters.  check: judges states.
    """

    view: View
    actors: Actors
    names: Renaming | None = None
    counters: Sequence[int] = ()
    check: StateCheck | None = None


Build = Callable[[int, int, int, int], Subject]
"""Returns a subject for slots, versions, actors and the number of a planted bug, 0 for none."""


@attrs.frozen
class Size:
    """A scope of the protocol: numbers of slots, page versions and actors, and a planted bug (0: none)."""

    slots: int
    versions: int
    actors: int
    bug: int = 0


@attrs.frozen
class Setting:
    """How the explorer is run.

    actors, merge, names: reductions.  states: a bound, None for no bound.
    """

    actors: bool = False
    merge: bool = False
    names: bool = False
    storage: Storage = "flat"
    jobs: int = 1
    states: int | None = None


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


class Failed(RuntimeError):
    """A process of a benchmark failed."""


def measure(path: Path, size: Size, setting: Setting = Setting()) -> Measured:
    """Explore a scope in a fresh process.

    path: of the file with ``build``.  Raises Failed with what the process said.
    """
    arguments = [str(path), json.dumps(attrs.asdict(size)), json.dumps(attrs.asdict(setting))]
    command = [sys.executable, "-m", "refmodel.engines.bench_explore", *arguments]
    seconds, said = _cpu_seconds(command, Path.cwd())
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


def _cpu_seconds(command: Sequence[str], place: Path) -> tuple[float, str]:
    """Run a command; return the CPU seconds that it took, and what it printed."""
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, cwd=place, stdout=out, stderr=subprocess.STDOUT)
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


def load_build(path: Path) -> Build:
    """Return the function ``build`` of a Python file.  Raises Failed if there is none."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise Failed(f"{path}: expected a Python file with a function build")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "build"):
        raise Failed(f"{path}: has no function build(slots, versions, actors, bug)")
    build: Build = module.build
    return build


def explored(build: Build, size: Size, setting: Setting) -> dict[str, Any]:
    """Explore a scope in this process; return what is measured but for the seconds."""
    subject = build(size.slots, size.versions, size.actors, size.bug)
    before = resident()
    search = Search(
        subject.view,
        subject.actors,
        counters=subject.counters,
        reductions=Reductions(setting.actors, setting.merge, subject.names if setting.names else None),
        bounds=Bounds(states=setting.states),
        check=subject.check,
        storage=setting.storage,
        jobs=setting.jobs,
    ).run()
    after, states = resident(), len(search.visited)
    return {
        "states": states,
        "transitions": search.transitions,
        "bytes_per_state": None if before is None or after is None else (after - before) / states,
        "runs": search.table.runs,
        "verdict": str(search.found.what)
        if search.found
        else "complete"
        if search.complete
        else search.stopped,
    }


def main(arguments: Sequence[str]) -> None:
    """Explore one scope and print the figures as a line of JSON: the fresh process of ``measure``."""
    path, size, setting = arguments
    found = explored(load_build(Path(path)), Size(**json.loads(size)), Setting(**json.loads(setting)))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
