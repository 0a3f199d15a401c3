"""Progress: whether a complete search has states from which rest can never be reached again.

A deadlock is such a state, and so is a row of retries that nothing can end.  Each pass goes through the levels from
the last to the first and marks states of which a successor is marked; it ends when a pass marks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from refmodel.engines.explorer.missing import Missing

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search


def trapped(search: Search) -> tuple[int, int] | None:
    """Return a first state from which no state at rest can be reached, with its level, or None.

    search: a complete one.
    """
    rests, everyone = resting(search), search.packing.local_bits
    marked: set[int] = {state for state in search.visited.all() if rests[state & everyone]}
    left = [[state for state in level if state not in marked] for level in search.visited.levels]
    before = -1
    while sum(map(len, left)) not in (0, before):
        before = sum(map(len, left))
        for number in reversed(range(len(left))):
            found = {state for state in left[number] if not marked.isdisjoint(search.successors([state]))}
            marked |= found
            left[number] = [state for state in left[number] if state not in found]
    return next(((states[0], number) for number, states in enumerate(left) if states), None)


def resting(search: Search) -> Missing[bool]:
    """Return whether nothing is in flight, by the bits of all actors; for as long as their fields have their width."""
    packing = search.packing
    values, fields = packing.locals.values, list(zip(packing.shifts, packing.lows, strict=True))
    return Missing(lambda locals_: not any(values[locals_ >> shift & low].flight for shift, low in fields))
