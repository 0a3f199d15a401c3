"""Several processes: large levels are expanded in parts.

A child is forked for each part but the first, so that it has all tables without a copy.  It never learns: what needs
a run of model code is left to the parent, because only the parent may number values.  A child that meets anything
out of the ordinary gives up, and the parent expands its part.  So the result does not depend on their number.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import attrs

from refmodel.engines.explorer.visited import Following, Level, packed

if TYPE_CHECKING:
    from refmodel.engines.explorer.arrays.rows import Index
    from refmodel.engines.explorer.search import Search

Expanded = tuple[Following, int]
"""States that follow, and the number of transitions."""


class Unlearned(Exception):
    """Model code would have to run, and may not."""


@attrs.frozen
class Part:
    """What a child found.

    following: states.  transitions: how many lead there.  left: states that the parent has to expand.
    """

    following: Sequence[int]
    transitions: int
    left: Sequence[int]


def able(jobs: int) -> bool:
    """Whether this system can have as many processes of one program."""
    return jobs > 1 and hasattr(os, "fork")


def expand_in_parts(
    search: Search, level: Sequence[int], jobs: int, expand: Callable[[Sequence[int]], Expanded]
) -> Expanded:
    """Return what follows a level.

    expand: does that for states in this process, and raises what the search has to know.
    """
    size = -(-len(level) // jobs)
    parts = [level[start : start + size] for start in range(0, len(level), size)]
    children = [_fork(search, part, expand) for part in parts[1:]]
    try:
        following, transitions = expand(parts[0])
        for part, (_, pipe) in zip(parts[1:], children, strict=True):
            found = _read(pipe)
            if found is not None:
                following.update(found.following)
                transitions += found.transitions
            more, count = expand(part if found is None else found.left)
            following.update(more)
            transitions += count
    finally:
        for child, pipe in children:
            _end(child, pipe)
    return following, transitions


def _fork(
    search: Search, part: Sequence[int], expand: Callable[[Sequence[int]], Expanded]
) -> tuple[int, int]:
    """Start a child; return its process id, and the pipe from which its result is read."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child takes no lock of another thread
        child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(_expanded(search, part, expand), pipe, protocol=5)
    finally:
        os._exit(0)


def _expanded(
    search: Search, part: Sequence[int], expand: Callable[[Sequence[int]], Expanded]
) -> tuple[Any, ...] | None:
    """Return, in the child, what follows the states that need no learning; None to give up."""
    known = search.packing.known
    try:
        following, transitions, left = (_rows_left if isinstance(part, Level) else _left)(
            search, part, expand
        )
    except Exception:  # the parent meets it again, and reports it
        return None
    if search.packing.known != known or not len(following):
        return None
    return following, transitions, left


def _left(
    search: Search, part: Sequence[int], expand: Callable[[Sequence[int]], Expanded]
) -> tuple[Any, ...]:
    """Leave out single states."""
    left: dict[int, None] = {}

    def leave(act: Any, state: int) -> tuple[tuple[int, ...], int]:
        left[state] = None
        return (), 0

    search.table.learn = leave  # type: ignore[method-assign]  # in the child only
    following, transitions = expand(part)
    if left:
        transitions -= expand(list(left))[1]
    states = cast("set[int]", following)
    return packed(states) if states else (), transitions, list(left)


def _rows_left(
    search: Search, part: Sequence[int], expand: Callable[[Sequence[int]], Expanded]
) -> tuple[Any, ...]:
    """Leave out whole portions: states that look alike to a step are looked up together."""

    def leave(act: Any, state: int) -> tuple[tuple[int, ...], int]:
        raise Unlearned

    search.table.learn = leave  # type: ignore[method-assign]  # in the child only
    assert search.expander is not None
    left: list[int] = []
    search.expander.left = left
    following, transitions = expand(part)
    return cast("Index", following).rows(), transitions, left


def _read(pipe: int) -> Part | None:
    with os.fdopen(os.dup(pipe), "rb") as file:
        try:
            found = pickle.load(file)
        except (EOFError, pickle.UnpicklingError):
            return None  # the child was ended from outside
    return None if found is None else Part(*found)


def _end(child: int, pipe: int) -> None:
    os.close(pipe)
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
