"""Hunting the exhibits of the museum: which engine finds each bug, how soon, and how short its run becomes.

Four engines look for a bug: its own program, an exploration of its scope, random runs of one actor (walks), and
random runs of several (races).  What they find depends on nothing but the exhibit, the seed and the number of runs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Literal

import attrs

from refmodel.engines.assumptions import assumed
from refmodel.engines.command import Move, describe
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.exploration import Exploration, explore
from refmodel.engines.minimise import minimise
from refmodel.engines.race_course import Course
from refmodel.engines.race_minimise import minimise_race
from refmodel.engines.race_schedule import scheduled
from refmodel.engines.race_trial import Race, RaceTrial
from refmodel.engines.races import BYTES as RACE_BYTES
from refmodel.engines.races import MEETING, race, race_scope
from refmodel.engines.rerun import Rerun, rerun
from refmodel.engines.schedule_token import ScheduledRun, encode_run
from refmodel.engines.scope import Scope
from refmodel.engines.scope_file import scope_of
from refmodel.engines.setting import BATCHES, TOKENS, Setting, codecs
from refmodel.engines.token import Program, encode
from refmodel.engines.toml_file import parse_toml
from refmodel.engines.trial import Trial
from refmodel.engines.violation import of_error
from refmodel.engines.walk import BYTES, walk
from refmodel.museum import Exhibit, known_bugs, play
from refmodel.profiles import Profile, preset, profile
from refmodel.properties import (
    HistoryProperty,
    Property,
    StateProperty,
    at_rest,
    by_id,
    first_broken,
    first_broken_history,
    in_history,
)

PRESET = "toy"

_FIXED = {"synchronous_device": False, "zswap_enabled": True}
"""What an exhibit may fix that a setting can say, with what is usual."""


@attrs.frozen
class Shown:
    """The exhibit's own program: the property that it breaks, after how many commands and seconds."""

    property: str
    commands: int
    seconds: float


@attrs.frozen
class Explored:
    """An exploration of the exhibit's scope.

    property: what a shortest run breaks, "" if everything was seen and nothing is wrong.
    states, transitions, depth: size of what was searched.  steps, turns: of the shortest run.
    token: replays it; "" where a token cannot say what the exhibit needs.
    """

    property: str
    states: int
    transitions: int
    depth: int
    steps: int
    turns: int
    seconds: float
    token: str


@attrs.frozen
class Met:
    """Random runs of one kind.

    property: what was broken, "" if nothing was.  runs, steps: until then, or in all.
    length: commands of the run that found it.
    program: the same, minimised, where that was asked for: its commands, or its turns.
    token: replays the program; "" where a token cannot say what the exhibit needs.
    """

    kind: Literal["walks", "races"]
    property: str
    runs: int
    steps: int
    length: int
    program: tuple[str, ...]
    seconds: float
    token: str


@attrs.frozen
class Find:
    """What became of the hunt for one exhibit; None where it has no program, or no scope."""

    id: str
    title: str
    base: str
    shown: Shown | None
    explored: Explored | None
    walks: Met
    races: Met

    @property
    def caught(self) -> bool:
        """Whether a property catches the bug, wherever."""
        return any(each is not None and each.property for each in attrs.astuple(self, recurse=False)[3:])


def hunt(exhibit: Exhibit, runs: int, seed: int = 0, *, shorten: bool = False) -> Find:
    """Look for an exhibit's bug with every engine.

    runs: walks, and races, at most.  A random run counts only if it breaks nothing in the profile without the bug.
    shorten: minimise what random runs find, which takes longer than finding it.
    """
    return Find(
        id=exhibit.id,
        title=exhibit.title,
        base=exhibit.base,
        shown=show_program(exhibit),
        explored=_explored(exhibit),
        walks=find_walk(exhibit, runs, seed, shorten=shorten),
        races=find_race(exhibit, runs, seed, shorten=shorten),
    )


# --- the exhibit's own program ----------------------------------------------------------------------------------


