"""Memos: what is known for the values of some bits of a state, asked for many states at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refmodel.engines.explorer.arrays.rows import Index, Numbers, Rows, Word


class Grown:
    """An array that grows at its end."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._all, self.count = np.empty(256, kind), 0

    def extend(self, values: Sequence[int]) -> None:
        """Put values at the end."""
        end = self.count + len(values)
        if end > len(self._all):
            self._all = np.concatenate([self._all, np.empty(max(end, len(self._all)), self._all.dtype)])
        self._all[self.count : end] = values
        self.count = end

    @property
    def values(self) -> NDArray[Any]:
        """All values."""
        return self._all[: self.count]


class Memo:
    """What is known for the values of some bits of a state, and a tag beside them.

    ask: given one state and the tag, returns what to remember of it; what that depends on is the key.
    """

    def __init__(self, width: int, ask: Callable[[int, int], Any]) -> None:
        self.index, self.ask = Index(width + 1), ask

    def find(self, keys: Sequence[Word], states: Sequence[Word], tags: Numbers | None = None) -> Numbers:
        """Return the numbers of the answers for keys; ask for those that are new."""
        tag = np.zeros(len(keys[0]), np.uint64) if tags is None else tags.astype(np.uint64)
        words = [*keys, tag]
        found = self.index.find(words)
        missing = np.flatnonzero(found < 0)
        if missing.size:
            before = self.index.count
            new = missing[self.index.add([word[missing] for word in words])]
            asked = Rows([word[new] for word in states])
            try:
                answers = [self.ask(state, t) for state, t in zip(asked, tag[new].tolist(), strict=True)]
            except BaseException:
                self.index.cut(before)
                raise
            self.noted(answers)
            found[missing] = self.index.find([word[missing] for word in words])
        return found

    def noted(self, answers: list[Any]) -> None:
        """Answers were added."""


class Table(Memo):
    """Numbers, one or several, for the values of some bits of a state.

    first, counts: where the numbers of an answer stand.  words: the numbers.  tags: what stands beside each.
    """

    def __init__(self, width: int, ask: Callable[[int, int], Any]) -> None:
        super().__init__(width, ask)
        self.first, self.counts, self.tags = Grown(np.int64), Grown(np.int64), Grown(np.int64)
        self.words = [Grown(np.uint64) for _ in range(width)]

    def most(self, numbers: Numbers) -> int:
        """Return the most numbers that any of some answers has."""
        return int(self.counts.values[numbers].max(initial=0))

    def noted(self, answers: list[Any]) -> None:
        """Note the numbers of new answers."""
        counts = [len(answer) for answer in answers]
        self.first.extend(starts(self.tags.count, counts))
        self.counts.extend(counts)
        flat = [each for answer in answers for each in answer]
        self.tags.extend([tag for _, tag in flat])
        for to, word in zip(self.words, Rows.of((n for n, _ in flat), len(self.words)).words, strict=True):
            to.extend(word)  # type: ignore[arg-type]  # an array is as good as a list here


def starts(first: int, counts: Sequence[int]) -> list[int]:
    """Return where each of some rows of values starts that follow each other."""
    return [first + before for before in accumulate(counts, initial=0)][:-1]
