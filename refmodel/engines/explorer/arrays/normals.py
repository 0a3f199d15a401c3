"""The normal forms of many states."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from refmodel.engines.explorer.arrays.memo import Table
from refmodel.engines.explorer.arrays.rows import WORD, Rows, Word, field_of, words_of

if TYPE_CHECKING:
    from refmodel.engines.explorer.search import Search


class Normals:
    """Brings many states into normal form."""

    def __init__(self, search: Search, width: int) -> None:
        self.width, self.names, self.packing = width, search.names, search.packing
        self.groups = [group for group in search.groups if len(group) > 1]
        if self.names is None or len(self.names.renaming.columns) == 1:
            self.names = None
            return
        self.choices = Table(width, self._choices)
        masks = (self.names.everyone, *self.names.masks)
        self.parts = [(mask, Table(width, partial(self._image, i, mask))) for i, mask in enumerate(masks)]

    def of(self, words: Sequence[Word]) -> Sequence[Word]:
        """Return the normal forms of states."""
        if self.names is not None:
            return self._renamed(words)
        return self._sorted(words) if self.groups else words

    def _sorted(self, words: Sequence[Word]) -> Sequence[Word]:
        """Return states with the local states of actors that are not told apart in ascending order."""
        found = list(words)
        for group in self.groups:
            low, shifts = self.packing.lows[group[0]], [self.packing.shifts[a] for a in group]
            locals_ = np.sort([field_of(words, shift, low) for shift in shifts], axis=0)
            for shift, local in zip(shifts, locals_, strict=True):
                for w, bits in enumerate(words_of(low << shift, self.width)):
                    if bits:
                        found[w] = found[w] & ~np.uint64(bits) | _at(local, shift - WORD * w)
        return found

    def _renamed(self, words: Sequence[Word]) -> Sequence[Word]:
        """Return the least of each state's names with the columns in ascending order."""
        assert self.names is not None
        names = self.names
        choice = self.choices.find(Rows(words).masked(names.sides), words)
        best: list[Word] = [np.zeros(0, np.uint64)]
        for k in range(self.choices.most(choice)):
            rows = np.flatnonzero(self.choices.counts.values[choice] > k)
            every = len(rows) == len(words[0])
            sub = words if every else [word[rows] for word in words]
            entry = self.choices.first.values[choice[rows]] + k
            order = self.choices.tags.values[entry]
            found = [column.values[entry] for column in self.choices.words]
            for mask, table in self.parts:
                part = table.find(Rows(sub).masked(mask), sub, order)
                for to, word in zip(found, table.words, strict=True):
                    to |= word.values[part]
            if k == 0:
                best = found
            else:
                less = _less(found, [word[rows] for word in best])
                for to, word in zip(best, found, strict=True):
                    to[rows[less]] = word[less]
        rest = Rows(words).masked(names.rest)
        return [word | other for word, other in zip(best, rest, strict=True)]

    def _image(self, part: int, mask: int, state: int, at: int) -> tuple[tuple[int, int]]:
        """Return the actors, or another part of a state, under other names."""
        assert self.names is not None
        return ((self.names.images[at][part][state & mask], 0),)

    def _choices(self, state: int, _: int) -> tuple[tuple[int, int], ...]:
        """Return the columns in ascending order, and the renamings that get there."""
        names = self.names
        assert names is not None
        sides = state & names.sides
        return tuple((names.columns(sides, at), at) for at in names.rising(sides))


def _at(values: Word, shift: int) -> Word:
    """Return values shifted to the left, or to the right by less than nothing."""
    return values << np.uint64(shift) if shift >= 0 else values >> np.uint64(-shift)


def _less(these: Sequence[Word], those: Sequence[Word]) -> NDArray[np.bool_]:
    """Whether numbers are less than others, word by word, the highest first."""
    less = np.zeros(len(these[0]), bool)
    for this, that in zip(these, those, strict=True):
        less = (this < that) | (this == that) & less
    return less
