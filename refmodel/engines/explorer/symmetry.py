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
    local: returns the local state of an actor under other names; it asks the order for each index that it finds.
    component: returns the value of a component under other names.
    mentions: the places, in columns or not, of components whose values mention an index.
    given_out: an index names what comes to be in a run, the lowest free one first; so the initial state, and what
        follows a state, may prefer one where any would do.
    """

    columns: tuple[tuple[int, ...], ...]
    local: Callable[[Local, Order], Local]
    component: Callable[[int, Any, Order], Hashable] = _same_component
    mentions: tuple[int, ...] = ()
    given_out: bool = False

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


class _Asked(tuple[int, ...]):
    """The renaming that renames nothing; it notes which indexes it is asked for."""

    def __init__(self, order: Order) -> None:
        self.indexes: dict[Any, None] = {}

    def __getitem__(self, index: Any) -> Any:
        self.indexes[index] = None
        return super().__getitem__(index)


class LocalNames:
    """The local states of actors under other names, by number.

    Most mention no index, or one: renamings that agree on what a local state mentions share the answer.

    tables: for each renaming the table that renames local states.
    """

    def __init__(self, renaming: Renaming, packing: Packing, orders: Sequence[Order]) -> None:
        self.renaming, self.packing = renaming, packing
        self.tables = [Missing(partial(self._renamed, order)) for order in orders]
        self._mentions = Missing(partial(self._mentioned, orders[0]))
        self._known: dict[tuple[int, ...], int] = {}

    def _renamed(self, order: Order, number: int) -> int:
        mentioned = self._mentions[number]
        names = tuple([order[index] for index in mentioned])
        if names == mentioned:
            return number
        found = self._known.get((number, *names))
        if found is None:
            locals_ = self.packing.locals
            found = locals_.number(self.renaming.local(locals_.values[number], order))
            self._known[number, *names] = found
        return found

    def _mentioned(self, same: Order, number: int) -> Order:
        """Return the indexes that a local state mentions."""
        asked = _Asked(same)
        self.renaming.local(self.packing.locals.values[number], asked)
        return tuple(asked.indexes)


class Normal:
    """Brings packed states into their normal form.

    renaming: of the scope.  ordered: sorts actors that are not told apart.  orders: all renamings, first the one that
    renames nothing.
    before: did the same while the components had other bits.

    singles: for each renaming and each actor, the actor's bits and the table that renames them.
    actors: for each renaming the table that renames all actors.
    pieces: what mentions indexes outside the columns, in pieces that are renamed on their own; none where it is little
    enough to be renamed together with the columns.  sides: the bits of the columns, and of what goes with them.
    keys: where the columns start, and the bits of one by which they are sorted; in a state whose columns are strictly
    ascending no index has to be renamed.
    state: the function that brings a state into its normal form.
    """

    def __init__(
        self, renaming: Renaming, packing: Packing, ordered: Ordered, before: Normal | None = None
    ) -> None:
        self.renaming, self.packing, self.ordered = renaming, packing, ordered
        self.orders: list[Order] = list(permutations(range(len(renaming.columns))))
        self.count = len(renaming.columns)
        self.sides = packing.mask(place for column in renaming.columns for place in column)
        self.everyone = packing.local_bits
        pieces = _pieces(renaming, packing)
        self.beside = pieces.pop() if len(pieces) == 1 else ()
        self.sides |= packing.mask(self.beside)
        self.pieces = pieces
        self.masks = [packing.mask(piece) for piece in self.pieces]
        self.rest = ~(self.sides | self.everyone | sum(self.masks))
        self.locals: LocalNames = (
            LocalNames(renaming, packing, self.orders) if before is None else before.locals
        )
        self.singles: list[list[tuple[int, Missing[int]]]]
        self.actors: list[Missing[int]]
        self.least: Missing[Missing[int]]
        if before is not None and before.ordered is ordered:
            self.singles, self.actors, self.least = before.singles, before.actors, before.least
        else:
            self.singles = [self._singles(at) for at in range(len(self.orders))]
            self.actors = [ordered, *(Missing(partial(self._actors, each)) for each in self.singles[1:])]
            self.least = Missing(self._least)
        self.keys = self._keys()
        self.ranked: dict[tuple[int, ...], list[int]] = {}
        self.column_images = [self._column_images(order) for order in self.orders]
        self.images = [self._image(order) for order in self.orders]
        self.choices = Missing(self._choices if pieces else self._choice)
        self.state = self._made()

    def _keys(self) -> tuple[tuple[int, ...], int]:
        packing, mentions = self.packing, self.renaming.mentions
        start, width = packing.local_width, packing.column_width
        low = packing.mask(place for place in self.renaming.columns[0] if place not in mentions) >> start
        return tuple(start + width * index for index in range(self.count)), low

    def renamed(self, state: int, order: Order) -> int:
        """Return a state under other names, with its actors in order: one that may not be normal."""
        at = self.orders.index(order)
        found = state & self.rest | self.columns(state, at) | self.images[at][0][state & self.everyone]
        for mask, image in zip(self.masks, self.images[at][1:], strict=True):
            found |= image[state & mask]
        return found

    def _made(self) -> Callable[[int], int]:
        made = _state_function(len(self.masks))
        return made(self.choices, self.sides, self.everyone, self.rest, *self.masks)

    def _image(self, order: Order) -> tuple[dict[int, int], ...]:
        """Return the tables that rename actors and pieces."""
        actors = self.actors[self.orders.index(order)]
        return actors, *(Missing(partial(self._piece, piece, order)) for piece in self.pieces)

    def _choices(self, sides: int) -> tuple[tuple[Any, ...], ...]:
        """Return the columns in ascending order, and the tables of the renamings that get there."""
        return tuple((self.columns(sides, at), *self.images[at]) for at in self.rising(sides))

    def _choice(self, sides: int) -> tuple[int, Missing[int]]:
        """Return the least of the columns in ascending order, and the table that renames actors in the same way."""
        rising = self.rising(sides)
        if len(rising) == 1:
            return self.columns(sides, rising[0]), self.least[1 << rising[0]]
        found = [self.columns(sides, at) for at in rising]
        least = min(found)
        return least, self.least[
            sum([1 << at for columns, at in zip(found, rising, strict=True) if columns == least])
        ]

    def rising(self, sides: int) -> list[int]:
        """Return the numbers of the renamings that put the columns in ascending order."""
        starts, low = self.keys
        found = [(sides >> start) & low for start in starts]
        ranks = tuple(map(sorted(found).index, found))
        return self.ranked.get(ranks) or self._ranked(ranks)

    def _ranked(self, ranks: tuple[int, ...]) -> list[int]:
        """Return the numbers of the renamings that put columns of some ranks in ascending order, and remember them.

        ranks: for each column how many are less.
        """
        rising = sorted(ranks)
        found = self.ranked[ranks] = [
            at
            for at, order in enumerate(self.orders)
            if all(rising[order[i]] == rank for i, rank in enumerate(ranks))
        ]
        return found

    def _least(self, several: int) -> Missing[int]:
        """Return the table of the least that actors become under some renamings, given as bits of their numbers."""
        images = [image for at, image in enumerate(self.actors) if several >> at & 1]
        if len(images) == 1:
            return images[0]
        singles = [row for at, row in enumerate(self.singles) if several >> at & 1]
        agreed = [(same[0][0], Missing(partial(_agreed, same))) for same in zip(*singles, strict=True)]
        return Missing(partial(self._least_of, images, agreed))

    def _least_of(
        self, images: Sequence[Missing[int]], agreed: Sequence[tuple[int, Missing[int]]], locals_: int
    ) -> int:
        """Return the least that the local states of all actors become: mostly no actor mentions what is exchanged."""
        found = 0
        for mask, image in agreed:
            bits = image[locals_ & mask]
            if bits < 0:
                return min([image[locals_] for image in images])
            found |= bits
        return self.ordered[found]

    def columns(self, state: int, at: int) -> int:
        """Return the bits of the columns, and of what goes with them, under the names of a renaming.

        at: the number of the renaming.
        """
        if at == 0:
            return state & self.sides
        total = 0
        for mask, image in self.column_images[at]:
            total |= image[state & mask]
        return total

    def _column_images(self, order: Order) -> list[tuple[int, Missing[int]]]:
        """Return, for each column and for what goes with them, its bits and the table that renames it."""
        packing = self.packing
        found = [
            (packing.mask(column), Missing(partial(self._column, index, order)))
            for index, column in enumerate(self.renaming.columns)
        ]
        return [*found, (packing.mask(self.beside), Missing(partial(self._piece, self.beside, order)))]

    def _column(self, index: int, order: Order, bits: int) -> int:
        """Return one column under other names."""
        columns, total = self.renaming.columns, 0
        for source, target in zip(columns[index], columns[order[index]], strict=True):
            value: Hashable = self.packing.component(bits, source)
            if source in self.renaming.mentions:
                value = self.renaming.component(source, value, order)
            total |= self.packing.placed(target, value)
        return total

    def _piece(self, piece: Sequence[int], order: Order, bits: int) -> int:
        packing, rename = self.packing, self.renaming.component
        return sum(packing.placed(p, rename(p, packing.component(bits, p), order)) for p in piece)

    def _actors(self, singles: Sequence[tuple[int, Missing[int]]], locals_: int) -> int:
        """Return the local states of all actors under other names, in order."""
        found = 0
        for mask, image in singles:
            found |= image[locals_ & mask]
        return self.ordered[found]

    def _singles(self, at: int) -> list[tuple[int, Missing[int]]]:
        """Return, for each actor, its bits and the table that renames them."""
        packing = self.packing
        fields = enumerate(zip(packing.lows, packing.shifts, strict=True))
        return [(low << shift, Missing(partial(self._single, at, actor))) for actor, (low, shift) in fields]

    def _single(self, at: int, actor: int, bits: int) -> int:
        """Return the local state of one actor under other names."""
        packing = self.packing
        number = self.locals.tables[at][packing.local_number(bits, actor)]
        if number > packing.most[actor]:
            packing.reach(actor, number)
        return number << packing.shifts[actor]

    # --- checking ---------------------------------------------------------------------------------------------

    def check_start(self) -> None:
        """Raise BrokenSymmetry if the initial state changes under a renaming and should not."""
        renaming, packing = self.renaming, self.packing
        if renaming.given_out:
            return
        for order in exchanges(self.count):
            outside = (place for place in renaming.mentions if place not in packing.column)
            values = ((place, packing.component(packing.start, place)) for place in outside)
            changed = any(renaming.component(place, value, order) != value for place, value in values)
            if changed or self.renamed(packing.start, order) != packing.start:
                raise BrokenSymmetry(f"{_exchanged(order)}: the initial state changes")

    def check(
        self,
        states: Sequence[int],
        expected: list[set[int]],
        following: Callable[[Sequence[int]], list[set[int]]],
    ) -> None:
        """Raise BrokenSymmetry if other names lead to other states.

        expected: the normal forms of what follows each state.  following: returns those of any states.
        """
        for order in exchanges(self.count):
            others = [self.renamed(state, order) for state in states]
            if [self.state(other) for other in others] != list(states):
                raise BrokenSymmetry(f"{_exchanged(order)} in a state does not lead back to it")
            if following(others) != expected:
                raise BrokenSymmetry(f"{_exchanged(order)} in a state changes what can follow it")


def _agreed(singles: Sequence[tuple[int, Missing[int]]], bits: int) -> int:
    """Return what the local state of an actor becomes under several renamings, -1 where that differs."""
    found = {image[bits] for _, image in singles}
    return found.pop() if len(found) == 1 else -1


def _normal(choices: Missing[Any], sides: int, everyone: int, rest: int) -> Callable[[int], int]:
    def state(n: int) -> int:
        columns, actors = choices[n & sides]
        found: int = columns | actors[n & everyone] | n & rest
        return found

    return state


@cache
def _state_function(pieces: int) -> Callable[..., Callable[[int], int]]:
    """Return what makes the function that brings a state into its normal form, for a number of pieces."""
    if not pieces:
        return _normal
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


def exchanges(count: int) -> list[Order]:
    """Return the renamings of ``count`` indexes that exchange two neighbours: all others are made of these."""
    return [(*range(i), i + 1, i, *range(i + 2, count)) for i in range(count - 1)]


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
    """Yield the components outside the columns that a renaming may change: also one that held a single value so far."""
    for place in renaming.mentions:
        if place not in packing.column and (
            packing.fields[place].width or _mentions_one(renaming, packing, place)
        ):
            yield place


def _mentions_one(renaming: Renaming, packing: Packing, place: int) -> bool:
    value, count = packing.component(packing.start, place), len(renaming.columns)
    return any(renaming.component(place, value, order) != value for order in exchanges(count))
