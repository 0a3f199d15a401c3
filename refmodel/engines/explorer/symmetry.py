"""Symmetry: indexes that only name things, so that states that differ in the names are one state.

A scope whose pages, slots or objects are interchangeable says so with a ``Renaming``.  The search then keeps one
state of each orbit: the one whose columns stand in ascending order, and of several such, where columns are equal,
the least.  Every part of a state is renamed by a table that remembers what it was asked (Ip and Dill, "Better
verification through symmetry", 1996).

Nothing is taken on trust.  The initial state must not change under any renaming, and the first states of the search
are expanded under other names too: what follows must be the same up to names.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache, partial
from itertools import permutations
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Local
from refmodel.engines.explorer.loop import Ordered
from refmodel.engines.explorer.missing import Missing
from refmodel.engines.explorer.packing import Packing
from refmodel.machine import Operation
from refmodel.machine.flight import Flight, Frame
from refmodel.machine.liveness import live_fields

PIECE = 16
"""Most bits that are renamed with one look-up."""

Order = tuple[int, ...]
"""A renaming: what was index i is called order[i]."""


class BrokenSymmetry(ValueError):
    """Indexes were declared interchangeable and are not."""


def _same_component(place: int, value: Any, order: Order) -> Any:
    return value


@attrs.frozen
class Renaming:
    """Indexes that are interchangeable, and where they stand.

    columns: for each index, the places of the components that it names, in the same sequence for all.
    local: returns the local state of an actor under other names.
    component: returns the value of a component under other names.
    mentions: the places, in columns or not, of components whose values mention an index.
    """

    columns: tuple[tuple[int, ...], ...]
    local: Callable[[Local, Order], Local]
    component: Callable[[int, Any, Order], Hashable] = _same_component
    mentions: tuple[int, ...] = ()

    def __attrs_post_init__(self) -> None:
        lengths = {len(column) for column in self.columns}
        if len(lengths) > 1:
            raise ValueError(f"columns of {sorted(lengths)} places: expected all of one length")


def renamed_flight(flight: Flight, rename: Callable[[type[Operation], str, Any], Any]) -> Flight:
    """Return operations in flight with their live fields renamed.

    rename: given class, name and value of a field, returns the value under other names.
    """
    return tuple(_renamed_frame(frame, rename, depth > 0) for depth, frame in enumerate(flight))


def _renamed_frame(frame: Frame, rename: Callable[[type[Operation], str, Any], Any], waiting: bool) -> Frame:
    cls, step, values = frame
    live = live_fields(cls)[step] - ({"result"} if waiting else set())
    names = (field.name for field in attrs.fields(cls))
    renamed = (
        rename(cls, name, value) if name in live else value for name, value in zip(names, values, strict=True)
    )
    return cls, step, tuple(renamed)


class Normal:
    """Brings packed states into their normal form.

    renaming: of the scope.  ordered: sorts actors that are not told apart.  orders: all renamings.
    state: the function that does it, generated for the number of pieces.
    """

    def __init__(self, renaming: Renaming, packing: Packing, ordered: Ordered) -> None:
        self.renaming, self.packing, self.ordered = renaming, packing, ordered
        self.orders: list[Order] = list(permutations(range(len(renaming.columns))))
        self.fields = [[packing.fields[place] for place in column] for column in renaming.columns]
        self.sides = packing.mask(place for column in renaming.columns for place in column)
        self.everyone = packing.local_bits
        self.pieces = _pieces(renaming, packing)
        self.masks = [packing.mask(piece) for piece in self.pieces]
        self.locals = [Missing(partial(self._local, order)) for order in self.orders]
        self.images = [self._image(order) for order in self.orders]
        self.state = self._made()

    @property
    def keys(self) -> tuple[tuple[int, ...], int]:
        """Where the columns start, and the bits of one by which they are sorted.

        In a state whose columns are strictly ascending no index has to be renamed.
        """
        packing, mentions = self.packing, self.renaming.mentions
        start, width = packing.width * packing.actors, packing.column_width
        low = packing.mask(place for place in self.renaming.columns[0] if place not in mentions) >> start
        return tuple(start + width * index for index in range(len(self.fields))), low

    def renamed(self, state: int, order: Order) -> int:
        """Return a state under other names, with its actors in order: one that may not be normal."""
        at = self.orders.index(order)
        found = state & ~(self.sides | self.everyone | sum(self.masks))
        found |= self._columns(state, order) | self.images[at][0][state & self.everyone]
        for mask, image in zip(self.masks, self.images[at][1:], strict=True):
            found |= image[state & mask]
        return found

    def _made(self) -> Callable[[int], int]:
        made = _state_function(len(self.masks))
        rest = ~(self.sides | self.everyone | sum(self.masks))
        return made(Missing(self._choices), self.sides, self.everyone, rest, *self.masks)

    def _image(self, order: Order) -> tuple[dict[int, int], ...]:
        """Return the tables that rename actors and pieces."""
        locals_ = Missing(partial(self._actors, self.orders.index(order)))
        return locals_, *(Missing(partial(self._piece, piece, order)) for piece in self.pieces)

    def _choices(self, sides: int) -> tuple[tuple[Any, ...], ...]:
        """Return the columns in ascending order, and the tables of the renamings that get there."""
        starts, low = self.keys
        found = [(sides >> start) & low for start in starts]
        rising = sorted(found)
        return tuple(
            (self._columns(sides, order), *image)
            for order, image in zip(self.orders, self.images, strict=True)
            if all(rising[order[i]] == key for i, key in enumerate(found))
        )

    def _columns(self, state: int, order: Order) -> int:
        total = 0
        for index, column in enumerate(self.renaming.columns):
            into = self.renaming.columns[order[index]]
            for source, target in zip(column, into, strict=True):
                value: Hashable = self.packing.component(state, source)
                if source in self.renaming.mentions:
                    value = self.renaming.component(source, value, order)
                total |= self.packing.placed(target, value)
        return total

    def _piece(self, piece: Sequence[int], order: Order, bits: int) -> int:
        packing, rename = self.packing, self.renaming.component
        return sum(packing.placed(p, rename(p, packing.component(bits, p), order)) for p in piece)

    def _actors(self, at: int, locals_: int) -> int:
        width, low, found = self.packing.width, (1 << self.packing.width) - 1, 0
        for actor in range(self.packing.actors):
            found |= self.locals[at][(locals_ >> width * actor) & low] << width * actor
        return self.ordered[found]

    def _local(self, order: Order, number: int) -> int:
        return self.packing.local_number(self.renaming.local(self.packing.locals.values[number], order))

    # --- checking ---------------------------------------------------------------------------------------------

    def exchanges(self) -> list[Order]:
        """Return the renamings that exchange two neighbours: all others are made of these."""
        count = len(self.fields)
        return [(*range(i), i + 1, i, *range(i + 2, count)) for i in range(count - 1)]

    def check_start(self) -> None:
        """Raise BrokenSymmetry if the initial state changes under a renaming."""
        renaming, packing = self.renaming, self.packing
        for order in self.exchanges():
            outside = (place for place in renaming.mentions if place not in packing.column)
            values = ((place, packing.component(packing.start, place)) for place in outside)
            changed = any(renaming.component(place, value, order) != value for place, value in values)
            if changed or self.renamed(packing.start, order) != packing.start:
                raise BrokenSymmetry(f"{_exchanged(order)}: the initial state changes")

    def check(self, state: int, expected: set[int], following: Callable[[int], set[int]]) -> None:
        """Raise BrokenSymmetry if other names lead to other states.

        expected: the normal forms of what follows the state.  following: returns those of any state.
        """
        for order in self.exchanges():
            other = self.renamed(state, order)
            if self.state(other) != state:
                raise BrokenSymmetry(f"{_exchanged(order)} in a state does not lead back to it")
            if following(other) != expected:
                raise BrokenSymmetry(f"{_exchanged(order)} in a state changes what can follow it")


@cache
def _state_function(pieces: int) -> Callable[..., Callable[[int], int]]:
    """Return what makes the function that brings a state into its normal form, for a number of pieces."""
    masks = "".join(f", mask{i}" for i in range(pieces))
    images = "".join(f", image{i}" for i in range(pieces))
    parts = "".join(f" | image{i}[n & mask{i}]" for i in range(pieces))
    source = f"""def made(choices, sides, everyone, rest{masks}):
 def state(n):
  best = None
  for columns, actors{images} in choices[n & sides]:
   found = columns | actors[n & everyone]{parts}
   if best is None or found < best: best = found
  return best | n & rest
 return state"""
    space: dict[str, Any] = {}
    exec(source, space)
    return space["made"]  # type: ignore[no-any-return]  # made by exec


def _exchanged(order: Order) -> str:
    first = next(i for i, new in enumerate(order) if i != new)
    return f"the scope is not symmetric: exchanging index {first} and index {first + 1}"


def _pieces(renaming: Renaming, packing: Packing) -> list[tuple[int, ...]]:
    """Divide the components outside the columns that mention an index into pieces of few bits."""
    pieces: list[tuple[int, ...]] = []
    room = 0
    for place in _outside(renaming, packing):
        width = packing.fields[place].width
        if width > room or not pieces:
            pieces.append(())
            room = PIECE
        pieces[-1] += (place,)
        room -= width
    return pieces


def _outside(renaming: Renaming, packing: Packing) -> Iterable[int]:
    return (p for p in renaming.mentions if p not in packing.column and packing.fields[p].width)
