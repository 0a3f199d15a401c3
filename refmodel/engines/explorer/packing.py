"""Packing: a whole state as one integer.

Every component has a field of bits that holds the number of its value.  A component that has had one value only
takes no bits at all, so what a scope never changes costs nothing.  When a component has more values than its
field has room for, a bit is inserted into every state that is kept; numbers of values never change.

The fields of the actors' local states stand lowest; actors that begin alike have fields of one width.  Who touches
what is kept apart from that, cell by cell: a set of cells is an integer with one bit for each cell that was ever named.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from refmodel.engines.explorer.bits import Run, runs_of
from refmodel.engines.explorer.missing import Missing
from refmodel.machine.recorder import ABSENT, Cell, record_fields

SPARE = 3
"""Bits that a field gets beyond what it needs in a young search."""

LATER = 0
"""The same afterwards: packing all states anew takes time, and what was learned has to be found again."""


class Widened(Exception):
    """A field got wider: states, masks and differences made before are no longer right.

    inserts: where zero bits were inserted into a state, and how many, highest first.
    """

    def __init__(self, inserts: tuple[Run, ...]) -> None:
        super().__init__("a field got wider")
        self.inserts = inserts


class Inconstant(Exception):
    """A cell that was taken for constant holds another value."""

    def __init__(self, cell: Cell) -> None:
        super().__init__(f"{cell} is no constant")
        self.cell = cell


class Values:
    """Values, numbered as they come."""

    __slots__ = ("numbers", "values")

    def __init__(self, first: Hashable) -> None:
        self.values: list[Any] = [first]
        self.numbers: dict[tuple[type[Any], Any], int] = {(type(first), first): 0}

    def number(self, value: Any) -> int:
        """Return the number of a value, a new one for a value that was not met before."""
        key = (type(value), value)
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.values)
            self.values.append(value)
        return found


class Field:
    """The bits of one component: where they start, how many there are, and what the numbers in them mean."""

    __slots__ = ("low", "offset", "values", "width")

    def __init__(self, values: Values) -> None:
        self.values, self.offset, self.width, self.low = values, 0, 0, 0

    @property
    def mask(self) -> int:
        """The bits of the field."""
        return self.low << self.offset


Look = tuple[Field, Missing[int]]
"""A field, and for each number in it the number of what some cells of the component hold."""


class Packing:
    """Which bits of a state stand for what.

    components: those of the initial state.  locals_: what each actor starts with.
    columns: for each index that may be renamed, the places that move together.  Columns stand side by side,
    one like the other, and number their values together.

    bits: of a state.  shifts, lows: of each actor where its field starts, and the bits of a number in it.
    most: the highest number of a local state that each actor may have.  column_width: of one column.
    layout: a number that changes when any field gets other bits.
    locals: the local states of actors by number.  constants: cells that are taken for constant, by place.
    looked: what some cells of a component, by place and names, hold together, by number.
    spare: bits that a field gets beyond what it needs, so that states are not packed anew too often.
    """

    def __init__(
        self,
        components: Sequence[Hashable],
        locals_: Sequence[Hashable],
        columns: Sequence[Sequence[int]] = (),
    ) -> None:
        self.actors = len(locals_)
        self.locals = Values(locals_[0])
        self.bits = self.column_width = self.layout = 0
        self.lows, self.shifts, self.most = [0] * self.actors, [0] * self.actors, [0] * self.actors
        self.mates = [[b for b, other in enumerate(locals_) if other == local] for local in locals_]
        self.spare = SPARE
        self.fields = [Field(Values(value)) for value in components]
        self.column: dict[int, int] = {}
        self.alike: list[tuple[int, ...]] = [(place,) for place in range(len(components))]
        for places in zip(*columns, strict=True):
            for index, place in enumerate(places):
                self.column[place], self.alike[place] = index, places
                self.fields[place].values = self.fields[places[0]].values
        self.cell_bits: dict[Cell, int] = {}
        self.looked: dict[tuple[int, tuple[str, ...]], Values] = {}
        self._looks: dict[tuple[int, tuple[str, ...]], Missing[int]] = {}
        self.constants: dict[int, dict[Cell, None]] = {}
        self.first_locals = [self.locals.number(local) for local in locals_]
        self.first = [self.number(place, value) for place, value in enumerate(components)]
        for actor, number in enumerate(self.first_locals):
            self._raise(actor, number)
            if number > self.lows[actor]:
                self.widen_locals(actor)
        for place, number in enumerate(self.first):
            while number > self.fields[place].low:
                self.widen(place)

    @property
    def start(self) -> int:
        """The initial state."""
        locals_ = sum(number << shift for number, shift in zip(self.first_locals, self.shifts, strict=True))
        return locals_ + sum(n << field.offset for n, field in zip(self.first, self.fields, strict=True))

    @property
    def local_bits(self) -> int:
        """The bits of all actors."""
        return (1 << self.local_width) - 1

    @property
    def local_width(self) -> int:
        """How many bits the actors have."""
        return self.shifts[-1] + self.lows[-1].bit_length()

    @property
    def local_room(self) -> int:
        """How many numbers fit into the widest field of an actor."""
        return max(self.lows) + 1

    @property
    def young(self) -> bool:
        """Whether it was not packed tightly yet."""
        return self.spare > LATER

    @property
    def known(self) -> int:
        """How many values are numbered."""
        return len(self.locals.values) + sum(len(field.values.values) for field in self.fields)

    # --- reading ----------------------------------------------------------------------------------------------

    def looks(self, cells: Iterable[Cell]) -> list[Look]:
        """Return the field of each component that cells are of, and for each number in it one of what these hold."""
        places: dict[int, tuple[str, ...]] = {}
        for place, name in cells:
            places[place] = (*places.get(place, ()), name)
        return [self._look(place, names) for place, names in places.items()]

    def _look(self, place: int, names: tuple[str, ...]) -> Look:
        field, found = self.fields[place], self._looks.get((place, names))
        if found is None:
            components = field.values.values

            def held(number: int) -> tuple[Any, ...]:
                values = [cell_value(components[number], name) for name in names]
                return tuple([(type(value), value) for value in values])

            numbers = self.looked.setdefault((place, names), Values(held(0)))
            found = self._looks[place, names] = Missing(lambda number: numbers.number(held(number)))
        return field, found

    def component(self, state: int, place: int) -> Any:
        """Return the component at a place in a state."""
        field = self.fields[place]
        return field.values.values[(state >> field.offset) & field.low]

    def peek(self, state: int) -> Callable[[Cell], Any]:
        """Return what tells what a cell holds in a state."""
        fields = self.fields

        def value(cell: Cell) -> Any:
            field = fields[cell[0]]
            return cell_value(field.values.values[state >> field.offset & field.low], cell[1])

        return value

    def local(self, state: int, actor: int) -> Any:
        """Return the local state of an actor."""
        return self.locals.values[self.local_number(state, actor)]

    def local_number(self, state: int, actor: int) -> int:
        """Return the number of an actor's local state."""
        return state >> self.shifts[actor] & self.lows[actor]

    def components(self, state: int) -> list[Any]:
        """Return all components of a state."""
        return [self.component(state, place) for place in range(len(self.fields))]

    # --- masks ------------------------------------------------------------------------------------------------

    def mask(self, places: Iterable[int]) -> int:
        """Return the bits of components in a state."""
        found = 0
        for place in places:
            found |= self.fields[place].mask
        return found

    def cells(self, cells: Iterable[Cell]) -> int:
        """Return a set of cells as an integer.  Its bits have nothing to do with those of a state.

        Each cell has two bits: one that it is touched, and above it one that it is changed.
        """
        found, bits = 0, self.cell_bits
        for cell in cells:
            if cell not in bits:
                bits[cell] = 1 << 2 * len(bits)
            found |= bits[cell]
        return found

    def changed_cells(self, cells: Iterable[Cell]) -> int:
        """Return a set of cells that are changed as an integer."""
        return self.cells(cells) << 1

    def named(self, cells: int) -> list[Cell]:
        """Return the cells of a set, touched or changed."""
        return [cell for cell, bit in self.cell_bits.items() if cells & 3 * bit]

    def is_constant(self, cell: Cell) -> bool:
        """Whether a cell has held one value only so far."""
        values = self.fields[cell[0]].values.values
        first = cell_value(values[0], cell[1])
        return all(cell_value(value, cell[1]) == first for value in values[1:])

    # --- writing ----------------------------------------------------------------------------------------------

    def reach(self, actor: int, number: int) -> None:
        """Let an actor have a local state of a number.  Raises Widened where its field has no room for that."""
        self._raise(actor, number)
        if number > self.lows[actor]:
            raise Widened(self.widen_locals(actor))

    def _raise(self, actor: int, number: int) -> None:
        for mate in self.mates[actor]:
            self.most[mate] = max(self.most[mate], number)

    def changes(self, state: int, written: Mapping[Cell, Any]) -> tuple[tuple[int, int], ...]:
        """Return the places whose components change when cells are written, with the numbers of the values.

        Raises Inconstant where a cell that was taken for constant would change.
        """
        changed: dict[int, dict[str, Any]] = {}
        for (place, name), value in written.items():
            changed.setdefault(place, {})[name] = value
        found = []
        for place, names in changed.items():
            field = self.fields[place]
            old = (state >> field.offset) & field.low
            number = self.number(place, changed_component(field.values.values[old], names))
            if number != old:
                found.append((place, number))
        return tuple(found)

    def number(self, place: int, value: Hashable) -> int:
        """Return the number of a value of a component.

        Raises Inconstant where a cell that was taken for constant holds something else in it.
        """
        values = self.fields[place].values
        known = len(values.values)
        number = values.number(value)
        if number == known:
            self._check_constants(place)
        return number

    def placed(self, place: int, value: Hashable) -> int:
        """Return the bits of a component with a value.  Raises Inconstant, and Widened where it has no room."""
        field, number = self.fields[place], self.number(place, value)
        if number > field.low:
            raise Widened(self.widen(place))
        return number << field.offset

    def moved(self, state: int, changes: Iterable[tuple[int, int]]) -> int:
        """Return what to add to a state so that components have other values.

        Raises Widened where a field has no room.
        """
        total = 0
        for place, number in changes:
            field = self.fields[place]
            if number > field.low:
                raise Widened(self.widen(place))
            total += (number - ((state >> field.offset) & field.low)) << field.offset
        return total

    def _check_constants(self, place: int) -> None:
        for other in self.alike[place]:
            for cell in self.constants.get(other, {}):
                if not self.is_constant(cell):
                    raise Inconstant(cell)

    def widen(self, place: int) -> tuple[Run, ...]:
        """Give a component, and those that are packed like it, more bits; return where they were inserted."""
        self.layout += 1
        places, before, more = self.alike[place], self.bits, 1 + self.spare
        positions = [self._insert(other, more) for other in reversed(places)]
        if place in self.column:
            self.column_width += more
        return tuple((position, more) for position in positions if position < before)

    def _insert(self, place: int, more: int) -> int:
        field = self.fields[place]
        position = field.offset + field.width
        if field.width == 0:
            field.offset = position = self._room(place)
        field.width += more
        field.low = (1 << field.width) - 1
        self._shift(position, more, field)
        return position

    def _room(self, place: int) -> int:
        """Return where a component without bits gets its first one: on top, or at the end of its column."""
        if place not in self.column:
            return self.bits
        return self.local_width + self.column_width * (self.column[place] + 1)

    def widen_locals(self, actor: int) -> tuple[Run, ...]:
        """Give an actor, and those that begin like it, room for what they may have; return where bits were inserted.

        Numbers are common to all actors: one that begins late may need many bits at once.
        """
        self.layout += 1
        more = max(1, self.most[actor].bit_length() - self.lows[actor].bit_length()) + self.spare
        positions = [self.shifts[mate] + self.lows[mate].bit_length() for mate in reversed(self.mates[actor])]
        for mate in self.mates[actor]:
            self.lows[mate] = (self.lows[mate] + 1 << more) - 1
        for position in positions:
            self._shift(position, more, None)
        self._line_up()
        return tuple((position, more) for position in positions)

    def _line_up(self) -> None:
        widths = [low.bit_length() for low in self.lows]
        self.shifts = list(accumulate(widths, initial=0))[:-1]

    def _shift(self, position: int, more: int, but: Field | None) -> None:
        self.bits += more
        for field in self.fields:
            if field.offset >= position and field.width and field is not but:
                field.offset += more

    def tighten(self) -> tuple[Run, ...]:
        """Take the spare bits back, and give fewer from here on; return where they were, highest first."""
        self.spare = LATER
        self.layout += 1
        self.lows = [(1 << most.bit_length()) - 1 for most in self.most]
        kept = sum(low << shift for low, shift in zip(self.lows, self.shifts, strict=True))
        for field in self.fields:
            field.width = min(field.width, _needed(field.values))
            field.low = (1 << field.width) - 1
            kept |= field.mask
        removed = tuple(bit for bit in reversed(range(self.bits)) if not kept >> bit & 1)
        for field in self.fields:
            field.offset -= sum(bit < field.offset for bit in removed)
        self._line_up()
        self.bits -= len(removed)
        self.column_width = sum(
            self.fields[place].width for place, index in self.column.items() if index == 0
        )
        return runs_of(removed)


def _needed(values: Values) -> int:
    """Return how many bits the numbers of values need."""
    return (len(values.values) - 1).bit_length()


def cell_value(component: Any, name: str) -> Any:
    """Return what a cell of a component holds."""
    fields = record_fields(type(component))
    if not name:
        return component if fields is None else type(component)
    return getattr(component, name) if fields is not None and name in fields else ABSENT


def changed_component(old: Any, names: Mapping[str, Any]) -> Any:
    """Return a component with some of its cells changed."""
    cls = names.get("", type(old) if record_fields(type(old)) else old)
    fields = record_fields(cls) if isinstance(cls, type) else None
    if fields is None:
        return cls
    return cls(**{name: names[name] if name in names else getattr(old, name) for name in fields})