def show_program(exhibit: Exhibit) -> Shown | None:
    """Run an exhibit's own program; return the property that it breaks, and after how many commands."""
    if not exhibit.program:
        return None
    begin = time.perf_counter()
    found, commands = _first_broken(exhibit, _properties(exhibit, exhibit.profile))
    return Shown(found, commands, time.perf_counter() - begin)


def _first_broken(exhibit: Exhibit, wanted: Sequence[Property]) -> tuple[str, int]:
    states = [each for each in wanted if isinstance(each, StateProperty)]
    histories = [each for each in wanted if isinstance(each, HistoryProperty)]
    commands = 0
    try:
        for v, events in play(exhibit, exhibit.profile):
            commands += 1
            broken = first_broken(v, states) or first_broken_history(events, v, histories)
            if broken:
                return broken[0].id, commands
    except Exception as error:
        return of_error(error).property, commands + 1
    return "", commands


# --- exploration ------------------------------------------------------------------------------------------------


def scope_of_exhibit(exhibit: Exhibit) -> Scope:
    """Return the scope in which an exploration finds an exhibit's bug.

    Raises LookupError for an exhibit without one, and BadFile.
    """
    if not exhibit.scope:
        raise LookupError(
            f"exhibit {exhibit.id} has no scope: what it breaks speaks of the events of one actor"
        )
    head = f'name = "{exhibit.id}"\nprofiles = ["{exhibit.base}"]\n'
    return scope_of(parse_toml(head + exhibit.scope, f"scope of exhibit {exhibit.id}")).scope


def explore_exhibit(exhibit: Exhibit, which: Profile) -> Exploration:
    """Explore an exhibit's scope on one of its profiles, to the end or to the first bug."""
    return explore(scope_of_exhibit(exhibit), which)


def shortest_run(exhibit: Exhibit, found: Exploration) -> Rerun:
    """Run the counterexample of an exploration again, with everything that can be seen."""
    assert found.counterexample is not None
    run = ScheduledRun(exhibit.profile.name, scope_of_exhibit(exhibit), found.counterexample.schedule)
    return rerun(run, exhibit.profile)


def _explored(exhibit: Exhibit) -> Explored | None:
    if not exhibit.scope:
        return None
    found = explore_exhibit(exhibit, exhibit.profile)
    sizes = found.states, found.transitions, found.depth
    if found.counterexample is None:
        return Explored("", *sizes, 0, 0, found.seconds, "")
    again = shortest_run(exhibit, found)
    steps = sum(len(turn.steps) for turn in again.turns)
    token = "" if exhibit.options else encode_run(again.run)
    broken = found.counterexample.violation.property
    return Explored(broken, *sizes, steps, len(again.turns), found.seconds, token)


# --- random runs ------------------------------------------------------------------------------------------------


def find_walk(exhibit: Exhibit, runs: int, seed: int, *, shorten: bool) -> Met:
    """Look for an exhibit's bug with random runs of one actor."""
    begin = time.perf_counter()
    trial, correct = _trial(exhibit, exhibit.profile), _trial(exhibit, exhibit.correct)
    kinds, never, chance = KINDS.of(trial.v.ops), _never(exhibit), random.Random(seed)
    for number in range(1, runs + 1):
        walked = walk(trial, kinds, chance.randbytes(BYTES), never=never)
        if walked.violation is not None and not _breaks(correct, walked.moves):
            seconds, steps = time.perf_counter() - begin, trial.steps
            moves = minimise(trial, walked.moves, walked.violation).moves if shorten else ()
            texts = tuple(describe(KINDS, move.command) for move in moves)
            token = _token(exhibit, moves) if shorten else ""
            broken = walked.violation.property
            return Met("walks", broken, number, steps, len(walked.moves), texts, seconds, token)
    return Met("walks", "", runs, trial.steps, 0, (), time.perf_counter() - begin, "")


