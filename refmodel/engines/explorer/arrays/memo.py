"""Memos: what is known for the values of some bits of a state, asked for many states at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refmodel.engines.explorer.arrays.rows import Index, Numbers, Rows, Word, words_of
from refmodel.engines.explorer.packing import Packing


class Grown:
    """An array that grows at its end."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._all, self.count = np.empty(256, kind), 0

    def extend(self, values: Sequence[int] | Word) -> None:
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


class LocalMemo(Memo, ABC):
    """A memo whose keys depend on a local state: on which bits is told by masks, and learned while it is asked.

    masks: by local state, the bits that a key has.  depends: by local state, the bits of components that were known to
    matter when the mask was made.
    """

    def __init__(self, packing: Packing, width: int) -> None:
        super().__init__(width, self._asked)
        self.masks = [np.zeros(packing.local_room, np.uint64) for _ in range(width)]
        self.depends: dict[int, int] = {}
        self.grew = False
        self.clear()

    def clear(self) -> None:
        """Forget all answers."""
        self.index = Index(self.index.width)

    @abstractmethod
    def mask(self, local: int) -> int:
        """Return the bits of components that are known to matter to a local state."""

    def own(self, local: int) -> int:
        """Return the bits that a key has besides."""
        return 0

    @abstractmethod
    def local(self, state: int, tag: int) -> int:
        """Return the local state for which is asked."""

    @abstractmethod
    def learn(self, state: int, local: int) -> Any:
        """Return the answer for a state; this may show that more bits matter."""

    def admit(self, local: int) -> None:
        """Make the mask of a local state."""
        self.depends[local] = self.mask(local)
        bits = words_of(self.depends[local] | self.own(local), len(self.masks))
        for word, each in zip(self.masks, bits, strict=True):
            word[local] = each

    def refresh(self) -> None:
        """Forget all answers if more was found to matter by somebody else."""
        grown = [local for local, mask in self.depends.items() if self.mask(local) != mask]
        for local in grown:
            self.admit(local)
        if grown:
            self.clear()

    def answers(self, states: Sequence[Word], locals_: Word, tags: Numbers | None = None) -> Numbers:
        """Return the numbers of the answers for states."""
        while True:
            keys = [state & mask[locals_] for state, mask in zip(states, self.masks, strict=True)]
            self.grew = False
            found = self.find(keys, states, tags)
            if not self.grew:
                return found
            self.clear()  # what was learned depends on more than was known

    def _asked(self, state: int, tag: int) -> Any:
        local = self.local(state, tag)
        found = self.learn(state, local)
        if self.mask(local) != self.depends[local]:
            self.grew = True
            self.admit(local)
        return found


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
            to.extend(word)


def starts(first: int, counts: Sequence[int]) -> list[int]:
    """Return where each of some rows of values starts that follow each other."""
    return [first + before for before in accumulate(counts, initial=0)][:-1]
