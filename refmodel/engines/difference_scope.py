"""Two profiles compared by how a scope can end on them: an ending that only one of them has, and a way there.

An ending is what an observer sees when all threads are done and the system has nothing left to do of its own,
with what the commands of the threads returned.  Both profiles are explored completely.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs

from refmodel.engines.commands import KINDS
from refmodel.engines.difference_pair import Sight, sights
from refmodel.engines.exploration import make_search, schedule_of
from refmodel.engines.explorer.path import way_to, way_to_state
from refmodel.engines.explorer.search import Bounds, Found, Progress, Search
from refmodel.engines.interleaving import violation_of
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.scope import BadScope, Scope
from refmodel.properties.observation import Observer, spelled

if TYPE_CHECKING:
    from refmodel.engines.explorer.actors import Local
    from refmodel.profiles import Profile
    from refmodel.properties.observation import Level

Ending = Mapping[str, Any]
"""What is seen at the end: values by name."""


@attrs.frozen(eq=False)
class Explored:
    """What was explored of one profile.

    states, endings: how many there are.  broken: what the model does not survive, "" if there is no such thing.
    stopped: the bound that was reached before everything was seen, or "".
    """

    profile: str
    states: int
    endings: int
    broken: str = ""
    stopped: str = ""


@attrs.frozen(eq=False)
class Endings:
    """What became of a comparison.

    before, after: what was explored.  level: how closely the endings were looked at.  scope: its name.
    only: the profile that alone has the ending that is shown, or "".  run: how it comes about.
    sights: in what it differs from the ending of the other profile that is most like it.
    why: what else there is to say, in one sentence.
    """

    scope: str
    level: Level
    before: Explored
    after: Explored
    verdict: Literal["differ", "no difference", "undecided"]
    why: str
    seconds: float
    only: str = ""
    sights: tuple[Sight, ...] = ()
    run: ScheduledRun | None = None


class _Side:
    """The exploration of a scope on one profile."""

    def __init__(
        self,
        scope: Scope,
        profile: Profile,
        level: Level,
        bounds: Bounds,
        progress: Callable[[Progress], None] | None,
    ) -> None:
        self.scope, self.profile = scope, profile
        self.search, _ = make_search(
            scope, profile, properties=(), every_step=False, bounds=bounds, progress=progress
        )
        if level != "data":
            self.search.recorder.kept |= self.search.recorder.counters
        self.search.run()
        self.v = scope.system(profile)
        self.observer = Observer(self.v, profile.kernel, level)
        self.endings: dict[tuple[tuple[str, Any], ...], tuple[int, int]] = {}
        if self.search.complete:
            for state, depth in _ends(self.search):
                self.endings.setdefault(tuple(self._seen(state).items()), (state, depth))

    @property
    def broken(self) -> str:
        """What the model does not survive, or ""."""
        found = self.search.found
        if found is None:
            return ""
        return f"{violation_of(found.what).property} is broken" if found.kind == "step" else str(found.what)

    def explored(self) -> Explored:
        """Return what was explored."""
        search = self.search
        return Explored(
            self.profile.name, len(search.visited), len(self.endings), self.broken, search.stopped
        )

    def run_to(self, ending: tuple[tuple[str, Any], ...]) -> ScheduledRun:
        """Return a shortest run to an ending."""
        state, depth = self.endings[ending]
        # The way may meet new values, which gives states other numbers: the search keeps the one that it found.
        found = self.search.found = Found("state", "the ending", state, depth)
        turns, _ = self.search.fitting(lambda: way_to_state(self.search, found.state, depth))
        self.search.found = None
        return ScheduledRun(self.profile.name, self.scope, schedule_of(turns))

    def run_to_breaking(self) -> ScheduledRun:
        """Return a shortest run to what the model does not survive."""
        found = self.search.found
        assert found is not None
        turns = self.search.fitting(lambda: way_to(self.search, found))
        return ScheduledRun(self.profile.name, self.scope, schedule_of(turns))

    def _seen(self, state: int) -> dict[str, Any]:
        packing = self.search.packing
        self.v.restore(tuple(packing.components(state)))
        return dict(_results(self.search, state)) | self.observer.sees()


def compare_endings(
    scope: Scope,
    before: Profile,
    after: Profile,
    level: Level,
    *,
    seconds: float | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Endings:
    """Look for an ending of a scope that only one of two profiles has.

    level: how closely to look; of ``strict`` the order of events is left out, which an exploration does not keep.
    seconds: bound on the time of each exploration.
    Raises BadScope for a scope that one of the profiles cannot have, or with a thread that goes on without end.
    """
    began = time.monotonic()
    for thread in scope.threads:
        if thread.free and thread.times is None:
            expected = "expected times = N in it, so that there is an end to look at"
            raise BadScope(f"{scope.name}: thread {thread.name} goes on without end; {expected}")
    for profile in (before, after):
        _check(scope, profile)
    kept = attrs.evolve(scope, keeps=True)
    sides = [_Side(kept, each, level, Bounds(seconds=seconds), progress) for each in (before, after)]
    made = Endings(
        scope.name, level, sides[0].explored(), sides[1].explored(), "undecided", "", time.monotonic() - began
    )
    return attrs.evolve(made, **_found(sides), seconds=time.monotonic() - began)


def _check(scope: Scope, profile: Profile) -> None:
    """Raise BadScope where a profile cannot have a scope."""
    kinds = KINDS.of(profile.operations)
    for command in (*scope.initial, *(each for thread in scope.threads for each in thread.commands)):
        if command.name not in kinds:
            hint = "choose a scope without it, or another profile"
            raise BadScope(f"{scope.name}: {profile.name} does not have {command.name}; {hint}")
    try:
        scope.system(profile)
    except ValueError as error:
        raise BadScope(f"{scope.name} on {profile.name}: {error}") from None


def _found(sides: Sequence[_Side]) -> dict[str, Any]:
    broken = [side for side in sides if side.broken]
    if len(broken) == 1:
        (side,) = broken
        why = f"only on {side.profile.name}: {side.broken}"
        return {"verdict": "differ", "why": why, "only": side.profile.name, "run": side.run_to_breaking()}
    if broken:
        return {"why": f"neither profile survives the scope: {sides[0].broken}; {sides[1].broken}"}
    stopped = next((side for side in sides if not side.search.complete), None)
    if stopped is not None:
        return {"why": f"{stopped.profile.name} was not explored completely: {stopped.search.stopped}"}
    return _first_difference(sides)


def _first_difference(sides: Sequence[_Side]) -> dict[str, Any]:
    """Return the ending that one side alone has and that is reached soonest."""
    shown = [{name for ending in side.endings for name, _ in ending} for side in sides]
    common = shown[0] & shown[1]
    projected = [{_among(ending, common): ending for ending in reversed(side.endings)} for side in sides]
    alone = [
        (side.endings[ending][1], number, seen)
        for number, side in enumerate(sides)
        for seen, ending in projected[number].items()
        if seen not in projected[1 - number]
    ]
    if not alone:
        count = len(projected[0])
        return {"verdict": "no difference", "why": f"both have the same {count:,} endings"}
    _, number, seen = min(alone, key=lambda each: each[:2])
    nearest = min(projected[1 - number], key=lambda other: len(set(other) ^ set(seen)))
    side = sides[number]
    ours, theirs = (dict(seen), dict(nearest)) if number == 0 else (dict(nearest), dict(seen))
    return {
        "verdict": "differ",
        "why": f"{len(alone):,} endings are those of one profile alone",
        "only": side.profile.name,
        "sights": sights(ours, theirs),
        "run": side.run_to(projected[number][seen]),
    }


def _among(ending: Sequence[tuple[str, Any]], names: set[str]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in ending if name in names)


def _ends(search: Search) -> Iterator[tuple[int, int]]:
    """Yield the states in which nothing can happen any more, with their levels."""
    everyone, idle = search.packing.local_bits, dict[int, bool]()
    for depth, level in enumerate(search.visited.levels):
        for state in level:
            who = state & everyone
            if who not in idle:
                idle[who] = not any(local.flight for local in _locals(search, state))
            if idle[who] and not search.successors((state,)):
                yield state, depth


def _locals(search: Search, state: int) -> Iterator[Local]:
    return (search.packing.local(state, actor) for actor in range(search.packing.actors))


def _results(search: Search, state: int) -> Iterator[tuple[str, Any]]:
    """Yield what the commands of each thread returned; threads of one kind in any order."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    for local in _locals(search, state):
        found.setdefault(local.program, []).append(tuple(map(spelled, local.values)))
    for program, values in found.items():
        of = search.actors.programs[program]
        if of.keeps:
            yield f"returned to {of.name}", tuple(sorted(values, key=repr))
