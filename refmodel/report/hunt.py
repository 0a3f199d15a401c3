"""Hunting the exhibits of the museum: how soon random runs meet each bug, and how short its program becomes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence

import attrs

from refmodel.engines.assumptions import assumed
from refmodel.engines.command import Move, describe
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.minimise import minimise
from refmodel.engines.setting import TOKENS, Setting, codecs
from refmodel.engines.token import Program, encode
from refmodel.engines.trial import Trial
from refmodel.engines.violation import of_error
from refmodel.engines.walk import BYTES, Walk, walk
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
class Find:
    """What became of the hunt for one exhibit.

    broken: id of the property that was broken, "" if nothing was.  runs, steps: until then, or in all.
    length: commands of the run that found it.  program: the same, minimised.  seconds: that it took.
    token: replays the program; "" where a token cannot say what the exhibit needs.
    shown_by: the property that the exhibit's own program breaks, "" if none.  shown_in: commands until then.
    """

    id: str
    title: str
    base: str
    broken: str
    runs: int
    steps: int
    length: int
    program: tuple[str, ...]
    token: str
    seconds: float
    shown_by: str
    shown_in: int

    @property
    def caught(self) -> bool:
        """Whether a property catches the bug, in a random run or in the exhibit's own program."""
        return bool(self.broken or self.shown_by)


def hunt(exhibit: Exhibit, seconds: float, seed: int = 0) -> Find:
    """Look for an exhibit's bug with random runs.

    seconds: to look at most.  A run counts only if its program breaks nothing in the profile without the bug.
    """
    begin = time.perf_counter()
    trial, correct = _trial(exhibit, exhibit.profile), _trial(exhibit, exhibit.correct)
    runs, steps, length, caught = 0, 0, 0, ""
    program: tuple[Move, ...] = ()
    for walked in _walks(trial, _never(exhibit), seed, begin + seconds):
        runs, steps = runs + 1, trial.steps
        if walked.violation is None:
            continue
        program = minimise(trial, walked.moves, walked.violation).moves
        if not _breaks(correct, program):
            caught, length = walked.violation.property, len(walked.moves)
            break
    shown_by, shown_in = _demonstration(exhibit)
    return Find(
        id=exhibit.id,
        title=exhibit.title,
        base=exhibit.base,
        broken=caught,
        runs=runs,
        steps=steps,
        length=length,
        program=tuple(describe(KINDS, move.command) for move in program if caught),
        token=_token(exhibit, program) if caught else "",
        seconds=time.perf_counter() - begin,
        shown_by=shown_by,
        shown_in=shown_in,
    )


def _token(exhibit: Exhibit, program: tuple[Move, ...]) -> str:
    if exhibit.sizes or exhibit.demands:
        return ""
    synchronous, enabled = (exhibit.fixed.get(name, usual) for name, usual in _FIXED.items())
    setting = Setting(TOKENS, synchronous=synchronous, enabled=enabled)
    return encode(Program(exhibit.profile.name, PRESET, setting, program))


def _walks(trial: Trial, never: frozenset[str], seed: int, until: float) -> Iterator[Walk]:
    chance = random.Random(seed)
    kinds = KINDS.of(trial.v.ops)
    while time.perf_counter() < until:
        yield walk(trial, kinds, chance.randbytes(BYTES), never=never)


def _breaks(trial: Trial, moves: Sequence[Move]) -> bool:
    """Whether a program breaks anything."""
    environment = Scripted()
    trial.reset()
    for move in moves:
        environment.follow(move.answers)
        if trial.do(move.command, environment) is not None:
            return True
    return False


def _trial(exhibit: Exhibit, which: Profile) -> Trial:
    sizes = attrs.evolve(preset(PRESET), **exhibit.sizes)
    config = which.config(sizes, codecs(TOKENS, which.kernel), compressor=TOKENS, **exhibit.fixed)
    return Trial(which.system(config), _properties(exhibit, which))


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


def _demonstration(exhibit: Exhibit) -> tuple[str, int]:
    """Return the property that the exhibit's own program breaks, and after how many commands."""
    wanted = _properties(exhibit, exhibit.profile)
    states = [each for each in wanted if isinstance(each, StateProperty)]
    histories = [each for each in wanted if isinstance(each, HistoryProperty)]
    done = 0
    try:
        for done, (v, events) in enumerate(play(exhibit, exhibit.profile), start=1):
            broken = first_broken(v, states) or first_broken_history(events, v, histories)
            if broken:
                return broken[0].id, done
    except Exception as error:
        return of_error(error).property, done + 1
    return "", done
