"""The way to a state: which actor took which transition, found again level by level.

The search keeps no parents.  A predecessor is found by expanding the level before again; a chain of
representatives is then replayed forward once from the initial state, which gives every actor one name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from refmodel.engines.explorer.actors import Local
from refmodel.engines.explorer.search import Found, Search
from refmodel.engines.explorer.transitions import Outcome, StepFailed
from refmodel.machine import ChoicePoint, Operation

_CHUNK = 4096
"""States that are expanded together while a predecessor is looked for."""


@attrs.frozen
class Turn:
    """What one actor does before another may.

    actor: its number.  start: number of what it starts, -1 where it goes on.
    steps: the steps that run: operation class and name.
    points: the choices on the way, with the number of the option and the option.
    state: the state afterwards.
    failed: the error of the last step, which has no state afterwards.
    """

    actor: int
    start: int
    steps: tuple[tuple[type[Operation], str], ...]
    points: tuple[tuple[ChoicePoint, int, Any], ...]
    state: int
    failed: Exception | None = None


def way_to(search: Search, found: Found) -> list[Turn]:
    """Return the turns that lead from the initial state to what was found."""
    turns, state = way_to_state(search, found.state, found.depth)
    if found.kind != "step":
        return turns
    return [*turns, _last_turn(search, state, found)]


def way_to_state(search: Search, state: int, depth: int) -> tuple[list[Turn], int]:
    """Return the turns that lead to a state of a level, and the state with the names that they give."""
    chain = [state]
    level = search.agenda.parents[depth]
    while level >= 0:
        chain.append(_predecessor(search, chain[-1], level))
        level = search.agenda.parents[level]
    chain.reverse()
    at, turns = chain[0], []
    for wanted in chain[1:]:
        turn = next(turn for turn in _turns(search, at) if search.normal(turn.state) == wanted)
        turns.append(turn)
        at = turn.state
    return turns, at


def _predecessor(search: Search, state: int, level: int) -> int:
    states = list(search.visited.levels[level])
    for start in range(0, len(states), _CHUNK):
        chunk = states[start : start + _CHUNK]
        if state in search.successors(chunk):
            while len(chunk) > 1:
                half = len(chunk) // 2
                chunk = chunk[:half] if state in search.successors(chunk[:half]) else chunk[half:]
            return chunk[0]
    raise LookupError(f"state {state:#x} has no predecessor in level {level}")


def _moves(search: Search, state: int) -> Iterator[tuple[int, Local, int]]:
    for actor in range(search.packing.actors):
        local: Local = search.packing.local(state, actor)
        for action in search.actors.actions(local):
            yield actor, local, action


def _turns(search: Search, state: int) -> Iterator[Turn]:
    for actor, local, action in _moves(search, state):
        try:
            outcomes = search.table.explain(local, action, state)
        except StepFailed:
            continue
        for outcome in outcomes:
            yield _turn(search, actor, local, action, outcome)


def _turn(search: Search, actor: int, local: Local, action: int, outcome: Outcome) -> Turn:
    packing = search.packing
    before, after = packing.locals.number(local), packing.locals.number(outcome.local)
    packing.reach(actor, after)
    return Turn(
        actor=actor,
        start=action,
        steps=outcome.steps,
        points=outcome.points,
        state=outcome.state + (after - before << packing.shifts[actor]),
    )


def _last_turn(search: Search, state: int, found: Found) -> Turn:
    for actor, local, action in _moves(search, state):
        try:
            search.table.explain(local, action, state)
        except StepFailed as failed:
            return Turn(actor, action, failed.steps, failed.points, state, failed.error)
    raise LookupError(f"state {state:#x}: no step fails there, but one did: {found.what}")
