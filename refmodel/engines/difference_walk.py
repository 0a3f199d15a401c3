"""Random scenarios: the same walk on two profiles, shortened where they look different."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.command import Argument, Command
from refmodel.engines.commands import KINDS
from refmodel.engines.difference_pair import Act, Answered, Answers, Pair, Scenario, Sight, Told
from refmodel.engines.environment import Drawn, Draws, Exhausted
from refmodel.engines.walk import BYTES, FAULT_RATES, LENGTH, CommandDraws

if TYPE_CHECKING:
    from refmodel.engines.difference_search import Clock

_SIMPLER = 3
"""Values of an argument that are tried instead of another one: the first of its domain."""


class Walks:
    """Walks on which two profiles may look different.

    pairs: the systems in lockstep, the plain ones first; they take turns.  seed: of all randomness.
    clock: watches the time.  number: how many walks there were.
    """

    def __init__(self, pairs: Sequence[Pair], seed: int, clock: Clock) -> None:
        self.pairs, self.seed, self.clock = pairs, seed, clock
        self.number = 0

    def run(self, most: int) -> Told | None:
        """Walk until something looks different; return the shortest scenario that was made of that walk.

        most: how many walks.  Raises OutOfTime.
        """
        while self.number < most:
            self.clock.tell("random scenarios", self.number, most)
            pair = self.pairs[self.number % len(self.pairs)]
            pair.begin()
            acts = _walked(pair, random.Random(f"{self.seed}:{self.number}").randbytes(BYTES))
            self.number += 1
            self.clock.scenarios += 1
            if acts is not None:
                told = shortened(self.pairs[0], acts) or shortened(pair, acts)
                assert told is not None, "a walk that does not replay"
                return told
        return None


def _walked(pair: Pair, data: bytes) -> list[Act] | None:
    """Walk from where a pair stands; return the commands if both look different after the last, else None."""
    draws, acts = Draws(data), list[Act]()
    try:
        chance = Drawn(draws, FAULT_RATES[draws.below(len(FAULT_RATES))])
        choice = CommandDraws(draws, {kind.name: kind for kind in pair.kinds})
        for side in pair.sides:
            side.environment.draw = chance.pick
        while len(acts) < LENGTH and not pair.over:
            drawn = choice.draw(pair.before.v)
            if drawn is None:
                return None
            wanted: Answers = {}
            different = pair.run(drawn[0], wanted)
            if different is not None:
                answers = (Answered(*at, index) for at, index in wanted.items() if index)
                acts.append(Act(drawn[0], tuple(answers)))
            if different:
                return acts
    except Exhausted:
        pass
    finally:
        for side in pair.sides:
            side.environment.draw = lambda point, count: 0
    return None


def shortened(pair: Pair, acts: Sequence[Act]) -> Told | None:
    """Return a scenario of which nothing can be left out, and nothing made simpler, while it still tells.

    acts: commands to begin with; None where the profiles look the same after them.
    """
    shortener = _Shortener(pair)
    return shortener.shorten() if shortener.accepts(acts) else None


class _Shortener:
    """The best scenario so far."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.acts: list[Act] = []
        self.sights: tuple[Sight, ...] = ()

    def shorten(self) -> Told:
        """Shorten until nothing can be taken away or made simpler."""
        before: list[Act] = []
        while before != self.acts:
            before = self.acts
            self.delete()
            self.drop_answers()
            self.simplify()
        return Told(Scenario(self.pair.preset, self.pair.setting, tuple(self.acts)), self.sights)

    def accepts(self, acts: Sequence[Act]) -> bool:
        """Run a candidate; keep it up to where something looks different, without commands that do not apply."""
        self.pair.begin()
        kept: list[Act] = []
        for act in acts:
            different = self.pair.perform(act)
            if different is not None:
                kept.append(act)
            if different:
                self.acts, self.sights = kept, different
                return True
        return False

    def delete(self) -> None:
        """Leave out runs of commands: halves first, single ones last."""
        size = max(1, len(self.acts) // 2)
        while size:
            start = 0
            while start < len(self.acts) - 1:
                if not self.accepts(self.acts[:start] + self.acts[start + size :]):
                    start += size
            size //= 2

    def drop_answers(self) -> None:
        """Let nothing unusual happen, as far as that goes."""
        for index in range(len(self.acts)):
            position = 0
            while index < len(self.acts) and position < len(self.acts[index].answers):
                answers = self.acts[index].answers
                less = attrs.evolve(self.acts[index], answers=answers[:position] + answers[position + 1 :])
                if not self.accepts([*self.acts[:index], less, *self.acts[index + 1 :]]):
                    position += 1

    def simplify(self) -> None:
        """Move arguments towards the first values of their domains, all equal ones of a name, then each alone."""
        named = dict.fromkeys(pair for act in self.acts for pair in _named(act.command))
        for (name, value), simpler in product(named, range(_SIMPLER)):
            if isinstance(value, int) and simpler < value:
                self._try([_renamed(act, name, value, simpler) for act in self.acts])
        for index in range(len(self.acts)):
            for position in range(len(self.acts[index].command.arguments) if index < len(self.acts) else 0):
                self._simplify(index, position)

    def _simplify(self, index: int, position: int) -> None:
        domain = KINDS[self.acts[index].command.name].domains[position](self.pair.before.v)
        for simpler in domain[:_SIMPLER]:
            if index >= len(self.acts) or position >= len(self.acts[index].command.arguments):
                return
            given = self.acts[index].command.arguments
            if simpler == given[position]:
                return
            arguments = (*given[:position], simpler, *given[position + 1 :])
            command = Command(self.acts[index].command.name, arguments)
            made = attrs.evolve(self.acts[index], command=command)
            if self._try([*self.acts[:index], made, *self.acts[index + 1 :]]):
                return

    def _try(self, acts: list[Act]) -> bool:
        return acts != self.acts and self.accepts(acts)


def _named(command: Command) -> list[tuple[str, Argument]]:
    return list(zip(KINDS[command.name].parameters, command.arguments, strict=True))


def _renamed(act: Act, name: str, value: Argument, other: Argument) -> Act:
    """Return an act in which the arguments of a name have another value."""
    given = tuple(other if pair == (name, value) else pair[1] for pair in _named(act.command))
    return attrs.evolve(act, command=Command(act.command.name, given))
