"""Indexes that are declared interchangeable are renamed, and refused if they are not interchangeable."""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import Any

import attrs
import pytest

from refmodel.engines.explorer.actors import Actors, Local, Program, Start
from refmodel.engines.explorer.comparing import CHECKED
from refmodel.engines.explorer.packing import Packing
from refmodel.engines.explorer.search import Reductions, Search
from refmodel.engines.explorer.symmetry import BrokenSymmetry, LocalNames, Order, Renaming, renamed_flight
from refmodel.machine import Next, step
from refmodel.machine.flight import freeze
from tests.explorer.protocol import Protocol, Slot, SwapOut, Zap
from tests.explorer.scope import parts

SCOPE = (2, 2, 2)


def run(protocol: Protocol, view: Any, starts: Any, names: Renaming) -> Search:
    """Search with the given starts and names."""
    actors = Actors([Program("task", starts)], [protocol.actors])
    counters = [f.start for f in protocol.layout.families if f.counter]
    return Search(view, actors, counters=counters, reductions=Reductions(names=names)).run()


def starts_of(protocol: Protocol) -> tuple[Start, ...]:
    """Return what an idle actor may start."""
    return tuple(Start(label, make) for label, make in protocol.starts)


@attrs.define
class Odd(Zap):
    """A zap that fails."""

    @step
    def drop_count(self, v: Any) -> Next:
        """Fail."""
        raise ValueError(f"slot {self.slot} is special")


def test_renaming_there_and_back_changes_nothing() -> None:
    """Other names of a state in normal form lead back to it."""
    protocol, view, _, names = parts(*SCOPE)
    search = run(protocol, view, starts_of(protocol), names)
    assert search.compared == CHECKED
    assert search.fitting(partial(wandering, search, (1, 0))) == []


def wandering(search: Search, order: Order) -> list[int]:
    """Return states that do not lead back to themselves when they are renamed."""
    names = search.names
    assert names is not None
    states, normal = list(search.visited.all())[:2_000], search.normal
    return [
        state for state in states if normal(state) != state or normal(names.renamed(state, order)) != state
    ]


def test_three_columns_have_one_least_form() -> None:
    """All six renamings of a state have the same normal form."""
    protocol, view, _, names = parts(3, 2, 1)
    search = run(protocol, view, starts_of(protocol), names)
    assert search.names is not None
    assert len(search.names.orders) == 6
    for order in search.names.orders:
        assert search.fitting(partial(wandering, search, order)) == []


def test_renamings_that_agree_on_what_a_local_state_mentions_share_the_answer() -> None:
    _, view, actors, names = parts(3, 2, 2)
    packing = Packing(view.snapshot(), actors.initial, names.columns)
    orders = list(permutations(range(3)))
    asked: list[Order] = []

    def local(local: Local, order: Order) -> Local:
        asked.append(order)
        return names.local(local, order)

    tables = LocalNames(attrs.evolve(names, local=local), packing, orders).tables
    idle = packing.locals.number(actors.initial[0])
    busy = packing.locals.number(attrs.evolve(actors.initial[0], flight=(freeze(Zap(0), "drop_count"),)))

    assert {table[idle] for table in tables} == {idle}
    assert len({table[busy] for table in tables}) == 3
    assert asked.count(orders[0]) == 2, "once for each, to see what it mentions"
    assert len(asked) == 2 + 2, "slot 0 is called 1 or 2, and nothing else is looked at"


def test_columns_stand_in_ascending_order() -> None:
    """The normal form has its columns sorted."""
    protocol, view, _, names = parts(*SCOPE)
    search = run(protocol, view, starts_of(protocol), names)
    assert search.names is not None
    (first, second), low = search.names.keys
    assert all((state >> first) & low <= (state >> second) & low for state in search.visited.all())


def test_a_scope_that_starts_asymmetric_is_refused() -> None:
    """The initial state must not change under other names."""
    protocol, view, _, names = parts(*SCOPE)
    view[protocol.at.slot[1]] = Slot(count=True)
    with pytest.raises(BrokenSymmetry, match="exchanging index 0 and index 1: the initial state changes"):
        run(protocol, view, starts_of(protocol), names)


def test_a_scope_that_allows_more_with_one_index_is_refused() -> None:
    """What can be done with one slot must be possible with every other."""
    protocol, view, _, names = parts(*SCOPE)
    starts = tuple(start for start in starts_of(protocol) if start.label != "slot 1: zap")
    with pytest.raises(BrokenSymmetry, match="changes what can follow it"):
        run(protocol, view, starts, names)


def test_a_reference_that_is_not_renamed_is_refused() -> None:
    """An entry names its slot; a renaming that forgets that is none."""
    protocol, view, _, names = parts(*SCOPE)
    with pytest.raises(BrokenSymmetry):
        run(protocol, view, starts_of(protocol), attrs.evolve(names, mentions=tuple(protocol.at.object)))


def test_a_local_state_that_is_not_renamed_is_refused() -> None:
    """An operation under way names its slot."""

    def forgets(local: Local, order: Order) -> Local:
        return local

    protocol, view, _, names = parts(*SCOPE)
    with pytest.raises(BrokenSymmetry):
        run(protocol, view, starts_of(protocol), attrs.evolve(names, local=forgets))


def test_a_renaming_under_which_a_step_fails_is_refused() -> None:
    """A step that fails under other names only would be missed."""

    def odd(view: Any) -> Zap | None:
        return Odd(0) if view[view.at.slot[0]].count else None

    protocol, view, _, names = parts(*SCOPE)
    starts = (*starts_of(protocol), Start("slot 0: odd", odd))
    with pytest.raises(BrokenSymmetry, match="slot 0 is special"):
        run(protocol, view, starts, names)


def test_columns_of_different_lengths_are_refused() -> None:
    """Columns are alike."""
    with pytest.raises(ValueError, match=r"columns of \[1, 2\] places: expected all of one length"):
        Renaming(((0, 1), (2,)), lambda local, order: local)


def test_a_column_may_mention_an_index() -> None:
    """Columns are sorted by what mentions none; ties are resolved by the least image."""
    protocol, view, _, names = parts(*SCOPE)
    told = attrs.evolve(
        names, mentions=(*names.mentions, *protocol.at.held), component=untouched_columns(names)
    )
    assert len(run(protocol, view, starts_of(protocol), told).visited) == 14_309


def untouched_columns(names: Renaming) -> Any:
    """Return a renaming of components that leaves those in columns as they are."""
    inside = {place for column in names.columns for place in column}

    def component(place: int, value: Any, order: Order) -> Any:
        return value if place in inside else names.component(place, value, order)

    return component


def test_only_live_fields_are_renamed() -> None:
    """A field that no later step reads holds its default under every name."""
    frame = freeze(SwapOut(slot=0), "unlock")
    (renamed,) = renamed_flight((frame,), lambda cls, name, value: 7 if name in ("slot", "entry") else value)
    fields = dict(zip((field.name for field in attrs.fields(SwapOut)), renamed[2], strict=True))
    assert (fields["slot"], fields["entry"]) == (7, 0)
