"""An exploration of a scope: what was searched, the verdict, and the shortest run that breaks a property."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import attrs

from refmodel.engines.explorer import path
from refmodel.engines.explorer.agenda import Order
from refmodel.engines.explorer.checkpoint import Checkpoint
from refmodel.engines.explorer.progress import trapped
from refmodel.engines.explorer.search import Bounds, Found, Progress, Reductions, Search
from refmodel.engines.folio_names import folio_renaming
from refmodel.engines.interleaving import Schedule, Turn, violation_of
from refmodel.engines.judge import Judge
from refmodel.engines.rerun import STUCK
from refmodel.engines.scope import Scope, halts
from refmodel.engines.violation import Violation
from refmodel.properties import Property, at_rest

if TYPE_CHECKING:
    from refmodel.profiles import Profile

Word = Literal["holds", "not refuted", "refuted", "undecided"]
"""holds: everything was seen.  not refuted: nothing was wrong within a bound that was asked for.  undecided: there was
no memory for more."""


@attrs.frozen
class Counterexample:
    """A run that breaks a property.

    schedule: the turns, the violating one last.
    """

    violation: Violation
    schedule: Schedule


@attrs.frozen
class Exploration:
    """What an exploration found.

    verdict: see ``Word``.  why: what ended it, in one sentence.
    states, transitions, depth: size of what was searched.  bits: of a state.  runs: executions of model code.
    unjudged: ids of properties that an exploration cannot judge.  missed: goals that were not reached.
    distrusted: operations whose claims of ownership turned out wrong, so that their steps were not merged.
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
    seconds: float
    bits: int
    runs: int
    restarts: int
    unjudged: tuple[str, ...]
    distrusted: tuple[str, ...]
    missed: tuple[str, ...]
    steps: tuple[str, ...]
    failed: tuple[str, ...]
    counterexample: Counterexample | None


class SearchOptions(TypedDict, total=False):
    """What ``Search`` takes as it is."""

    reductions: Reductions
    bounds: Bounds
    progress: Callable[[Progress], None] | None
    jobs: int
    order: Order


class Options(SearchOptions, total=False):
    """What ``make_search`` takes besides the scope and the profile.

    properties: what is to hold, by default what the profile claims of states.
    every_step: judge properties also between any two steps.
    """

    properties: Sequence[Property] | None
    every_step: bool


def make_search(
    scope: Scope,
    profile: Profile,
    *,
    properties: Sequence[Property] | None = None,
    every_step: bool = True,
    checkpoint: Checkpoint | None = None,
    **options: Unpack[SearchOptions],
) -> tuple[Search, Judge]:
    """Return the search of a scope and the judge of its states.  The arguments are those of ``Options``.

    Raises BrokenSymmetry where the scope tells apart what it declares to be interchangeable.
    """
    v = scope.system(profile)
    reductions = options.get("reductions", Reductions())
    if scope.symmetry and reductions.actors and reductions.names is None:
        options["reductions"] = attrs.evolve(reductions, names=folio_renaming(scope, v))
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
        halts=halts,
        check=judge,
        checkpoint=checkpoint,
        **options,
    )
    search.table.took = lambda point, number: scope.took(search.table.view, point, number)
    return search, judge


def explore(
    scope: Scope,
    profile: Profile,
    *,
    goals: Sequence[str] = (),
    checkpoint: str | None = None,
    livelocks: bool = False,
    **options: Unpack[Options],
) -> Exploration:
    """Explore a scope on a profile.

    goals: "Class.step" or "Class.step POINT" that a complete exploration must reach.
    livelocks: also look for states from which rest can never be reached again, when everything was seen.
    checkpoint: file that the search is saved in, and goes on from if it exists.
    The rest is as in ``Options``.  Raises Refused for a file that is no checkpoint of this search.
    """
    began = time.monotonic()
    reductions = options.get("reductions", Reductions())
    saved = None if checkpoint is None else Checkpoint(Path(checkpoint), _digest(scope, profile, reductions))
    search, judge = make_search(scope, profile, checkpoint=saved, **options)
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
        seconds=seconds,
        bits=search.packing.bits,
        runs=table.runs,
        restarts=len(search.restarts),
        unjudged=tuple(judge.unjudged),
        distrusted=tuple(cls.__name__ for cls in table.ownership.distrusted),
        missed=missed if search.complete else (),
        steps=steps,
        failed=failed,
        counterexample=counterexample,
    )


def _verdict(
    search: Search, counterexample: Counterexample | None, missed: Sequence[str]
) -> tuple[Word, str]:
    if counterexample is not None:
        return "refuted", f"{counterexample.violation.property} is broken"
    if search.complete and missed:
        return "refuted", f"everything was seen, but not {missed[0]}"
    if search.complete:
        return "holds", "everything was seen"
    return "undecided" if search.full else "not refuted", search.stopped


def _counterexample(search: Search, found: Found) -> Counterexample:
    turns = search.fitting(lambda: path.way_to(search, found))
    if found.kind == "state":
        violation = found.what
    elif found.kind in ("stuck", "trap"):
        violation = Violation("PROGRESS", STUCK, str(found.what), "")
    else:
        error = turns[-1].failed
        assert error is not None
        violation = violation_of(error)
    return Counterexample(violation, schedule_of(turns))


def schedule_of(turns: Iterable[path.Turn]) -> Schedule:
    """Return turns as a schedule that replays."""
    return tuple(
        Turn(turn.actor, turn.start, tuple(number for _, number, _ in turn.points), len(turn.steps))
        for turn in turns
    )
