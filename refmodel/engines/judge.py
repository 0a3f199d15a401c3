"""Judging the states of an exploration: properties at rest, and properties between any two steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from refmodel.engines.explorer.missing import Missing
from refmodel.engines.explorer.progress import resting
from refmodel.engines.explorer.visited import different, where
from refmodel.engines.trial import broken_state
from refmodel.engines.violation import Violation
from refmodel.machine.recorder import Cell, Unkept
from refmodel.properties import Property, StateProperty
from refmodel.properties.index import LazyIndex

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search
    from refmodel.kernel.table import KernelView


class Unkeepable(int):
    """Stands for a counter that an exploration does not keep: looking at it is an error."""

    place: int

    def __new__(cls, place: int) -> Unkeepable:
        """Stand for the counter at a place."""
        made = super().__new__(cls, 0)
        made.place = place
        return made

    def _looked_at(self, *_: Any) -> Any:
        raise Unkept(self.place)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __floordiv__ = __mod__ = _looked_at
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __neg__ = __abs__ = _looked_at
    __index__ = __int__ = __repr__ = __str__ = __format__ = _looked_at

    def __hash__(self) -> int:
        return hash(self.place)


class Judge:
    """Judges states for a search.

    v: a system of the scope.  properties: what is to hold.  events: counters that only grow.
    every_step: also judge those properties that hold between any two steps, in every state.

    unjudged: ids of properties that cannot be judged in an exploration, which keeps no counts of events.
    """

    def __init__(
        self,
        v: KernelView,
        properties: Sequence[Property],
        events: frozenset[int],
        *,
        every_step: bool = True,
    ) -> None:
        self.v, self.events = v, events
        self.unjudged = [p.id for p in properties if not isinstance(p, StateProperty)]
        self.at_rest = [p for p in properties if isinstance(p, StateProperty)]
        self.steps = [_Watch(p) for p in self.at_rest if p.when == "step"] if every_step else []
        self.resting: set[int] = set()
        self.seen: set[int] = set()
        self.rests: Missing[bool] = Missing(bool)
        self.layout: tuple[Any, ...] = ()

    def __call__(self, search: Search, states: Sequence[int]) -> tuple[int, Violation] | None:
        """Return a state that lacks a property, with the violation, or None."""
        packing = search.packing
        # A search that begins again may keep the layout of states, but has judged none of them.
        fields = ((f.offset, f.width) for f in packing.fields if f.width)
        layout = len(search.restarts), *packing.lows, *fields
        if self.layout != layout:
            self.layout, self.rests = layout, resting(search)
            self.resting.clear()
            self.seen.clear()
        wrong = self._judged_step(search, states)
        if wrong is not None:
            return wrong
        for state in self._resting_states(search, states):
            self._load(search, state)
            found = self._judged(self.at_rest)
            if found is not None:
                return state, found
        return None

    def _judged_step(self, search: Search, states: Sequence[int]) -> tuple[int, Violation] | None:
        """Judge the properties that hold between any two steps, in states that look new to all of them together."""
        mask = search.packing.mask({place: None for watch in self.steps for place, _ in watch.cells})
        fresh = [state for state in different(states, mask) if state & mask not in self.seen]
        for watch in self.steps:
            known = len(watch.cells)
            wrong = watch.judge(search, fresh)
            if wrong is not None:
                return wrong
            if len(watch.cells) > known:
                self.seen.clear()
                return self._judged_step(search, states)
        self.seen.update([state & mask for state in fresh])
        return None

    def _resting_states(self, search: Search, states: Sequence[int]) -> list[int]:
        """Return states with no operation in flight whose components were not judged before."""
        everyone = search.packing.local_bits
        at_rest = different(where(states, everyone, self.rests), ~everyone)
        due = [state for state in at_rest if state & ~everyone not in self.resting]
        self.resting.update([state & ~everyone for state in due])
        return due

    def _judged(self, properties: Sequence[StateProperty]) -> Violation | None:
        try:
            return broken_state(self.v, properties)
        except Unkept as unkept:
            if unkept.place not in self.events:
                raise
        able = [prop for prop in properties if not self._counts_events(prop)]
        self.unjudged += [prop.id for prop in properties if prop not in able]
        self.at_rest = [prop for prop in self.at_rest if prop.id not in self.unjudged]
        return self._judged(able)

    def _counts_events(self, prop: StateProperty) -> bool:
        try:
            prop.check(self.v)
        except Unkept as unkept:
            return unkept.place in self.events
        return False

    def _load(self, search: Search, state: int) -> None:
        components = search.packing.components(state)
        for place in search.recorder.counters - search.recorder.kept:
            components[place] = Unkeepable(place)
        self.v.restore(tuple(components))


class _Watch:
    """One property that holds between any two steps, judged once for all states that look alike to it.

    cells: those that the property has been seen to look at.  known: the numbers of their values in states that have
    the property.
    """

    def __init__(self, prop: StateProperty) -> None:
        self.prop = prop
        self.cells: dict[Cell, None] = {}
        self.known: set[tuple[int, ...]] = set()

    def judge(self, search: Search, states: Sequence[int]) -> tuple[int, Violation] | None:
        """Return a state that lacks the property, with the violation, or None.

        It ends early where the property looks at more than before.
        """
        looks = search.packing.looks(self.cells)
        mask = search.packing.mask({place: None for place, _ in self.cells})
        for state in {state & mask: state for state in states}.values():
            key = tuple([numbers[state >> field.offset & field.low] for field, numbers in looks])
            if key in self.known:
                continue
            wrong, grew = self._look(search, state)
            if wrong is not None:
                return state, wrong
            if grew:
                self.known.clear()
                return None
            self.known.add(key)
        return None

    def _look(self, search: Search, state: int) -> tuple[Violation | None, bool]:
        recorder, view, prop = search.recorder, search.table.view, self.prop
        recorder.begin(search.packing.peek(state))
        try:
            wrong = prop.judge(LazyIndex(view))
        except Exception as error:
            wrong = f"the state is out of shape: {type(error).__name__}: {error}"
        search.table.watch(recorder.read)
        grew = not self.cells.keys() >= recorder.read.keys()
        self.cells |= recorder.read
        return None if wrong is None else Violation(prop.id, prop.sentence, wrong, "between two steps"), grew
