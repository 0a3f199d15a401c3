"""An exploration of a scope: what was searched, the verdict, and the shortest run that breaks a property."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs

from refmodel.engines.explorer.agenda import Order
from refmodel.engines.explorer.checkpoint import Checkpoint
from refmodel.engines.explorer.path import way_to
from refmodel.engines.explorer.progress import trapped
from refmodel.engines.explorer.search import Bounds, Found, Progress, Reductions, Search
from refmodel.engines.interleaving import Schedule, Turn, violation_of
from refmodel.engines.judge import Judge
from refmodel.engines.scope import Scope, halts
from refmodel.engines.violation import Violation
from refmodel.properties import Property, at_rest

if TYPE_CHECKING:
    from refmodel.profiles import Profile

Word = Literal["holds", "not refuted", "refuted", "undecided"]
"""holds: everything was seen.  not refuted: nothing was wrong within a bound that was asked for."""


@attrs.frozen
class Counterexample:
    """A run that breaks a property.

    schedule: the turns, the violating one last.  level: its number of transitions.
    """

    violation: Violation
    schedule: Schedule
    level: int


@attrs.frozen
class Exploration:
    """What an exploration found.

    verdict: see ``Word``.  why: what ended it, in one sentence.
    states, transitions, depth: size of what was searched.  bits: of a state.  runs: executions of model code.
    forced: the search stopped for want of memory, not at a bound that was asked for.
    unjudged: ids of properties that an exploration cannot judge.  missed: goals that were not reached.
    steps: "Class.step" that ran.  failed: "Class.step POINT" at which something failed.
    """

    scope: str
    profile: str
    verdict: Word
    why: str
    states: int
    transitions: int
    depth: int
    complete: bool
    forced: bool
    seconds: float
    bits: int
    runs: int
    restarts: int
    unjudged: tuple[str, ...]
    missed: tuple[str, ...]
    steps: tuple[str, ...]
    failed: tuple[str, ...]
    counterexample: Counterexample | None


def make_search(
    scope: Scope,
    profile: Profile,
    *,
    properties: Sequence[Property] | None = None,
    reductions: Reductions = Reductions(),  # noqa: B008  # frozen
    bounds: Bounds = Bounds(),  # noqa: B008  # frozen
    every_step: bool = True,
    progress: Callable[[Progress], None] | None = None,
    jobs: int = 1,
    checkpoint: Checkpoint | None = None,
    order: Order = "breadth",
) -> tuple[Search, Judge]:
    """Return the search of a scope and the judge of its states.

    properties: what is to hold, by default what the profile claims of states.
    """
    v = scope.system(profile)
    places = [(f, range(f.start, f.start + f.count)) for f in v.layout.families if f.counter]
    grows = frozenset(place for family, row in places if family.grows for place in row)
    judge = Judge(
        scope.system(profile),
        at_rest(profile) if properties is None else properties,
        grows,
        every_step=every_step,
    )
    search = Search(
        v,
        scope.actors(v),
        counters=[place for _, row in places for place in row],
        offer=lambda point, options: scope.offer(search.table.view, point, options),
        reductions=reductions,
        bounds=bounds,
        halts=halts,
        check=judge,
        progress=progress,
        jobs=jobs,
        checkpoint=checkpoint,
        order=order,
    )
    search.table.took = lambda point, number: scope.took(search.table.view, point, number)
    return search, judge


def explore(
    scope: Scope,
    profile: Profile,
    *,
    goals: Sequence[str] = (),
    properties: Sequence[Property] | None = None,
    reductions: Reductions = Reductions(),  # noqa: B008  # frozen
    bounds: Bounds = Bounds(),  # noqa: B008  # frozen
    every_step: bool = True,
    progress: Callable[[Progress], None] | None = None,
    jobs: int = 1,
    checkpoint: str | None = None,
    order: Order = "breadth",
    livelocks: bool = False,
) -> Exploration:
    """Explore a scope on a profile.

    goals: "Class.step" or "Class.step POINT" that a complete exploration must reach.
    livelocks: also look for states from which rest can never be reached again, when everything was seen.
    checkpoint: file that the search is saved in, and goes on from if it exists.
    The rest is as for ``make_search``.  Raises Refused for a file that is no checkpoint of this search.
    """
    began = time.monotonic()
    saved = None if checkpoint is None else Checkpoint(Path(checkpoint), _digest(scope, profile, reductions))
    search, judge = make_search(
        scope,
        profile,
        properties=properties,
        reductions=reductions,
        bounds=bounds,
        every_step=every_step,
        progress=progress,
        jobs=jobs,
        checkpoint=saved,
        order=order,
    )
    if saved is not None and saved.path.exists():
        search.resume()
    search.run()
    if livelocks and search.complete:
        trap = trapped(search)
        if trap is not None:
            search.found = Found("trap", "nothing that may happen from here ever leads to rest", *trap)
    return result_of(scope, profile, search, judge, goals, time.monotonic() - began)


def _digest(scope: Scope, profile: Profile, reductions: Reductions) -> str:
    """Return what a saved search must agree in: the scope, the operations, what is not distinguished."""
    operations = [cls and f"{cls.__module__}.{cls.__qualname__}" for cls in attrs.astuple(profile.operations)]
    text = repr((scope, profile.name, operations, profile.options, reductions))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def result_of(
    scope: Scope, profile: Profile, search: Search, judge: Judge, goals: Sequence[str], seconds: float
) -> Exploration:
    """Return what a search found."""
    table = search.table
    steps = tuple(f"{cls.__name__}.{name}" for cls, name in table.ran)
    failed = tuple(f"{cls.__name__}.{name} {point}" for cls, name, point in table.failed)
    missed = tuple(goal for goal in goals if goal not in steps and goal not in failed)
    counterexample = None if search.found is None else _counterexample(search, search.found)
    verdict, why = _verdict(search, counterexample, missed)
    return Exploration(
        scope=scope.name,
        profile=profile.name,
        verdict=verdict,
        why=why,
        states=len(search.visited),
        transitions=search.transitions,
        depth=search.depth,
        complete=search.complete,
        forced="memory" in search.stopped,
        seconds=seconds,
        bits=search.packing.bits,
        runs=table.runs,
        restarts=len(search.restarts),
        unjudged=tuple(judge.unjudged),
        missed=missed if search.complete else (),
        steps=steps,
        failed=failed,
        counterexample=counterexample,
    )


def _verdict(
    search: Search, counterexample: Counterexample | None, missed: Sequence[str]
) -> tuple[Word, str]:
    if search.found is not None and search.found.kind == "breach":
        return "undecided", "a step touched what another owns, so merging steps is not sound; use --no-merge"
    if counterexample is not None:
        return "refuted", f"{counterexample.violation.property} is broken"
    if search.complete and missed:
        return "refuted", f"everything was seen, but not {missed[0]}"
    if search.complete:
        return "holds", "everything was seen"
    return "not refuted", search.stopped


def _counterexample(search: Search, found: Found) -> Counterexample | None:
    if found.kind == "breach":
        return None
    turns = search.fitting(lambda: way_to(search, found))
    schedule = tuple(
        Turn(turn.actor, turn.start, tuple(number for _, number, _ in turn.points), len(turn.steps))
        for turn in turns
    )
    if found.kind == "state":
        violation = found.what
    elif found.kind in ("stuck", "trap"):
        violation = Violation("PROGRESS", "Somebody can always go on.", str(found.what), "")
    else:
        error = turns[-1].failed
        assert error is not None
        violation = violation_of(error)
    return Counterexample(violation, schedule, len(schedule))
