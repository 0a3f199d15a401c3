"""Progress: whether a complete search has states from which rest can never be reached again.

A deadlock is such a state, and so is a row of retries that nothing can end.  Each pass goes through the levels from
the last to the first and marks states of which a successor is marked; it ends when a pass marks nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from refmodel.engines.explorer.search import Search

Resting = Callable[[int], bool]
"""Whether nothing is in flight in a state."""


def trapped(search: Search) -> tuple[int, int] | None:
    """Return a first state from which no state at rest can be reached, with its level, or None.

    search: a complete one.
    """
    rests = resting(search)
    marked: set[int] = {state for state in search.visited.all() if rests(state)}
    left = [[state for state in level if state not in marked] for level in search.visited.levels]
    before = -1
    while sum(map(len, left)) not in (0, before):
        before = sum(map(len, left))
        for number in reversed(range(len(left))):
            found = {state for state in left[number] if not marked.isdisjoint(search.successors([state]))}
            marked |= found
            left[number] = [state for state in left[number] if state not in found]
    return next(((states[0], number) for number, states in enumerate(left) if states), None)


def resting(search: Search) -> Resting:
    """Return what tells whether nothing is in flight in a state."""
    packing = search.packing
    idle = [not local.flight for local in packing.locals.values]
    width, low, everyone = packing.width, (1 << packing.width) - 1, packing.local_bits
    known: dict[int, bool] = {}

    def rests(state: int) -> bool:
        ls = state & everyone
        if ls not in known:
            known[ls] = all(idle[(ls >> width * actor) & low] for actor in range(packing.actors))
        return known[ls]

    return rests
