"""The recorder: a view that knows what a step read and wrote, field by field.

A *cell* is one field of one component: the place and the name of the field, or the place and "" for what
stands there at all (a plain value, or the class of a record).  Engines store states cell by cell, so two steps
that touch different fields of one record do not touch the same thing, and what a step depends on is known
exactly.

A record that is read through the recorder is a stand-in: an object of a subclass whose fields are looked up,
and thereby recorded, when they are asked for.  A copy made with ``evolve`` keeps what it did not change unread.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any

import attrs

from refmodel.machine.choice import first_answer
from refmodel.machine.remember import remembered
from refmodel.machine.view import View, ignore_event

Cell = tuple[int, str]
"""One field of one component: its place, and the name of the field or "" for a plain value or a class."""

ABSENT: Any = "absent"
"""What the cell of a field holds while another kind of value, or none, stands at the place."""


def cells_of(place: int, value: Any) -> dict[Cell, Any]:
    """Return the cells of a component and what they hold."""
    fields = record_fields(type(value))
    if fields is None:
        return {(place, ""): value}
    shape: dict[Cell, Any] = {(place, ""): type(value)}
    return shape | {(place, name): getattr(value, name) for name in fields}


@remembered
def record_fields(cls: type[Any]) -> tuple[str, ...] | None:
    """Return the names of the fields of a component class, or None for a class of plain values."""
    if not hasattr(cls, "_copied"):
        return None
    return tuple(field.name for field in attrs.fields(cls))


class Unkept(BaseException):
    """A step or a property looked at a counter that the engine does not keep.

    It is for the engine alone, so it passes by whoever handles errors of the model.  place: the counter's.
    """

    def __init__(self, place: int) -> None:
        super().__init__(f"the counter at place {place} is not kept")
        self.place = place


class Tally:
    """A counter that was read only to be incremented or decremented.

    Adding to it and storing the sum commutes with everybody else who does that.  Any other use looks at the
    value, and the recorder notes that.
    """

    __slots__ = ("added", "place", "recorder")

    def __init__(self, recorder: Recorder, place: int, added: int) -> None:
        self.recorder, self.place, self.added = recorder, place, added

    def __add__(self, other: Any) -> Any:
        if type(other) is int:
            return Tally(self.recorder, self.place, self.added + other)
        return self.value() + other

    def __sub__(self, other: Any) -> Any:
        if type(other) is int:
            return Tally(self.recorder, self.place, self.added - other)
        return self.value() - other

    def value(self) -> int:
        """Look at the counter."""
        found: int = self.recorder.look(self.place)
        return found + self.added

    def __radd__(self, other: Any) -> Any:
        return other + self.value()

    def __rsub__(self, other: Any) -> Any:
        return other - self.value()

    def __mul__(self, other: Any) -> Any:
        return self.value() * other

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self.value() // other

    def __rfloordiv__(self, other: Any) -> Any:
        return other // self.value()

    def __mod__(self, other: Any) -> Any:
        return self.value() % other

    def __neg__(self) -> int:
        return -self.value()

    def __index__(self) -> int:
        return self.value()

    def __bool__(self) -> bool:
        return bool(self.value())

    def __eq__(self, other: object) -> bool:
        return self.value() == other

    def __lt__(self, other: Any) -> bool:
        return bool(self.value() < other)

    def __le__(self, other: Any) -> bool:
        return bool(self.value() <= other)

    def __gt__(self, other: Any) -> bool:
        return bool(self.value() > other)

    def __ge__(self, other: Any) -> bool:
        return bool(self.value() >= other)

    def __hash__(self) -> int:
        return hash(self.value())

    def __repr__(self) -> str:
        return repr(self.value())


class Recorder:
    """What a recording view keeps beside the interface that steps use.

    places: how many components there are.  counters: places whose components are counters.
    kept: those of them that the engine stores.
    peek: returns what a cell holds in the state that the step runs in.
    read: cells whose value before the step was looked at.  written: cells that were given a value, with the
    value.  added: counters that were only added to, with the sum.
    touched: all of these but the last, which an engine may empty between two steps that run as one.
    """

    def __init__(self, places: int, counters: frozenset[int]) -> None:
        self.places, self.counters = places, counters
        self.kept: set[int] = set()
        self.peek: Callable[[Cell], Any] = lambda cell: ABSENT
        self.read: dict[Cell, None] = {}
        self.written: dict[Cell, Any] = {}
        self.added: dict[int, int] = {}
        self.touched: dict[Cell, None] = {}

    def begin(self, peek: Callable[[Cell], Any]) -> None:
        """Forget what was recorded; read from another state."""
        self.peek = peek
        self.read, self.written, self.added, self.touched = {}, {}, {}, {}

    def cell(self, cell: Cell) -> Any:
        """Return what a cell holds after what was written, and note that it was looked at."""
        if cell not in self.written:
            return self.original(cell)
        self.touched[cell] = None
        return self.written[cell]

    def original(self, cell: Cell) -> Any:
        """Return what a cell held before the step, and note that it was looked at."""
        self.read[cell] = self.touched[cell] = None
        return self.peek(cell)

    def look(self, place: int) -> int:
        """Return a counter, without what was added."""
        if place not in self.kept:
            raise Unkept(place)
        found: int = self.cell((place, ""))
        return found

    def get(self, place: int) -> Any:
        """Return the component at a place: a plain value, a stand-in for a record, a tally."""
        if place in self.counters:
            return Tally(self, place, self.added.get(place, 0))
        found = self.cell((place, ""))
        if not isinstance(found, type):
            return found
        make, names = stand_in(found)
        written = self.written
        then = {name: written[place, name] for name in names if (place, name) in written} if written else {}
        return make(self, place, then, {})

    def put(self, place: int, value: Any) -> None:
        """Write a component."""
        if place in self.counters:
            self._count(place, value)
            return
        if isinstance(value, StandIn) and value._place == place and self.cell((place, "")) is value._record:
            self._put_back(place, value)
            return
        value = plain(value)
        old = self.cell((place, ""))
        if isinstance(old, type) and old is not type(value):
            for name in record_fields(old) or ():
                self._write((place, name), ABSENT)
        for cell, new in cells_of(place, value).items():
            self._write(cell, new)

    def _put_back(self, place: int, value: StandIn) -> None:
        """Store a record that was read from the place: fields that nobody changed stay unread."""
        for name in record_fields(value._record) or ():
            if name in value._new:
                self._write((place, name), plain(value._new[name]))
            elif (place, name) in self.written:
                self._write((place, name), plain(getattr(value, name)))

    def _write(self, cell: Cell, value: Any) -> None:
        self.written[cell] = value
        self.touched[cell] = None

    def _count(self, place: int, value: Any) -> None:
        if isinstance(value, Tally) and value.place == place:
            if place in self.kept:
                self.added[place] = value.added
        else:
            self.added[place] = value - self.look(place)


class StandIn:
    """What all stand-ins for records have in common.

    then: fields that had been written when the record was read.  new: fields that this copy changes.
    """

    __slots__ = ()

    _record: type[Any]
    _recorder: Recorder
    _place: int
    _then: dict[str, Any]
    _new: dict[str, Any]


@remembered
def stand_in(cls: type[Any]) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """Return the maker of stand-ins for records of a component class, and the names of their fields."""
    names = record_fields(cls)
    assert names is not None

    def field(name: str) -> property:
        def get(self: Any) -> Any:
            if name in self._new:
                return self._new[name]
            return self._then[name] if name in self._then else self._recorder.original((self._place, name))

        def put(self: Any, value: Any) -> None:
            self._new[name] = value

        return property(get, put)

    def _copied(self: Any) -> Any:
        return make(self._recorder, self._place, self._then, dict(self._new))

    def __eq__(self: Any, other: object) -> Any:
        if type(other) is not cls and type(other) is not made:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __hash__(self: Any) -> int:
        return hash(plain(self))

    def __repr__(self: Any) -> str:
        return repr(plain(self))

    methods = {"_copied": _copied, "__eq__": __eq__, "__hash__": __hash__, "__repr__": __repr__}
    slots = {"__slots__": ("_new", "_place", "_recorder", "_then"), "_record": cls}
    made: type[Any] = type(
        cls.__name__, (StandIn, cls), slots | methods | {name: field(name) for name in names}
    )

    set_recorder, set_place, set_then, set_new = (
        setter(made, name) for name in ("_recorder", "_place", "_then", "_new")
    )
    create = object.__new__

    def make(recorder: Recorder, place: int, then: dict[str, Any], new: dict[str, Any]) -> Any:
        copy = create(made)
        set_recorder(copy, recorder)
        set_place(copy, place)
        set_then(copy, then)
        set_new(copy, new)
        return copy

    return make, names


def setter(cls: type[Any], name: str) -> Callable[[Any, Any], None]:
    """Return what sets an attribute of the instances of a class, whether they are frozen or not."""
    slot = getattr(cls, name, None)
    if isinstance(slot, MemberDescriptorType):
        return slot.__set__
    return lambda instance, value: object.__setattr__(instance, name, value)


_PLAIN = frozenset([int, str, bool, float, bytes, type(None)])


def plain(value: Any) -> Any:
    """Return a value with the stand-ins in it replaced by records, which reads all of their fields."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, StandIn):
        cls = value._record
        return cls(**{name: plain(getattr(value, name)) for name in record_fields(cls) or ()})
    if isinstance(value, Tally):
        return value.value()
    if isinstance(value, tuple):
        items = [plain(item) for item in value]
        if any(item is not old for item, old in zip(items, value, strict=True)):
            return tuple(items) if type(value) is tuple else type(value)(*items)
    return value


@remembered
def _recording(cls: type[View]) -> type[Any]:
    def __getitem__(self: Any, place: Any) -> Any:
        if isinstance(place, slice):
            return [self.recorder.get(p) for p in range(*place.indices(self.recorder.places))]
        return self.recorder.get(place)

    def __setitem__(self: Any, place: int, value: Any) -> None:
        self.recorder.put(place, value)

    methods = {"__getitem__": __getitem__, "__setitem__": __setitem__, "__slots__": ("recorder",)}
    return type(f"Recording{cls.__name__}", (cls,), methods)


def recording_view(view: View, recorder: Recorder) -> Any:
    """Return a view of the same class, with the same attributes, that reads and writes through a recorder."""
    made: Any = list.__new__(_recording(type(view)))
    for base in type(view).__mro__:
        for name in getattr(base, "__slots__", ()):
            setattr(made, name, getattr(view, name))
    for name, value in getattr(view, "__dict__", {}).items():
        setattr(made, name, value)
    made.recorder = recorder
    made.choose, made.emit = first_answer, ignore_event
    return made
