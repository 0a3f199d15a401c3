"""The minimiser: the shortest and plainest program that still breaks the same property.

Delta debugging over moves.  Deleting a move never makes a program ill-formed: commands that no longer apply do
nothing, and answers that no longer fit become the first answer.  A candidate is replayed from the last state
that it shares with the program it was made from, and checked for the one property only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.command import Argument, Command, Move
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.trial import Saved, Trial

if TYPE_CHECKING:
    from refmodel.engines.violation import Violation

_MOST_FOR_PAIRS = 12
"""Moves of a program at most for deleting every pair of them."""

_MOST_ARGUMENTS = max(len(KINDS[name].parameters) for name in KINDS.names())

_MOST_NAMED = 8
"""Largest value of an argument that is renamed throughout a program."""


@attrs.frozen
class Minimised:
    """A minimised program.

    moves: the program.  violation: what it breaks.  replays: how many candidates were tried.
    """

    moves: tuple[Move, ...]
    violation: Violation
    replays: int


def minimise(trial: Trial, moves: Sequence[Move], violation: Violation) -> Minimised:
    """Minimise a program that breaks a property.

    trial: a system like the one in which the program was found; its state is lost.
    violation: what the program broke; the result breaks the property of the same id.
    Raises ValueError when the program does not break that property.
    """
    return _Minimiser(trial, violation).minimise(list(moves))


class _Minimiser:
    """The best program so far, with the state before each of its moves."""

    def __init__(self, trial: Trial, violation: Violation) -> None:
        wanted = [p for p in trial.properties if p.id == violation.property]
        self.trial = Trial(trial.v, wanted, every_step=trial.every_step, initial=trial.initial)
        self.environment = Scripted()
        self.violation = violation
        self.replays = 0
        self.failed: set[tuple[Move, ...]] = set()
        self.moves: list[Move] = []
        self.states: list[Saved] = []

    def minimise(self, moves: list[Move]) -> Minimised:
        """Shorten until nothing can be taken away, then simplify, until neither changes anything."""
        self.trial.reset()
        self.states = [self.trial.save()]
        if not self.accepts(moves, 0):
            raise ValueError(f"the program does not break {self.violation.property}; minimise one that does")
        before: list[Move] = []
        while before != self.moves:
            before = self.moves
            self.delete_chunks()
            self.delete_pairs()
            self.simplify_arguments()
            self.simplify_answers()
        return Minimised(tuple(self.moves), self.violation, self.replays)

    # --- replaying ------------------------------------------------------------------------------------------

    def accepts(self, moves: list[Move], start: int) -> bool:
        """Replay a program whose first ``start`` moves are those of the best; keep it if it breaks the property.

        What is kept ends where the property breaks, and has no moves that do nothing.
        """
        if tuple(moves) in self.failed:
            return False
        self.replays += 1
        self.trial.restore(self.states[start])
        kept, states = self.moves[:start], self.states[: start + 1]
        for move in moves[start:]:
            operation = None if self.trial.halted else KINDS.operation(self.trial.v, move.command)
            if operation is None:
                continue
            self.environment.follow(move.answers)
            violation = self.trial.perform(move.command, operation, self.environment)
            kept.append(Move(move.command, _trimmed(self.environment.answers)))
            states.append(self.trial.save())
            if violation is not None and violation.property == self.violation.property:
                self.moves, self.states, self.violation = kept, states, violation
                return True
            if violation is not None:
                break
        self.failed.add(tuple(moves))
        return False

    # --- shortening -----------------------------------------------------------------------------------------

    def delete_chunks(self) -> None:
        """Delete runs of moves: halves first, single moves last.  The last move is what breaks the property."""
        size = len(self.moves) // 2
        while size:
            start = 0
            while start < len(self.moves) - 1:
                end = min(start + size, len(self.moves) - 1)
                if not self.accepts(self.moves[:start] + self.moves[end:], start):
                    start += size
            size //= 2

    def delete_pairs(self) -> None:
        """Delete two moves that need each other, such as a control that is set and set back."""
        first = 0
        while first < len(self.moves) - 2 and len(self.moves) <= _MOST_FOR_PAIRS:
            second = first + 1
            while second < len(self.moves) - 1:
                rest = self.moves[first + 1 : second] + self.moves[second + 1 :]
                if not self.accepts(self.moves[:first] + rest, first):
                    second += 1
            first += 1

    # --- simplifying ----------------------------------------------------------------------------------------

    def simplify_arguments(self) -> None:
        """Move arguments towards the first value of their domain, all equal ones of a name, then each alone."""
        for name, value in self._named_values():
            for simpler in self._simpler(name, value):
                if self._rename(name, value, simpler):
                    break
        for index, position in product(range(len(self.moves)), range(_MOST_ARGUMENTS)):
            if index < len(self.moves) and position < len(self.moves[index].command.arguments):
                self._simplify_argument(index, position)

    def _named_values(self) -> list[tuple[str, Argument]]:
        """Return the arguments that more than one move has, by name and value."""
        found: Counter[tuple[str, Argument]] = Counter()
        for move in self.moves:
            found.update(zip(KINDS[move.command.name].parameters, move.command.arguments, strict=True))
        return [named for named, times in found.items() if times > 1]

    def _simpler(self, name: str, value: Argument) -> range:
        return range(value) if isinstance(value, int) and value <= _MOST_NAMED else range(0)

    def _rename(self, name: str, value: Argument, simpler: Argument) -> bool:
        changed = [_renamed(move, name, value, simpler) for move in self.moves]
        start = next((i for i, move in enumerate(self.moves) if move != changed[i]), None)
        return start is not None and self.accepts(changed, start)

    def _simplify_argument(self, index: int, position: int) -> None:
        self.trial.restore(self.states[index])
        command = self.moves[index].command
        domain = list(KINDS[command.name].domains[position](self.trial.v))
        value = command.arguments[position]
        place = domain.index(value) if value in domain else len(domain)
        for simpler in dict.fromkeys((0, place // 2, place - 1)):
            if 0 <= simpler < place and self._replace(
                index, _with_argument(command, position, domain[simpler])
            ):
                return

    def simplify_answers(self) -> None:
        """Let nothing unusual happen in a move, or at least not at one of its choices."""
        for index in range(len(self.moves)):
            if index < len(self.moves) and self.moves[index].answers:
                self._simplify_answers(index)

    def _simplify_answers(self, index: int) -> None:
        command, answers = self.moves[index].command, self.moves[index].answers
        if self._replace(index, command, ()):
            return
        for position, answer in enumerate(answers):
            if answer and index < len(self.moves) and self.moves[index].answers == answers:
                self._replace(index, command, (*answers[:position], 0, *answers[position + 1 :]))
                answers = self.moves[index].answers if index < len(self.moves) else answers

    def _replace(self, index: int, command: Command, answers: tuple[int, ...] | None = None) -> bool:
        given = self.moves[index].answers if answers is None else answers
        return self.accepts([*self.moves[:index], Move(command, given), *self.moves[index + 1 :]], index)


def _trimmed(answers: list[int]) -> tuple[int, ...]:
    """Return answers without those at the end that are the first option anyway."""
    end = len(answers)
    while end and not answers[end - 1]:
        end -= 1
    return tuple(answers[:end])


def _renamed(move: Move, name: str, value: Argument, other: Argument) -> Move:
    """Return a move in which the arguments of a name have another value."""
    names, given = KINDS[move.command.name].parameters, move.command.arguments
    changed = tuple(other if (n, a) == (name, value) else a for n, a in zip(names, given, strict=True))
    return move if changed == given else Move(Command(move.command.name, changed), move.answers)


def _with_argument(command: Command, position: int, value: Argument) -> Command:
    """Return a command with one argument replaced."""
    before, after = command.arguments[:position], command.arguments[position + 1 :]
    return Command(command.name, (*before, value, *after))
