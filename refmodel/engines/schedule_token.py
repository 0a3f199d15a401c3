"""Tokens of schedules: a run of several actors, with the system that it runs on, as one short word.

Turns that are equal and follow each other are written once, with their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.commands import KINDS
from refmodel.engines.interleaving import Schedule, Turn
from refmodel.engines.known import known_profiles
from refmodel.engines.packing import Packable
from refmodel.engines.record_packing import packable, record
from refmodel.engines.scope import STEPS_BACKGROUND, Scope
from refmodel.engines.token import SCHEDULE_VERSION, BadToken, opened, profile_of, sealed
from refmodel.kernel.config import MAX_BATCH
from refmodel.kernel.crypto import LONGEST

if TYPE_CHECKING:
    from refmodel.profiles import Profile

_WORDS = (
    b"vswap_cluster_size vswap_clusters totalram_pages max_order objects entries folios slot_cache processes "
    b"memcgs cpus nodes pools pages slots sizes release worker writes background keeps budget fixed slot faults "
    b"lengths enabled synchronous initial question alloc_entry xa_store compress signal folio_held "
    b"swapoff swapon memcg_offline zswap_max exit_child fork willneed madvise_free shrinker_enabled shrinker_scan "
    b"reclaim pageout zap read write arguments commands number times free name threads task "
    b"vswap-v6 linux-6.1 linux-6.18 linux-6.12 linux-7.3"
)
"""What the compressor expects to see.  Part of the layout: a change of it is another version."""

MOST_TURNS = 20_000
"""Turns of a schedule at most."""

MOST_STEPS = 200_000
"""Steps of a schedule at most."""

_MOST_OF_A_KIND = 64
_MOST_PLACES = 4096
_MANY = ("slots", "slot_cache", "folios", "entries", "objects", "totalram_pages")
"""Sizes that may be as large as ``_MOST_PLACES``; the others count things that have rows of their own."""

_NONE = ("memcgs", "max_order")
"""Sizes that may be 0."""


@attrs.frozen
class ScheduledRun:
    """A run of several actors that can be replayed.

    profile: its name.  scope: the system and its threads.  schedule: whose turn it is, one after the other.
    """

    profile: str
    scope: Scope
    schedule: Schedule


def encode_run(run: ScheduledRun) -> str:
    """Return the token of a run."""
    turns = tuple(_group(turn, len(list(same))) for turn, same in groupby(run.schedule))
    return sealed(SCHEDULE_VERSION, (run.profile, packable(run.scope), turns), _WORDS)


def decode_run(token: str, profiles: Mapping[str, Profile] | None = None) -> ScheduledRun:
    """Return the run of a token.

    profiles: those that are known, by name; by default ``known_profiles()``.
    Raises BadToken for what is no token, or none of this version, or names something that does not exist, or
    is larger than any run that a person would look at.
    """
    run = opened(token, SCHEDULE_VERSION, _WORDS, _run)
    profile_of(run.profile, known_profiles() if profiles is None else profiles)
    _check(run.scope)
    return run


def _group(turn: Turn, count: int) -> Packable:
    return (turn.actor, turn.start, turn.steps, count, *turn.answers)


def _run(value: Packable) -> ScheduledRun:
    if not isinstance(value, tuple) or len(value) != 3:
        raise TypeError("a profile, a scope and turns are expected")
    profile, scope, groups = value
    if not isinstance(profile, str) or not isinstance(groups, tuple):
        raise TypeError("a word and a sequence are expected")
    return ScheduledRun(profile, record(Scope, scope), _schedule(groups))


def _schedule(groups: tuple[Packable, ...]) -> Schedule:
    turns: list[Turn] = []
    steps = 0
    for group in groups:
        if not isinstance(group, tuple) or not all(isinstance(each, int) for each in group):
            raise TypeError(f"{group!r} where the numbers of a turn are expected")
        actor, start, length, count, *answers = (int(str(each)) for each in group)
        if actor < 0 or start < -1 or length < 1 or count < 1 or any(answer < 0 for answer in answers):
            raise ValueError(f"{group!r} is no turn")
        steps += length * count
        if len(turns) + count > MOST_TURNS or steps > MOST_STEPS:
            raise ValueError(f"more than {MOST_TURNS} turns or {MOST_STEPS} steps")
        turns += [Turn(actor, start, tuple(answers), length)] * count
    return tuple(turns)


def _check(scope: Scope) -> None:
    """Raise BadToken where a scope names what does not exist, or is too large to be looked at."""
    for command in (*scope.initial, *(each for thread in scope.threads for each in thread.commands)):
        if command.name not in KINDS.names():
            raise BadToken(f"token with command {command.name!r}: expected one of {', '.join(KINDS.names())}")
        if len(command.arguments) != len(KINDS[command.name].parameters):
            expected = ", ".join(KINDS[command.name].parameters) or "none"
            raise BadToken(f"token with {command.name}{command.arguments}: expected the arguments {expected}")
    for text in (scope.name, scope.question, *(thread.name for thread in scope.threads)):
        if not text.isprintable():
            raise BadToken(f"token with the text {text!r}: expected one that can be printed in a line")
    for name in scope.background:
        if name not in STEPS_BACKGROUND:
            raise BadToken(
                f"token with background work {name!r}: expected some of {', '.join(STEPS_BACKGROUND)}"
            )
    _check_sizes(scope)


def _check_sizes(scope: Scope) -> None:
    found = [("actors", sum(max(thread.number, 1) for thread in scope.threads), 0, _MOST_OF_A_KIND)]
    found.append(("initial commands", len(scope.initial), 0, _MOST_PLACES))
    found += [("length", length, 1, LONGEST) for length in scope.lengths or (0,)]
    found.append(("batch", scope.batch, 1, MAX_BATCH))
    for name, size in attrs.asdict(scope.sizes, filter=lambda field, _: field.init).items():
        least = 0 if name in _NONE else 1
        found.append((name, size, least, _MOST_PLACES if name in _MANY else _MOST_OF_A_KIND))
    for name, value, least, most in found:
        if not least <= value <= most:
            raise BadToken(
                f"token with {name} {value}: expected {least} to {most}; report where it came from"
            )
