"""Going ahead of a search, while little is lost by what turns out wrong.

A search that begins again loses what it has seen.  So it looks ahead, without keeping what it finds: for values that
fields need room for, and for what is not as it was taken for granted.  What fails there is left to the search, which
gets there by a shortest run.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from refmodel.engines.explorer.bits import change_bits, insert_bits
from refmodel.engines.explorer.granted import WRONG, correct
from refmodel.engines.explorer.packing import Widened

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search

SCOUTS = 64
"""States with which it goes ahead at a time."""

QUIET = 10
"""How often that teaches nothing before it ends."""

SCOUTED = 500
"""How often it goes ahead at most."""

AROUND = 80
"""How often it goes ahead where a search that is not young any more has to begin again."""


def scout(search: Search) -> bool:
    """Go ahead depth first from the last level.

    Returns whether all that was taken for granted still is; otherwise the search has to begin again, while it is small.
    """
    known, quiet = len(search.restarts), 0
    seen, waiting = set(search.visited.all()), list(search.visited.last)
    for _ in range(SCOUTED):
        runs = search.table.runs
        waiting += _ahead(search, waiting, seen)
        quiet = 0 if search.table.runs > runs else quiet + 1
        if quiet == QUIET or not waiting:
            break
    return len(search.restarts) == known


def look_around(search: Search, states: Sequence[int]) -> None:
    """Go ahead breadth first from where something turned out wrong: what is like it is mostly met near there."""
    waiting = list(states[: SCOUTS * AROUND])
    seen = set(waiting)
    for _ in range(AROUND):
        waiting[:0] = _ahead(search, waiting, seen)


def _ahead(search: Search, waiting: list[int], seen: set[int]) -> list[int]:
    """Take some states from the end of those that wait; return what they lead to and was not seen.

    They go on waiting where something was not as it was taken for granted, or a field got wider.
    """
    try:
        fresh = sorted(search.successors(waiting[-SCOUTS:], owners=search.reductions.merge) - seen)
    except Widened as wide:
        search.repack(wide)
        waiting[:] = change_bits(insert_bits, wide.inserts, waiting)
        widened = change_bits(insert_bits, wide.inserts, list(seen))
        seen.clear()
        seen.update(widened)
        return []
    except WRONG as wrong:
        correct(search, wrong)
        return []
    del waiting[-SCOUTS:]
    seen.update(fresh)
    return fresh
