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
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.parents = [-1]
        self.depths = [0]
        self.deepest = 0
        self.at = 0
        self._waiting: list[tuple[int, int]] = [(0, 1)]

    def portion(self, levels: Sequence[Sequence[int]]) -> Sequence[int]:
        """Return the states to expand, nothing where all were; asked again, the same."""
        if not self._waiting:
            return ()
        self.at, end = self._waiting[-1]
        return levels[self.at][self._from(end) : end]

    def _from(self, end: int) -> int:
        return 0 if self.order == "breadth" else max(0, end - PORTION)

    def expanded(self, fresh: int) -> None:
        """The portion was expanded, or is left out; so many states of a new level came out of it."""
        at, end = self._waiting.pop()
        if self._from(end):
            self._waiting.append((at, self._from(end)))
        if fresh:
            self.parents.append(at)
            self.depths.append(self.depths[at] + 1)
            self.deepest = max(self.deepest, self.depths[-1])
            self._waiting.append((len(self.parents) - 1, fresh))

    def resume(self, sizes: Sequence[int]) -> None:
        """Go on breadth first after levels of the given sizes."""
        self.parents = list(range(-1, len(sizes) - 1))
        self.depths = list(range(len(sizes)))
        self.deepest = len(sizes) - 1
        self._waiting = [(len(sizes) - 1, sizes[-1])]
