"""What is expanded next: the whole last level, or the newest states first.

Breadth first gives shortest runs.  Depth first meets deep states early, and gives runs that may be long.  Either
way the states that were found together are kept together, with the number of the level that they were found
from, which is all that is needed to find a way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Order = Literal["breadth", "depth"]

PORTION = 256
"""States that are expanded together depth first."""


class Agenda:
    """Which states wait to be expanded.

    parents: for each level the level that its states were found from, -1 for the first.
    depths: for each level the transitions of its states' runs.  deepest: the most of them.
    at: the level whose states are being expanded.
    waiting: levels with states that are to be expanded, and how many of each, those that come first last.
    left_out: the same of levels that were left out.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.parents = [-1]
        self.depths = [0]
        self.deepest = 0
        self.at = 0
        self.waiting: list[tuple[int, int]] = [(0, 1)]
        self.left_out: list[tuple[int, int]] = []

    def portion(self, levels: Sequence[Sequence[int]]) -> Sequence[int]:
        """Return the states to expand, nothing where all were; asked again, the same."""
        if not self.waiting:
            return ()
        self.at, end = self.waiting[-1]
        return levels[self.at][self._from(end) : end]

    def _from(self, end: int) -> int:
        return 0 if self.order == "breadth" else max(0, end - PORTION)

    def expanded(self, fresh: int) -> None:
        """The portion was expanded; so many states of a new level came out of it."""
        at, end = self.waiting.pop()
        if self._from(end):
            self.waiting.append((at, self._from(end)))
        if fresh:
            self.parents.append(at)
            self.depths.append(self.depths[at] + 1)
            self.deepest = max(self.deepest, self.depths[-1])
            self.waiting.append((len(self.parents) - 1, fresh))

    def leave_out(self) -> None:
        """Leave out what is left of the level that comes next."""
        self.left_out.append(self.waiting.pop())

    def resume(self) -> None:
        """Go on with what was left out, too: another search may leave out less."""
        self.waiting, self.left_out = [*self.left_out, *self.waiting], []
