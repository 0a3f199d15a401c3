"""Whether a scope is symmetric as it says: the first states of a search are expanded under other names too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from refmodel.engines.explorer.loop import Stuck
from refmodel.engines.explorer.symmetry import BrokenSymmetry, Normal
from refmodel.engines.explorer.transitions import StepFailed

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search

CHECKED = 200
"""States whose successors are compared under other names."""


def compare(search: Search) -> None:
    """Expand the first states under other names, those that were not yet.

    Raises BrokenSymmetry if that makes a difference.
    """
    names = search.names
    if names is None or search.compared >= CHECKED:
        return
    if search.compared == 0:
        names.check_start()
    last = search.visited.last
    start = max(0, search.compared - len(search.visited) + len(last))
    states = last[start : start + CHECKED - search.compared]
    _compare(search, names, states)
    search.compared += len(states)


def _compare(search: Search, names: Normal, states: Sequence[int]) -> None:
    try:
        expected = _followers(search, states)
    except (StepFailed, Stuck):
        for state in states if len(states) > 1 else ():  # of a single one the search reports it
            _compare(search, names, (state,))
        return
    try:
        names.check(states, expected, partial(_followers, search))
    except (StepFailed, Stuck) as error:
        raise BrokenSymmetry(
            f"the scope is not symmetric: under other names of the indexes a step fails ({error})"
        ) from error


def _followers(search: Search, states: Sequence[int]) -> list[set[int]]:
    """Return the normal forms of what each state leads to.  Raises what ``Search.expanded`` does."""
    found: list[int] = []
    ends = [0]

    def each() -> Iterator[int]:
        for state in states:
            yield state
            ends.append(len(found))

    waits = search.table.waits
    search.run_loop(each(), found, [0, 0], owners=search.reductions.merge, waits=waits)
    if search.table.waits and not waits:
        return _followers(search, states)
    return [search.normals(found[start:end]) for start, end in pairwise(ends)]
