"""Partial failure: a large folio is stored again and again, and each time something else fails half-way.

Every goal is run directly.  The system is brought to where the store begins, exactly the failure of the goal is
injected, and afterwards everything is looked at: all properties, between any two steps and at rest, and every
component of the system, which has to be as the store found it (``refmodel.properties.no_trace``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.failure_stage import Outcome, Stage, folio_pages
from refmodel.engines.setting import BATCHES, TOKENS
from refmodel.engines.store_failures import (
    OLD,
    OPERATIONS,
    STORE,
    USUAL,
    Goal,
    Left,
    Old,
    Path,
    Situation,
    declare,
)
from refmodel.profiles import PROFILES, preset
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.profiles import Profile

MOST_PAGES = 16
"""Pages of a folio that is stored with every failure, at most."""


class CannotStore(ValueError):
    """A profile, or a preset, whose folios are no whole that could fail in part; says what to use instead."""


class NoGoal(LookupError):
    """There is no goal of that number."""


@attrs.frozen
class Result:
    """What became of all goals of a profile.

    left: steps that can fail by their definition, but not here.  pairs: two failures in one store, if asked for.
    """

    profile: str
    preset: str
    outcomes: tuple[Outcome, ...]
    left: tuple[Left, ...]
    pairs: tuple[Outcome, ...]
    seconds: float

    @property
    def fine(self) -> bool:
        """Whether every goal was reached, and no failure left anything."""
        return all(each.fine for each in (*self.outcomes, *self.pairs))


@attrs.frozen
class Progress:
    """How far a run through all goals has come."""

    done: int
    declared: int
    pairs: int


def fail_everywhere(
    profile: Profile,
    sizes: str = "batches",
    *,
    pairs: bool = False,
    only: int | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Result:
    """Run every goal of a profile, and say what each left.

    sizes: name of a preset; the folio is the largest that a process can have there.
    pairs: also let a second failure follow wherever the store goes on after the first.
    only: number of the one goal to run.  progress: called after each goal.
    Raises CannotStore for a profile that does not store such folios, UnknownPreset, and NoGoal.
    """
    begin = time.perf_counter()
    laboratory = Laboratory(profile, sizes)
    goals, left = laboratory.goals, laboratory.left
    if only is not None:
        goals = tuple(goal for goal in goals if goal.number == only)
        if not goals:
            raise NoGoal(f"goal {only}: {profile.name} has 1 to {len(laboratory.goals)}")
    outcomes: list[Outcome] = []
    followed: list[Outcome] = []
    for goal in goals:
        outcomes.append(laboratory.run(goal))
        if pairs:
            followed += [laboratory.run(each) for each in laboratory.following(goal)]
        if progress is not None:
            progress(Progress(len(outcomes), len(goals), len(followed)))
    return Result(profile.name, sizes, tuple(outcomes), left, tuple(followed), time.perf_counter() - begin)


class Laboratory:
    """Systems of one profile in which stores fail.

    goals, left: what is declared, and what is none.
    """

    def __init__(self, profile: Profile, sizes: str) -> None:
        self.profile, self.sizes = profile, sizes
        self._stages: dict[tuple[str, Old, Situation], Stage] = {}
        pages = folio_pages(preset(sizes))
        if pages > MOST_PAGES:
            raise CannotStore(
                f"preset {sizes!r}: its folios have {pages} pages; expected at most {MOST_PAGES}, "
                "as those of the preset batches"
            )
        if not stores_whole(profile, sizes):
            raise CannotStore(_refusal(profile, sizes, pages))
        kinds = (TOKENS, BATCHES) if profile.options.batching else (TOKENS,)
        declaration = declare(profile, [_path(profile, sizes, kind) for kind in kinds])
        self.goals, self.left = declaration.goals, declaration.left

    def run(self, goal: Goal) -> Outcome:
        """Let a store fail as a goal says."""
        return self._stage(goal).outcome(goal)

    def following(self, goal: Goal) -> list[Goal]:
        """Return the goal with each second failure that the run before, which was of this goal, asked for later."""
        if len(goal.injected) != 1:
            return []
        points = {each.row.point for each in self.goals}
        later = self._stage(goal).asked_later
        return [attrs.evolve(goal, second=each) for each in later if each.point in points]

    def _stage(self, goal: Goal) -> Stage:
        key = goal.path.compressor, goal.old, goal.row.situation
        if key not in self._stages:
            properties = (*at_rest(self.profile), *in_history(self.profile))
            self._stages[key] = Stage(self.profile, self.sizes, *key, properties)
        return self._stages[key]


def stores_whole(profile: Profile, sizes: str) -> bool:
    """Whether a folio of several pages is stored as a whole, and by itself."""
    stage = Stage(profile, sizes, TOKENS, "none", USUAL, ())
    return stage.store() == "stored" and len(stage.slots) == stage.pages


def _refusal(profile: Profile, sizes: str, pages: int) -> str:
    """Say why a profile cannot be used, and which one can."""
    if Stage(profile, sizes, TOKENS, "none", USUAL, ()).store() == "broken off":
        return f"profile {profile.name!r}: {STORE} breaks off although nothing fails; try refmodel check"
    names = list(PROFILES)
    own = profile.name.partition("+")[0]
    nearest = [profile.base, *names[names.index(own) + 1 :]] if own in names else names
    able = (name for name in nearest if name in names and stores_whole(PROFILES[name], sizes))
    near = next(
        (f"the nearest profile in which it does is {name}" for name in able), "try the preset batches"
    )
    return (
        f"profile {profile.name!r}: {STORE} does not take a folio of {pages} pages there, so nothing of it can "
        f"fail half-way; {near}"
    )


def _path(profile: Profile, sizes: str, compressor: str) -> Path:
    """Return how a store goes where nothing fails."""
    stage = Stage(profile, sizes, compressor, "none", USUAL, ())
    stage.store()
    names = {getattr(profile.operations, name): name for name in OPERATIONS}
    ran = frozenset((names[cls], step.__name__) for cls, step in stage.trial.reached if cls in names)
    batches = tuple(stage.window.batches)
    call = stage.trial.v.cfg.batch_size(compressor)
    olds = tuple(old for old in OLD if old == "none" or _has_older(profile, sizes, compressor, old))
    return Path(compressor, call, ran, batches or (1,) * stage.pages, bool(batches), olds)


def _has_older(profile: Profile, sizes: str, compressor: str, old: Old) -> bool:
    """Whether a store finds older entries at the folio's slots."""
    if profile.operations.zswap_invalidate is None:
        return False
    stage = Stage(profile, sizes, compressor, old, USUAL, ())
    stage.store()
    v = stage.trial.v
    return any(stage.window.before[v.at.tree[slot]] for slot in stage.slots)
