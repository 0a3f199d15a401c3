"""Actors: who runs operations, and what each may do next.

An actor runs a program: a fixed row of starts, or a free choice from a menu, again and again.  Between two
operations it is idle; otherwise it has one operation in flight.  What an actor is about to do is its local
state: plain data, so that two actors of one program are told apart by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import attrs

from refmodel.machine import Operation, Wait
from refmodel.machine.flight import Flight, Landed, advance, take_off


@attrs.frozen
class Start:
    """A way in which an idle actor may begin something.

    label: as counterexamples print it.  make: given the view, returns the operation, or None where the start
    does not apply; it must change nothing.
    judge: called with the view and the value of the operation in the step in which it ends; raises where the
    value is wrong.
    """

    label: Hashable
    make: Callable[[Any], Operation | None] = attrs.field(eq=False)
    judge: Callable[[Any, Any], None] | None = attrs.field(default=None, eq=False)


@attrs.frozen
class Program:
    """What actors of one kind do.

    name: as counterexamples print it.
    starts: either a row of starts, gone through in order (``row``), or a menu to choose from.
    times: how often something is chosen from a menu, None for without end.
    keeps: whether the values that its operations return are part of its local state.
    serves: whether others may wait for what it starts; the system's own work does, a task's next call does not.
    """

    name: str
    starts: tuple[Start, ...]
    row: bool = False
    times: int | None = None
    keeps: bool = False
    serves: bool = False

    def choices(self, done: int) -> Sequence[int]:
        """Return the numbers of the starts that an idle actor has, after as many operations as given."""
        if self.row:
            return range(done, min(done + 1, len(self.starts)))
        return range(len(self.starts)) if self.times is None or done < self.times else ()

    def after(self, done: int) -> int:
        """Return the count of operations begun after one more, as far as it matters."""
        return done + 1 if self.row or self.times is not None else 0


@attrs.frozen
class Local:
    """The local state of an actor.

    program: its number.  done: operations begun, where that matters.  values: what they returned, where kept.
    start: number of the start of the operation in flight, if it has a judge, else -1.
    flight: the operation in flight.
    """

    program: int
    done: int = 0
    values: tuple[Any, ...] = ()
    start: int = -1
    flight: Flight = ()


class Actors:
    """The actors of a scope.

    programs: one for each kind.  numbers: how many actors run each of them.
    """

    def __init__(self, programs: Sequence[Program], numbers: Sequence[int]) -> None:
        self.programs = tuple(programs)
        self.initial = tuple(Local(p) for p, number in enumerate(numbers) for _ in range(number))

    def name(self, actor: int) -> str:
        """Return the name of an actor: its program's, with a number where several run it."""
        program = self.initial[actor].program
        mates = [a for a, local in enumerate(self.initial) if local.program == program]
        name = self.programs[program].name
        return name if len(mates) == 1 else f"{name} {mates.index(actor) + 1}"

    def actions(self, local: Local) -> Sequence[int]:
        """Return what an actor may do: go on (-1), or the numbers of starts."""
        return (-1,) if local.flight else self.programs[local.program].choices(local.done)

    def serves(self, local: Local) -> bool:
        """Whether what an actor does next is something that others may be waiting for."""
        return bool(local.flight) or self.programs[local.program].serves

    def begin(self, view: Any, local: Local, action: int) -> Local | None:
        """Return an actor that stands before the first step of what it starts, or None: it does not apply."""
        program = self.programs[local.program]
        operation = program.starts[action].make(view)
        if operation is None:
            return None
        kept = action if program.starts[action].judge else -1
        return Local(local.program, program.after(local.done), local.values, kept, take_off(operation))

    def step(self, view: Any, local: Local) -> Local | None:
        """Run the next step of an actor; return its local state afterwards, or None while the step waits."""
        following = advance(view, local.flight)
        if isinstance(following, Wait):
            return None
        if not isinstance(following, Landed):
            return Local(local.program, local.done, local.values, local.start, following)
        program = self.programs[local.program]
        judge = program.starts[local.start].judge if local.start >= 0 else None
        if judge is not None:
            judge(view, following.value)
        values = (*local.values, following.value) if program.keeps else ()
        return Local(local.program, local.done, values)
