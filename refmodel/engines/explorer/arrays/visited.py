"""What a search has seen, as rows of arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from refmodel.engines.explorer.arrays.rows import Index, Rows, width_of
from refmodel.engines.explorer.bits import Run
from refmodel.engines.explorer.visited import Visited


class VisitedRows(Visited):
    """The states that were seen, as rows in a table; levels follow each other in it."""

    in_arrays: ClassVar[bool] = True

    def __len__(self) -> int:
        return self.index.count

    @property
    def room(self) -> int:
        """Bytes that the next level may need at once, for a larger table."""
        return 2 * self.index.bytes

    def clear(self) -> None:
        """Forget all states."""
        self.index = Index(width_of(self.packing.bits))
        self.levels = self.rows = RowLevels(self)
        self.ends = [0]

    def take(self, following: set[int] | Index) -> bool:
        """Add the states that the last level leads to; return whether any had not been seen."""
        if isinstance(following, Index):
            rows = following.rows()
        else:
            rows = Rows.of(following, self.index.width)
        self.index.add(rows.words)
        fresh = self.index.count > self.ends[-1]
        if fresh:
            self.ends.append(self.index.count)
        return fresh

    def fill(self, levels: Iterable[Sequence[int]]) -> None:
        """Take levels that were kept elsewhere."""
        kept = [level if isinstance(level, Rows) else list(level) for level in levels]
        self.clear()
        for level in kept:
            rows = level if isinstance(level, Rows) else Rows.of(level, self.index.width)
            self.index.add(rows.words)
            self.ends.append(self.index.count)

    def repack(self, inserts: Sequence[Run]) -> None:
        """Insert zero bits into all states, from the highest to the lowest."""
        width = width_of(self.packing.bits)
        levels = [self.rows[number].widened(width) for number in range(len(self.rows))]
        for position, count in inserts:
            levels = [level.inserted(position, count) for level in levels]
        self.fill(levels)


class RowLevels(Sequence[Sequence[int]]):
    """The states of each level."""

    def __init__(self, visited: VisitedRows) -> None:
        self.visited = visited

    def __len__(self) -> int:
        return len(self.visited.ends) - 1

    def __getitem__(self, number: int) -> Rows:  # type: ignore[override]  # nobody takes slices
        number = range(len(self))[number]
        return self.visited.index.rows(*self.visited.ends[number : number + 2])
