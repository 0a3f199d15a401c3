"""Random walks: one run out of one sequence of bytes.

The sequence decides everything: how often each kind of command is drawn in this run (some not at all, which
lets the others go deep), how often things fail, each command, its arguments and every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.command import Command, Kind, Move
from refmodel.engines.environment import Drawn, Draws, Exhausted

if TYPE_CHECKING:
    from refmodel.engines.trial import Trial
    from refmodel.engines.violation import Violation
    from refmodel.machine import Operation

LENGTH = 40
"""Commands of a walk at most."""

BYTES = 1600
"""Length of the sequence of a walk: enough for most walks to reach their length."""

FAULT_RATES = (0, 2, 8, 32)
"""How many of 256 fault points that are asked fail; a walk has one of these rates."""

_ATTEMPTS = 8
"""Draws of a command before a walk gives up finding one that applies."""


@attrs.frozen
class Walk:
    """What a walk did: its moves, and the violation that ended it, if any."""

    moves: tuple[Move, ...]
    violation: Violation | None


def walk(
    trial: Trial,
    kinds: Mapping[str, Kind],
    data: bytes,
    *,
    length: int = LENGTH,
    never: frozenset[str] = frozenset(),
) -> Walk:
    """Walk from the initial state until a property is broken, the kernel halts or the data end.

    kinds: what may be drawn.  length: commands at most.  never: names of choice points that never fail.
    """
    draws, moves = Draws(data), list[Move]()
    trial.reset()
    try:
        environment = Drawn(draws, FAULT_RATES[draws.below(len(FAULT_RATES))], never)
        lottery = tickets(draws, kinds)
        while len(moves) < length and not trial.halted:
            drawn = draw(trial, draws, lottery)
            if drawn is None:
                break
            environment.begin()
            violation = trial.perform(*drawn, environment)
            moves.append(Move(drawn[0], tuple(environment.answers)))
            if violation is not None:
                return Walk(tuple(moves), violation)
    except Exhausted:
        pass
    return Walk(tuple(moves), None)


def tickets(draws: Draws, kinds: Mapping[str, Kind]) -> list[Kind]:
    """Return the kinds of this run, each as often as it is to be drawn; at least one."""
    lottery = [kind for kind in kinds.values() for _ in range(kind.weight * (draws.byte() // 86))]
    return lottery or list(kinds.values())


def draw(trial: Trial, draws: Draws, lottery: list[Kind]) -> tuple[Command, Operation] | None:
    """Draw a command that applies, with its operation; None if none was found."""
    v = trial.v
    for _ in range(_ATTEMPTS):
        kind = lottery[draws.below(len(lottery))]
        values = [domain(v) for domain in kind.domains]
        if all(values):
            arguments = tuple(some[draws.below(len(some))] for some in values)
            operation = kind.make(v, *arguments)
            if operation is not None:
                return Command(kind.name, arguments), operation
    return None
