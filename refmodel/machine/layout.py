"""Layout: which component lives at which place of a system.

A system is one flat sequence of components.  A place is the number of a component in it; a family
is a run of places that hold components of one kind.  Families are tuples of numbers (or tuples of such
rows), so finding a place costs two index operations and a recording view sees plain numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import attrs

T = TypeVar("T")

if TYPE_CHECKING:

    class Place(int, Generic[T]):
        """The number of a component of type T in a system (at run time a plain int)."""

else:

    class Place(int):
        """The number of a component in a system; annotations name its type: ``Place[Folio]``."""

        def __class_getitem__(cls, item):
            return int


@attrs.frozen
class Family:
    """A run of places with one name.

    columns: 0 for a single row of components, else the length of each row of a grid.
    counter: statistics, which steps mostly just add to.
    grows: a counter of events, which is never decremented.
    ghost: kept for properties only; no implementation has it.
    """

    name: str
    start: int
    count: int
    columns: int = 0
    counter: bool = False
    ghost: bool = False
    grows: bool = False


class Layout:
    """Hands out places while a system is described, and names them afterwards."""

    def __init__(self) -> None:
        """Start with no component."""
        self.families: list[Family] = []
        self._initial: list[Any] = []

    @property
    def initial(self) -> tuple[Any, ...]:
        """The components of the initial state, in the order of their places."""
        return tuple(self._initial)

    def one(self, name: str, initial: T, *, ghost: bool = False) -> Place[T]:
        """Give a single component a place."""
        return self.row(name, 1, initial, ghost=ghost)[0]

    def counter(self, name: str, *, grows: bool = False) -> Place[int]:
        """Give a counter a place; it starts with zero.  grows: it is never decremented."""
        place = self._extend(1, 0)
        self.families.append(Family(name, place, 1, counter=True, grows=grows))
        return cast("Place[int]", place)

    def row(
        self,
        name: str,
        count: int,
        initial: T | Callable[[int], T],
        *,
        ghost: bool = False,
    ) -> Sequence[Place[T]]:
        """Give ``count`` components places in a row; ``initial`` may depend on the index."""
        start = self._extend(count, initial)
        self.families.append(Family(name, start, count, ghost=ghost))
        return cast("Sequence[Place[T]]", tuple(range(start, start + count)))

    def grid(
        self,
        name: str,
        rows: int,
        columns: int,
        initial: T | Callable[[int], T],
        *,
        ghost: bool = False,
    ) -> Sequence[Sequence[Place[T]]]:
        """Give rows x columns components places; ``initial`` may depend on the column."""
        start = len(self._initial)
        for _ in range(rows):
            self._extend(columns, initial)
        self.families.append(Family(name, start, rows * columns, columns, ghost=ghost))
        numbers = tuple(tuple(range(start + r * columns, start + (r + 1) * columns)) for r in range(rows))
        return cast("Sequence[Sequence[Place[T]]]", numbers)

    def _extend(self, count: int, initial: Any) -> int:
        start = len(self._initial)
        make = initial if callable(initial) else lambda _: initial
        self._initial.extend(make(i) for i in range(count))
        return start

    def family(self, place: int) -> Family:
        """Return the family that a place belongs to."""
        for family in self.families:
            if family.start <= place < family.start + family.count:
                return family
        raise IndexError(f"place {place}: this system has places 0 to {len(self._initial) - 1}")

    def name(self, place: int) -> str:
        """Return the name of a place as a person would write it, for example ``tree[3]``."""
        family = self.family(place)
        offset = place - family.start
        if family.columns:
            return f"{family.name}[{offset // family.columns}][{offset % family.columns}]"
        return family.name if family.count == 1 else f"{family.name}[{offset}]"
