"""Commands: what the world outside asks of a system, as plain data.

A command is a name and a few small arguments.  Whether it applies depends on the state: a command that does
not apply does nothing.  So any list of commands is a program, and deleting some of them, or changing an
argument, gives another one; the minimiser lives on that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from refmodel.kernel.table import KernelView, OperationTable
    from refmodel.machine import Operation

Argument = int | str

Domain = Callable[["KernelView"], Sequence[Argument]]
"""The values of one argument in a state, the simplest one first."""


@attrs.frozen
class Command:
    """One thing that is asked of a system.

    name: a kind's name.  arguments: in the order of the kind's parameters.
    """

    name: str
    arguments: tuple[Argument, ...] = ()


@attrs.frozen
class Move:
    """One command of a run with what its environment answered, which is all that a replay needs.

    answers: index of the option taken at each choice of the command and of the background work after it.
    """

    command: Command
    answers: tuple[int, ...] = ()


@attrs.frozen(eq=False)
class Kind:
    """A kind of command.

    name: as tokens, programs and coverage print it.  meaning: one sentence.
    parameters: names of the arguments.  domains: their values, one function for each.
    make: given the view and the arguments, returns the operation, or None where the command does not apply.
    needs: name of an operation in the profile's table without which the kind does not exist.
    weight: how often walks draw it, compared with others.
    worth: given the view and the arguments, whether much can happen; walks mostly pass over the others.
    """

    name: str
    meaning: str
    parameters: tuple[str, ...]
    domains: tuple[Domain, ...]
    make: Callable[..., Operation | None]
    needs: str
    weight: int = 1
    worth: Callable[..., bool] | None = None

    def arguments(self, v: KernelView) -> Iterator[tuple[Argument, ...]]:
        """Enumerate the arguments with which the command applies now."""
        every = product(*(domain(v) for domain in self.domains))
        return (given for given in every if self.make(v, *given) is not None)


class Catalogue:
    """Kinds of commands by name, in the order of their definition."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def kind(
        self, needs: str, *domains: Domain, weight: int = 1, worth: Callable[..., bool] | None = None
    ) -> Callable[[Callable[..., Operation | None]], Callable[..., Operation | None]]:
        """Register a function ``make`` as a kind; its name and first docstring line are the kind's."""

        def register(make: Callable[..., Operation | None]) -> Callable[..., Operation | None]:
            _, *parameters = inspect.signature(make).parameters
            meaning = (make.__doc__ or "").split("\n")[0]
            made = Kind(make.__name__, meaning, tuple(parameters), domains, make, needs, weight, worth)
            self._kinds[made.name] = made
            return make

        return register

    def __getitem__(self, name: str) -> Kind:
        """Return a kind by its name.  Raises KeyError."""
        return self._kinds[name]

    def names(self) -> tuple[str, ...]:
        """Return the names of all kinds."""
        return tuple(self._kinds)

    def of(self, table: OperationTable) -> dict[str, Kind]:
        """Return the kinds that exist with an operation table, by name."""
        return {
            name: kind for name, kind in self._kinds.items() if getattr(table, kind.needs, None) is not None
        }

    def operation(self, v: KernelView, command: Command) -> Operation | None:
        """Return the operation that a command stands for, or None if it does not apply in this state."""
        kind = self._kinds.get(command.name)
        if (
            kind is None
            or getattr(v.ops, kind.needs, None) is None
            or len(command.arguments) != len(kind.domains)
        ):
            return None
        for value, domain in zip(command.arguments, kind.domains, strict=True):
            if value not in domain(v):
                return None
        return kind.make(v, *command.arguments)


def describe(kinds: Any, command: Command) -> str:
    """Return a command as a person would write it, for example ``write(mm=0, page=1, content=3)``."""
    names = kinds[command.name].parameters
    given = ", ".join(f"{name}={value!r}" for name, value in zip(names, command.arguments, strict=True))
    return f"{command.name}({given})"
