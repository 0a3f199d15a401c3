"""The protocol as a scope of the explorer: who runs what, what is checked, which indexes only name things."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations
from typing import Any

import attrs

from refmodel.engines.bench_subject import Subject
from refmodel.engines.explorer.actors import Actors, Local, Program, Start
from refmodel.engines.explorer.search import Reductions, Search
from refmodel.engines.explorer.symmetry import Order, Renaming, renamed_flight
from refmodel.machine import Operation
from tests.explorer.protocol import Protocol, ProtocolView

NOTHING = Reductions(actors=False, merge=False)
"""No reduction."""


def parts(
    slots: int, versions: int, actors: int, bug: int = 0
) -> tuple[Protocol, ProtocolView, Actors, Renaming]:
    """Return the protocol in a scope, its view, its actors, and what may be renamed."""
    protocol = Protocol(slots, versions, actors, bug)
    program = Program("task", tuple(Start(label, make) for label, make in protocol.starts))
    return protocol, protocol.view(), Actors([program], [actors]), renaming(protocol)


def build(slots: int, versions: int, actors: int, bug: int = 0) -> Subject:
    """Return the protocol as a benchmark explores it: of bugs 2 and 4, states at rest tell."""
    protocol, view, who, names = parts(slots, versions, actors, bug)
    check = counting(protocol) if bug in (2, 4) else None
    return Subject(view, who, names, counters_of(protocol), check)


def counters_of(protocol: Protocol) -> list[int]:
    """Return the places of counters."""
    families = [f for f in protocol.layout.families if f.counter]
    return [place for f in families for place in range(f.start, f.start + f.count)]


def renaming(protocol: Protocol) -> Renaming:
    """Return how slots are renamed: entries and objects mention them, and operations under way."""
    at = protocol.at
    columns = tuple(zip(at.slot, at.held, strict=True))
    return Renaming(columns, renamed_local, renamed_component, (*at.entry, *at.object))


def renamed_local(local: Local, order: Order) -> Local:
    """Return the local state of an actor under other names of the slots."""

    def rename(cls: type[Operation], name: str, value: Any) -> Any:
        return order[value] if name == "slot" else value

    return attrs.evolve(local, flight=renamed_flight(local.flight, rename))


def renamed_component(place: int, value: Any, order: Order) -> Any:
    """Return an entry, or an object, under other names of the slots."""
    if value is None or value.slot is None:
        return value
    return attrs.evolve(value, slot=order[value.slot])


def all_reductions(protocol: Protocol) -> Reductions:
    """Return all reductions."""
    return Reductions(names=renaming(protocol))


def checked(protocol: Protocol) -> Callable[[Search, Sequence[int]], tuple[int, str] | None]:
    """Return what judges the states of a level in which no operation is under way."""
    view = protocol.view()

    def check(search: Search, states: Sequence[int]) -> tuple[int, str] | None:
        for state in states:
            if not state & search.packing.local_bits:
                view.restore(tuple(search.packing.components(state)))
                wrong = protocol.at_rest(view)
                if wrong:
                    return state, wrong
        return None

    return check


def search_of(
    scope: Sequence[int], reductions: Reductions | str = NOTHING, *, judged: bool = False, **options: Any
) -> Search:
    """Return a search of the protocol that has not begun.

    scope: slots, versions, actors, and the number of a planted bug.  reductions: "all" for all of them.
    judged: whether states at rest are; otherwise counters are kept by nobody.
    """
    protocol, view, actors, _ = parts(*scope)
    return Search(
        view,
        actors,
        counters=counters_of(protocol),
        reductions=all_reductions(protocol) if isinstance(reductions, str) else reductions,
        check=counting(protocol) if judged else None,
        **options,
    )


def counting(protocol: Protocol) -> Callable[[Search, Sequence[int]], tuple[int, str] | None]:
    """Return the check of states at rest, which has the search keep the counters that it looks at."""
    check = checked(protocol)
    counters = counters_of(protocol)

    def kept(search: Search, states: Sequence[int]) -> tuple[int, str] | None:
        for place in counters:
            search.recorder.look(place)
        return check(search, states)

    return kept


def at_rest_up_to_names(search: Search) -> frozenset[str]:
    """Return the components of all states at rest, each in the least of its forms under other names."""
    names = renaming(Protocol(*_scope(search)))
    everyone, packing = search.packing.local_bits, search.packing
    resting = {state for state in search.visited.all() if not state & everyone}
    return frozenset(min(_forms(names, packing.components(state))) for state in resting)


def _scope(search: Search) -> tuple[int, int, int]:
    view: Any = search.view
    return len(view.at.slot), view.versions, search.packing.actors


def _forms(names: Renaming, components: list[Any]) -> list[str]:
    forms = []
    for order in permutations(range(len(names.columns))):
        renamed = list(components)
        for place in names.mentions:
            renamed[place] = renamed_component(place, components[place], order)
        for index, column in enumerate(names.columns):
            for source, target in zip(column, names.columns[order[index]], strict=True):
                renamed[target] = components[source]
        forms.append(repr(renamed))
    return forms
