"""A state is one integer, and stays the same state when fields get wider or tighter."""

from __future__ import annotations

from contextlib import suppress

import pytest

from refmodel.engines.explorer.bits import insert_bits, remove_bits
from refmodel.engines.explorer.packing import Packing, Widened


def changed(packing: Packing, states: list[int], state: int, place: int, value: object) -> int:
    """Return a state with another component; states that are kept are packed anew where a field gets wider."""
    states.append(state)
    while True:
        changes = packing.changes(states[-1], {(place, ""): value})
        try:
            after = states[-1] + packing.moved(states[-1], changes)
        except Widened as wide:
            for run in wide.inserts:
                states[:] = insert_bits(states, *run)
        else:
            states.pop()
            return after


def test_components_survive_wider_fields() -> None:
    """Each component keeps its value while others get more values than their fields have room for."""
    packing = Packing([0, 0, 0], ["idle", "idle"])
    states = [packing.start]
    for value in range(40):
        states.append(changed(packing, states, states[-1], value % 3, value))
    for number, state in enumerate(states):
        expected = [max((v for v in range(number) if v % 3 == place), default=0) for place in range(3)]
        assert packing.components(state) == expected


def test_columns_are_packed_alike() -> None:
    """Columns stand side by side; equal columns have equal bits, whatever comes between."""
    packing = Packing(["a", 0, "a", 0, "x"], ["idle"], columns=((0, 1), (2, 3)))
    states = [packing.start]
    first = ((0, "b"), (4, "y"), (3, 5), (1, 7), (2, "c"), (3, 6))
    then = ((1, 8), (4, "z"), (3, 9), (2, "b"), (3, 8))
    for place, value in (*first, *then):
        states.append(changed(packing, states, states[-1], place, value))
    packing_bits = packing.column_width
    state, low = states[-1], (1 << packing_bits) - 1
    start = packing.local_width
    assert packing.components(state) == ["b", 8, "b", 8, "z"]
    assert (state >> start) & low == (state >> start + packing_bits) & low
    assert all(packing.fields[a].width == packing.fields[b].width for a, b in ((0, 2), (1, 3)))


def test_tight_fields_hold_the_same_values() -> None:
    """Spare bits can be taken out of all states."""
    packing = Packing([0, 0, 0, 0], ["idle", "idle"], columns=((0, 1), (2, 3)))
    states = [packing.start]
    for value in range(6):
        states.append(changed(packing, states, states[-1], value % 4, value))
    before, bits = [packing.components(state) for state in states], packing.bits
    for run in packing.tighten():
        states[:] = remove_bits(states, *run)
    assert packing.bits < bits
    assert max(states).bit_length() <= packing.bits
    assert [packing.components(state) for state in states] == before


def test_different_actors_keep_their_places() -> None:
    """The initial state can be told at any time, however wide fields are."""
    packing = Packing([0], ["reader", "writer", "daemon"])
    states = [packing.start]
    changed(packing, states, states[-1], 0, 1)
    for number in range(20):
        try:
            packing.reach(1, packing.locals.number(f"local {number}"))
        except Widened as wide:
            for run in wide.inserts:
                states[:] = insert_bits(states, *run)
    assert states[0] == packing.start
    assert [packing.local(packing.start, actor) for actor in range(3)] == ["reader", "writer", "daemon"]


def test_an_actor_has_bits_for_what_it_does_itself() -> None:
    """Another that is idle all the time needs few; those that begin alike have as many as each other."""
    packing = Packing([0], ["task", "task", "device"])
    for number in range(100):
        with suppress(Widened):
            packing.reach(1, packing.locals.number(f"local {number}"))
    packing.tighten()
    assert [low.bit_length() for low in packing.lows] == [7, 7, 1]
    assert packing.local_width == packing.bits == 15


def test_an_actor_that_begins_late_gets_all_the_bits_that_it_needs_at_once() -> None:
    """Its first local state has a high number: the search asks for room once, and takes it that it has it then."""
    packing = Packing([0], ["idle", "waits"])
    packing.tighten()
    late = [packing.locals.number(f"local {value}") for value in range(50)][-1]
    with pytest.raises(Widened):
        packing.reach(1, late)
    assert packing.most[1] >= late
    assert packing.lows[1] >= late