def find_race(exhibit: Exhibit, runs: int, seed: int, *, shorten: bool) -> Met:
    """Look for an exhibit's bug with random runs of several actors."""
    begin = time.perf_counter()
    trial, correct = _race_trial(exhibit, exhibit.profile), _race_trial(exhibit, exhibit.correct)
    kinds, never, chance = KINDS.of(trial.v.ops), _never(exhibit), random.Random(seed)
    for number in range(1, runs + 1):
        raced = race(trial, kinds, chance.randbytes(RACE_BYTES), never=never)
        if raced.violation is not None and not _race_breaks(correct, raced):
            seconds, steps = time.perf_counter() - begin, trial.steps
            texts, token = _shortened(exhibit, trial, raced) if shorten else ((), "")
            broken = raced.violation.property
            return Met("races", broken, number, steps, len(raced.parts), texts, seconds, token)
    return Met("races", "", runs, trial.steps, 0, (), time.perf_counter() - begin, "")


def _shortened(exhibit: Exhibit, trial: RaceTrial, raced: Race) -> tuple[tuple[str, ...], str]:
    """Minimise a race; return its turns as a person would write them, and its token."""
    least = scheduled(trial, minimise_race(trial, raced).race)
    turns = rerun(least, exhibit.profile).turns
    texts = tuple(f"{turn.actor}: {turn.label or 'goes on'}, {len(turn.steps)} steps" for turn in turns)
    return texts, "" if exhibit.options else encode_run(least)


def _breaks(trial: Trial, moves: Sequence[Move]) -> bool:
    """Whether a program breaks anything."""
    environment = Scripted()
    trial.reset()
    for move in moves:
        environment.follow(move.answers)
        if trial.do(move.command, environment) is not None:
            return True
    return False


def _race_breaks(trial: RaceTrial, raced: Race) -> bool:
    """Whether a race breaks anything."""
    course = Course(trial)
    course.begin()
    course.follow(raced.parts, raced.slices)
    course.settle()
    return course.violation is not None


def _token(exhibit: Exhibit, moves: tuple[Move, ...]) -> str:
    if exhibit.sizes or exhibit.demands or exhibit.options:
        return ""
    return encode(Program(exhibit.profile.name, PRESET, _setting(exhibit), moves))


def _setting(exhibit: Exhibit) -> Setting:
    synchronous, enabled = (exhibit.fixed.get(name, usual) for name, usual in _FIXED.items())
    compressor = BATCHES if exhibit.batch > 1 else TOKENS
    return Setting(compressor, synchronous=synchronous, enabled=enabled)


def _trial(exhibit: Exhibit, which: Profile) -> Trial:
    sizes = attrs.evolve(preset(PRESET), **exhibit.sizes)
    compressor = _setting(exhibit).compressor
    config = which.config(sizes, codecs(compressor, which.kernel), compressor=compressor, **exhibit.fixed)
    return Trial(which.system(config), _properties(exhibit, which))


def _race_trial(exhibit: Exhibit, which: Profile) -> RaceTrial:
    scope = race_scope(_setting(exhibit), attrs.evolve(MEETING, **exhibit.sizes), which)
    return RaceTrial(scope, which, _properties(exhibit, which))


def _properties(exhibit: Exhibit, which: Profile) -> list[Property]:
    """Return what has to hold: all that the profile's other known bugs do not break."""
    others = [bug for bug in known_bugs(profile(exhibit.base)) if bug.id != exhibit.id]
    broken = {id for bug in others for id in bug.breaks if id not in exhibit.breaks}
    every = [*at_rest(which), *in_history(which), *map(by_id, exhibit.demands)]
    return [each for each in every if each.id not in broken]


def _never(exhibit: Exhibit) -> frozenset[str]:
    """Return the choice points that never fail: those of the base that the exhibit's own program leaves alone."""
    used = {point for command in exhibit.program for point in command.answers}
    return frozenset(exhibit.never) | (frozenset(assumed(exhibit.base)) - used)
