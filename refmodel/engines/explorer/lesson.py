"""What was learned of a step, in terms that no packing changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.engines.explorer.packing import Look, Packing, Widened, changed_component

if TYPE_CHECKING:
    from refmodel.engines.explorer.transitions import Control
    from refmodel.machine.recorder import Cell


class Write:
    """How one component changes: cells that get a value, or a number that is added to a counter.

    numbers: for each number of the component's value that was met before the change, the number after it.
    """

    __slots__ = ("added", "cells", "numbers", "place")

    def __init__(self, place: int, cells: Mapping[str, Any], added: int = 0) -> None:
        self.place, self.cells, self.added = place, cells, added
        self.numbers: dict[int, int] = {}

    def number(self, packing: Packing, before: int) -> int:
        """Return the number of the value after the change.

        Raises Inconstant where a cell that was taken for constant would change.
        """
        found = self.numbers.get(before)
        if found is None:
            old = packing.fields[self.place].values.values[before]
            new = old + self.added if self.added else changed_component(old, self.cells)
            found = self.numbers[before] = packing.number(self.place, new)
        return found


def writes_of(written: Mapping[Cell, Any], added: Mapping[int, int]) -> tuple[Write, ...]:
    """Return what a step did, component by component."""
    places: dict[int, dict[str, Any]] = {}
    for (place, name), value in written.items():
        places.setdefault(place, {})[name] = value
    sums = (Write(place, {}, number) for place, number in added.items() if number)
    return (*(Write(place, cells) for place, cells in places.items()), *sums)


@attrs.frozen
class Known:
    """What an act does in states that look alike to it.

    outcomes: for each way that it can take, the changed components, and the number of the actor's local state
    afterwards.  cells: all that it touches and changes, as a set.
    """

    outcomes: tuple[tuple[tuple[Write, ...], int], ...]
    cells: int

    def changes(self, packing: Packing, state: int, number: int, actor: int) -> list[tuple[int, int]]:
        """Return, for each different outcome, what to add to the components of a state and to the actor's number.

        number: of the actor's local state.  Raises Widened where a field has no room, and Inconstant.
        """
        found: dict[tuple[int, int], None] = {}
        most = packing.most[actor]
        for writes, following in self.outcomes:
            if following > most:
                packing.reach(actor, following)
            total = 0
            for write in writes:
                field = packing.fields[write.place]
                before = (state >> field.offset) & field.low
                after = write.number(packing, before)
                if after > field.low:
                    raise Widened(packing.widen(write.place))
                total += after - before << field.offset
            found[total, following - number] = None
        return list(found)


class Lesson:
    """What was learned of one act of one local state.

    cells: those that the act has been seen to look at.  places: of components that it depends on.
    relies: steps that were taken to commute, and cells that were taken for constant.
    known: what it does, by the numbers of the cells' values.
    mask: the bits of the places, and answers by what these hold; see ``told``.
    """

    __slots__ = ("answers", "cells", "known", "layout", "looks", "mask", "places", "relies")

    def __init__(self) -> None:
        self.cells: dict[Cell, None] = {}
        self.places: dict[int, None] = {}
        self.relies: dict[Control | Cell, None] = {}
        self.known: dict[tuple[int, ...], Known] = {}
        self._unpacked()

    def _unpacked(self) -> None:
        self.looks: list[Look] = []
        self.layout, self.mask = -1, 0
        self.answers: dict[int, tuple[list[tuple[int, int]], int]] = {}

    def __getstate__(self) -> tuple[Any, ...]:
        return self.cells, self.places, self.relies, self.known

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.cells, self.places, self.relies, self.known = state
        self._unpacked()

    def told(self, packing: Packing) -> dict[int, tuple[list[tuple[int, int]], int]]:
        """Return what the act changes and touches, by the masked state: every actor in the local state asks there."""
        if self.layout != packing.layout:
            self.layout, self.mask, self.answers = packing.layout, packing.mask(self.places), {}
        return self.answers

    def key(self, packing: Packing, state: int) -> tuple[int, ...]:
        """Return what is the same for states that look alike."""
        if not self.looks:
            self.looks = packing.looks(self.cells)
        return tuple([numbers[state >> field.offset & field.low] for field, numbers in self.looks])

    def depend(self, read: Mapping[Cell, None], changed: Mapping[int, None]) -> None:
        """Remember what an act depends on, and forget what it does where that is more than was known.

        read: cells that it looks at.  changed: places that it changes.
        """
        if not self.places.keys() >= changed.keys():
            self.places |= changed
            self.layout = -1
        if not self.cells.keys() >= read.keys():
            self.cells |= read
            self.places |= dict.fromkeys([place for place, _ in read])
            self.looks = []
            self.known.clear()
            self.layout = -1
