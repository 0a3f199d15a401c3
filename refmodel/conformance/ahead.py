"""Programs that are drawn before they run, so that an implementation can be told of them.

A command is drawn by what it can do in the state that there is.  Here the state is that of a model that runs alone;
where the implementation decides otherwise, some commands do less than they would.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from refmodel.conformance.conform_walk import CommandDraws
from refmodel.conformance.lockstep import sizes_of
from refmodel.conformance.served import NOT_SERVED, ServedModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refmodel.conformance.boundary import Line
    from refmodel.conformance.lockstep import Lockstep


class Ahead:
    """The programs of a search, each announced while the one before it runs.

    lockstep: where they will run.  seed: which they are.  numbers: of those that are drawn.  length: commands of each.
    """

    def __init__(self, lockstep: Lockstep, seed: int, numbers: Iterator[int], length: int) -> None:
        """Announce the first program."""
        self.lockstep, self.seed, self.numbers, self.length = lockstep, seed, numbers, length
        self.alone = ServedModel(lockstep.profile, sizes_of(lockstep.hello))
        self.next = self.announced()

    def take(self) -> list[Line]:
        """Return the program that was announced last, and announce another one."""
        taken, self.next = self.next, self.announced()
        return taken

    def announced(self) -> list[Line]:
        """Draw a program and announce it."""
        program = self.program(Random(f"{self.seed}/{next(self.numbers)}"))
        self.lockstep.announce(program)
        return program

    def program(self, chance: Random) -> list[Line]:
        """Draw a program."""
        self.alone.answer({"i": 0, "op": "reset"})
        draws = CommandDraws(chance, self.lockstep.hello, self.alone.view)
        found: list[Line] = []
        while len(found) < self.length:
            command = draws.draw()
            found.append(command)
            if command["op"] not in NOT_SERVED:
                self.alone.answer({"i": len(found), **command})
        return found
