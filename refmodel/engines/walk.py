"""Random walks: one run out of one sequence of bytes.

The sequence decides everything: how often each kind of command is drawn in this run (some not at all, which
lets the others go deep), which values an argument may take (few, so that commands meet), how often things
fail, each command, its arguments and every answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.command import Argument, Command, Domain, Kind, Move
from refmodel.engines.environment import Drawn, Draws, Exhausted

if TYPE_CHECKING:
    from refmodel.engines.trial import Trial
    from refmodel.engines.violation import Violation
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation

LENGTH = 40
"""Commands of a walk at most."""

BYTES = 1600
"""Length of the sequence of a walk: enough for most walks to reach their length."""

FAULT_RATES = (0, 2, 8, 32)
"""How many of 256 fault points that are asked fail; a walk has one of these rates."""

WIDTHS = (2, 256, 256, 256)
"""How many values of a domain a walk uses at most."""

_ATTEMPTS = 24
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
        choice = CommandDraws(draws, kinds)
        while len(moves) < length and not trial.halted:
            drawn = choice.draw(trial.v)
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


class CommandDraws:
    """Draws the commands of one run.

    lottery: the kinds of this run, each as often as it is to be drawn.
    windows: for each domain, where its values begin in this run and how many of them are used.
    """

    def __init__(self, draws: Draws, kinds: Mapping[str, Kind]) -> None:
        self.draws = draws
        drawn = [kind for kind in kinds.values() for _ in range(kind.weight * (draws.byte() // 86))]
        self.lottery = drawn or list(kinds.values())
        self.windows: dict[Domain, tuple[int, int]] = {}

    def draw(self, v: KernelView) -> tuple[Command, Operation] | None:
        """Draw a command that applies, with its operation; None if none was found."""
        for _ in range(_ATTEMPTS):
            kind = self.lottery[self.draws.below(len(self.lottery))]
            arguments = self.arguments(v, kind)
            if arguments is None or (kind.worth is not None and not self.is_worth(v, kind, arguments)):
                continue
            operation = kind.make(v, *arguments)
            if operation is not None:
                return Command(kind.name, arguments), operation
        return None

    def is_worth(self, v: KernelView, kind: Kind, arguments: tuple[Argument, ...]) -> bool:
        """Whether a command is worth running; one in eight of those that are not is run nevertheless."""
        assert kind.worth is not None
        return kind.worth(v, *arguments) or self.draws.byte() < 32

    def arguments(self, v: KernelView, kind: Kind) -> tuple[Argument, ...] | None:
        """Draw arguments; None if there is no value for one of them."""
        arguments: list[Argument] = []
        for domain in kind.domains:
            values = domain(v)
            if not values:
                return None
            begin, width = self.windows.get(domain) or self.window(domain)
            index = begin + self.draws.below(min(width, len(values)))
            arguments.append(values[index % len(values)])
        return tuple(arguments)

    def window(self, domain: Domain) -> tuple[int, int]:
        """Draw which values of a domain this run uses."""
        byte = self.draws.byte()
        window = self.windows[domain] = byte // len(WIDTHS), WIDTHS[byte % len(WIDTHS)]
        return window
