"""What was learned of a step, in terms that no packing changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from refmodel.engines.explorer.packing import Packing

if TYPE_CHECKING:
    from refmodel.engines.explorer.transitions import Control
    from refmodel.machine.recorder import Cell


class Lesson:
    """What was learned of one act of one local state, in terms of components and their values' numbers.

    places: of the components that it depends on.  relies: steps that were taken to commute, and cells that were
    taken for constant.
    """

    __slots__ = ("known", "places", "relies")

    def __init__(self) -> None:
        self.places: tuple[int, ...] = ()
        self.relies: dict[Control | Cell, None] = {}
        self.known: dict[tuple[int, ...], list[Any]] = {}

    def recall(self, packing: Packing, state: int) -> list[Any] | None:
        """Return the outcomes for a state, or None if nothing like it was met."""
        return self.known.get(packing.numbers(state, self.places))

    def note(self, packing: Packing, state: int, read: Iterable[int], outcomes: list[Any]) -> list[Any]:
        """Remember the outcomes for a state, and all that they depend on."""
        places = tuple(dict.fromkeys((*self.places, *read)))
        if len(places) > len(self.places):
            self.places = places
            self.known.clear()
        self.known[packing.numbers(state, places)] = outcomes
        return outcomes
