"""The test protocol of the explorer has the known numbers of states, and its operations own what they say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.explorer.plain import Actor, State, explore, outcomes
from tests.explorer.protocol import Protocol, ProtocolView, SlotOperation, Violation

MIDDLE = (1, 2, 2)


@pytest.mark.parametrize(
    ("scope", "states", "transitions", "depth"), [((1, 1, 1), 56, 78, 18), (MIDDLE, 1647, 3784, 46)]
)
def test_the_state_space_has_the_known_size(
    scope: tuple[int, int, int], states: int, transitions: int, depth: int
) -> None:
    """TLA+, Promela and Python texts of this protocol agree on these numbers."""
    found = explore(Protocol(*scope))
    assert found.error is None
    assert (len(found.states), found.transitions, found.depth) == (states, transitions, depth)


@pytest.mark.parametrize(
    ("scope", "bug", "depth", "error"),
    [
        (MIDDLE, 1, 22, "decompressed an entry that is gone"),
        (MIDDLE, 2, 7, "stored/charge counter differs from the number of live entries"),
        (MIDDLE, 3, 3, "shrinker met an incoherent entry"),
        (MIDDLE, 4, 15, "page lost"),
        ((2, 2, 2), 1, 22, "decompressed an entry that is gone"),
        ((2, 2, 2), 2, 7, "stored/charge counter differs from the number of live entries"),
        ((2, 2, 2), 3, 3, "shrinker met an incoherent entry"),
        ((2, 2, 2), 4, 15, "page lost"),
    ],
)
def test_a_planted_bug_is_found_at_its_shortest_depth(
    scope: tuple[int, int, int], bug: int, depth: int, error: str
) -> None:
    """The depth counts the steps before the one that fails."""
    found = explore(Protocol(*scope, bug))
    assert (found.error, found.depth) == (error, depth)


# --- ownership ----------------------------------------------------------------------------------------------


class Watched(ProtocolView):
    """A view that remembers which places were touched."""

    __slots__ = ("touched",)

    def __init__(self, system: Protocol) -> None:
        super().__init__(system.initial, system.at, system.versions)
        self.touched: dict[int, None] = {}

    def __getitem__(self, place: Any) -> Any:
        self.touched[place] = None
        return super().__getitem__(place)

    def __setitem__(self, place: Any, value: Any) -> None:
        self.touched[place] = None
        super().__setitem__(place, value)


def step_name(actor: Actor) -> str:
    """Return how a report names the next step of an actor."""
    return f"{actor.operation.__name__}.{actor.step}" if actor else "idle"


def owned(v: ProtocolView, components: tuple[Any, ...], actor: Actor) -> list[int]:
    """Return the places that an actor owns before its next step."""
    if actor is None:
        return []
    v.restore(components)
    operation = actor.operation(*actor.fields)
    assert isinstance(operation, SlotOperation)
    return list(operation.owns(v, actor.step))


def touches(
    system: Protocol, states: tuple[State, ...]
) -> Iterator[tuple[State, int, dict[int, None], list[tuple[tuple[Any, ...], Actor]]]]:
    """Yield, for each state and actor, the places that its next step touches, and its outcomes."""
    v = Watched(system)
    for components, actors in states:
        for number, actor in enumerate(actors):
            v.touched, results = {}, []
            with suppress(Violation):
                results = outcomes(system, v, components, actor)
            yield (components, actors), number, v.touched, results


def breaches(bug: int) -> list[tuple[str, str, str]]:
    """Return each step that touches what another operation owns: that step, the place, the owner's step."""
    system = Protocol(*MIDDLE, bug)
    v, found = system.view(), dict[tuple[str, str, str], None]()
    for (components, actors), number, touched, _ in touches(system, explore(system).states):
        for other, owner in enumerate(actors):
            taken = owned(v, components, owner) if other != number else []
            for place in (place for place in taken if place in touched):
                name = step_name(actors[number]), system.layout.name(place), step_name(owner)
                found[name] = None
    return list(found)


def test_no_step_touches_what_another_operation_owns() -> None:
    """Ownership is exclusive: it covers reading too."""
    assert breaches(bug=0) == []


def test_the_entry_that_is_on_the_lru_too_early_is_touched_by_the_shrinker() -> None:
    """Bug 3 is a breach of ownership: an idle actor that starts to shrink reads the unpublished entry."""
    assert breaches(bug=3) == [("idle", "entry[1]", "AddsEarly.insert")]


def test_steps_that_keep_to_what_they_own_are_the_known_ones() -> None:
    """Counters belong to everybody.  These steps have one outcome and do not end their operation."""
    system = Protocol(*MIDDLE)
    counters = {place for place in range(len(system.initial)) if system.layout.family(place).counter}
    v, keeps = system.view(), dict[str, bool]()
    for (components, actors), number, touched, results in touches(system, explore(system).states):
        name, actor = step_name(actors[number]), actors[number]
        own = {*owned(v, components, actor), *counters}
        alone = own.issuperset(touched) and len(results) == 1 and results[0][1] is not None
        keeps[name] = keeps.get(name, True) and alone
    assert sorted(name for name, alone in keeps.items() if alone) == [
        "Invalidate.erase",
        "Invalidate.uncharge",
        "SwapIn.decompress",
        "SwapIn.erase",
        "SwapIn.read",
        "SwapIn.uncharge",
        "SwapOut.charge",
        "SwapOut.count",
        "SwapOut.erase",
        "SwapOut.uncharge",
        "Writeback.decompress",
        "Writeback.exchange",
        "Writeback.uncharge",
    ]
