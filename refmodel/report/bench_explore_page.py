"""The explorer measured: kernel scopes, and one protocol beside Spin and beside prototypes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.bench_explore import Measured, Missing, measure, measure_script, measure_spin
from refmodel.engines.bench_subject import Setting, Size
from refmodel.engines.exploration import explore
from refmodel.engines.explorer.search import Bounds
from refmodel.engines.scope_file import load_scope
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from refmodel.report.terminal import table
from refmodel.resources import specs_dir

PROTOCOL = Path(__file__).parent.parent.parent / "tests" / "explorer"
"""Where a checkout has the protocol and its texts for other checkers."""

FULL = Size(2, 2, 3)
"""The scope that is compared without any reduction."""

REDUCED = (Size(2, 2, 2), Size(3, 2, 2), Size(2, 3, 2), Size(2, 2, 3))
"""The scopes that are compared with all reductions."""

LARGE = Size(3, 3, 3)
"""The scope of some ten million states."""

BUGS = tuple(Size(2, 2, 2, bug) for bug in (1, 2, 3, 4))

TIMES = 5
"""How often each bug is looked for; the median counts, for a run is short."""

KERNEL = (("zswap", "linux-6.12"), ("zswap-faults", "zram-7.3"), ("fork", "linux-6.12"))
"""The three largest shipped scopes, each in the profile in which it is largest."""


@attrs.frozen
class Line:
    """One comparison.

    ours, theirs: CPU seconds or another figure.  goal: what ``ours`` may be at most (at least, with ``rate``).
    """

    name: str
    ours: float
    theirs: str
    goal: float | None
    unit: str = "s"
    rate: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached, None without one."""
        if self.goal is None:
            return None
        return self.ours >= self.goal if self.rate else self.ours <= self.goal


def lines() -> Iterator[Line]:
    """Measure one figure after the other."""
    for scope, name in KERNEL:
        yield from _kernel(scope, name)
    build = PROTOCOL / "scope.py"
    if not build.is_file():
        return
    with tempfile.TemporaryDirectory() as bytecode:
        measured = partial(measure, build, bytecode=Path(bytecode))
        measured(Size(1, 1, 1), Setting())  # compiles what the others import
        yield from _protocol(measured)


def _kernel(scope: str, name: str) -> Iterator[Line]:
    file = load_scope(specs_dir() / "scopes" / f"{scope}.toml")
    begin = time.process_time()
    result = explore(file.scope, without_known_bugs(profile(name)), bounds=Bounds(seconds=120))
    seconds = time.process_time() - begin
    what = f"{scope}, {name}: {result.states:,} states, {result.verdict}"
    yield Line(what, result.states / seconds, "", 100_000, "states/s", rate=True)
    yield Line(
        f"{scope}: transitions for a run of model code", result.transitions / result.runs, "", 50, "", True
    )
    yield Line(f"{scope}: bits of a state", result.bits, "", 128, "bits")


def _protocol(measured: Callable[[Size, Setting], Measured]) -> Iterator[Line]:
    everything = Setting(actors=True, merge=True, names=True)
    spin = measure_spin(PROTOCOL / "peers" / "zswap.pml", FULL)
    ours = measured(FULL, Setting())
    others = [measure_script(PROTOCOL / "peers" / f"explore_{name}.py", FULL) for name in ("auto", "group")]
    theirs = ", ".join(map(_told, [*(spin if isinstance(spin, tuple) else (spin,)), *others]))
    goal = None if isinstance(spin, Missing) else 2 * spin[1].seconds
    yield Line(f"{_name(FULL)} in full, {ours.states:,} states", ours.seconds, theirs, goal)
    if ours.bytes_per_state is not None:
        yield Line(f"{_name(FULL)}: bytes of a state", ours.bytes_per_state, "", 120, "bytes")
    for size in REDUCED:
        ours = measured(size, everything)
        spin = measure_spin(PROTOCOL / "peers" / "zswap.pml", size)
        goal = None if isinstance(spin, Missing) else (spin[0].seconds + spin[1].seconds) / 4
        theirs = ", ".join(map(_told, spin if isinstance(spin, tuple) else (spin,)))
        yield Line(f"{_name(size)} reduced, {ours.states:,} states", ours.seconds, theirs, goal)
    for size, goal in (*((size, 0.2) for size in BUGS), (attrs.evolve(LARGE, bug=1), 1.0)):
        runs = sorted((measured(size, everything) for _ in range(TIMES)), key=lambda run: run.seconds)
        ours = runs[TIMES // 2]
        yield Line(f"{_name(size)} bug {size.bug}: {ours.verdict}", ours.seconds, "", goal)
    ours = measured(LARGE, everything)
    yield Line(f"{_name(LARGE)} reduced, {ours.states:,} states", ours.seconds, "", 120)
    if ours.bytes_per_state is not None:
        yield Line(f"{_name(LARGE)}: bytes of a state", ours.bytes_per_state, "", 120, "bytes")


def _name(size: Size) -> str:
    return f"({size.slots},{size.versions},{size.actors})"


def _told(measured: Measured | Missing) -> str:
    if isinstance(measured, Missing):
        return f"{measured.tool}: {measured.reason}"
    return f"{measured.tool} {measured.seconds:.2f}"


def page(found: Sequence[Line]) -> list[RenderableType]:
    """Return the figures as a table."""
    made = table("figure", "refmodel", "goal", "others (CPU seconds)", "")
    for line in found:
        goal = "" if line.goal is None else f"{'>=' if line.rate else '<='} {_number(line.goal)}"
        verdict = {True: Text("reached", "green"), False: Text("missed", "bold red"), None: Text("")}
        made.add_row(line.name, f"{_number(line.ours)} {line.unit}", goal, line.theirs, verdict[line.reached])
    if any("reduced" in line.name for line in found):
        return [made]
    return [made, f"the protocol was not measured: {PROTOCOL / 'scope.py'} comes with a checkout only"]


def data(found: Sequence[Line]) -> list[dict[str, Any]]:
    """Return the figures as data that JSON can hold."""
    return [attrs.asdict(line) | {"reached": line.reached} for line in found]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
