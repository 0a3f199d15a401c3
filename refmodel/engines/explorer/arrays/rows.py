"""Rows: many large numbers in arrays, and an exact table of them.

A row is a number of any length, cut into words of 64 bits.  Rows stand in one array for each word, lowest first, so
that one instruction of the array library does something to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from refmodel.engines.explorer.visited import Level

Word = NDArray[np.uint64]
"""One word of each of many rows."""

Numbers = NDArray[np.int64]
"""Numbers of rows, of values or of states."""

WORD = 64
_LOW = (1 << WORD) - 1
_MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
_ITERATED = 65_536


def width_of(bits: int) -> int:
    """Return how many words numbers of so many bits need."""
    return max(1, -(-bits // WORD))


def words_of(number: int, width: int) -> list[int]:
    """Return a number in ``width`` words, lowest first."""
    return [number >> WORD * w & _LOW for w in range(width)]


class Rows(Level):
    """Numbers as rows: a sequence of integers that takes no more than its bits.

    words: one array for each word, lowest first.
    """

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words

    @classmethod
    def of(cls, numbers: Iterable[int], width: int) -> Rows:
        """Return numbers as rows of ``width`` words."""
        listed = list(numbers)
        return cls([np.array([n >> WORD * w & _LOW for n in listed], dtype=np.uint64) for w in range(width)])

    def __len__(self) -> int:
        return len(self.words[0])

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> Rows: ...
    def __getitem__(self, at: int | slice) -> int | Rows:
        if isinstance(at, slice):
            return Rows([word[at] for word in self.words])
        return sum(int(word[at]) << WORD * w for w, word in enumerate(self.words))

    def __iter__(self) -> Iterator[int]:
        for start in range(0, len(self), _ITERATED):
            found = self.words[0][start : start + _ITERATED].tolist()
            for w, word in enumerate(self.words[1:], 1):
                more = word[start : start + _ITERATED].tolist()
                found = [low | high << WORD * w for low, high in zip(found, more, strict=True)]
            yield from found

    def masked(self, mask: int) -> list[Word]:
        """Return the words with some bits only."""
        bits = words_of(mask, len(self.words))
        return [word & np.uint64(each) for word, each in zip(self.words, bits, strict=True)]

    def chosen(self, which: NDArray[Any]) -> Rows:
        """Return rows by their places, or those for which something is true."""
        return Rows([word[which] for word in self.words])

    def different(self, mask: int) -> Rows:
        """Return the first row for each value of some bits."""
        return self.chosen(Index(len(self.words)).add(self.masked(mask)))

    def where(self, mask: int, holds: Callable[[int], bool]) -> Rows:
        """Return the rows for whose value of some bits something holds; it is asked once for each value."""
        index, words = Index(len(self.words)), self.masked(mask)
        index.add(words)
        answers = np.array([holds(value) for value in index.rows()], bool)
        return self.chosen(answers[index.find(words)])

    def widened(self, width: int) -> Rows:
        """Return the rows in at least as many words."""
        more = [np.zeros_like(self.words[0]) for _ in range(width - len(self.words))]
        return Rows([*self.words, *more])

    def inserted(self, position: int, count: int) -> Rows:
        """Return the rows with zero bits inserted at a position, fewer than a word; there has to be room."""
        lows = [np.uint64(low) for low in words_of((1 << position) - 1, len(self.words))]
        high = [word & ~low for word, low in zip(self.words, lows, strict=True)]
        found = [
            (word & low) | each << np.uint64(count)
            for word, low, each in zip(self.words, lows, high, strict=True)
        ]
        for w in range(1, len(found)):
            found[w] |= high[w - 1] >> np.uint64(WORD - count)
        return Rows(found)


def field_of(words: Sequence[Word], offset: int, low: int) -> Word:
    """Return the bits of a field of each row; the field may reach into the next word."""
    at, shift = divmod(offset, WORD)
    found = words[at] >> np.uint64(shift)
    if low << shift >> WORD:
        found = found | words[at + 1] << np.uint64(WORD - shift)
    return found & np.uint64(low)


class Index:
    """Rows without repetition, numbered as they come: an exact hash table.

    width: words of a row.  count: rows.
    """

    def __init__(self, width: int) -> None:
        self.width, self.count = width, 0
        self._kept: list[Word] = [np.empty(1024, np.uint64) for _ in range(width)]
        self._make(4096)

    def _make(self, room: int) -> None:
        self._slots = np.full(room, -1, np.int32)
        self._shift = np.uint64(WORD - (room.bit_length() - 1))

    def __len__(self) -> int:
        return self.count

    def rows(self, start: int = 0, end: int | None = None) -> Rows:
        """Return rows, those with numbers from one on to another, which is not among them."""
        return Rows([word[start : self.count if end is None else end] for word in self._kept])

    @property
    def bytes(self) -> int:
        """Bytes of memory that the table takes."""
        return self._slots.nbytes + sum(word.nbytes for word in self._kept)

    def update(self, more: Index | Rows) -> None:
        """Add rows."""
        self.add((more if isinstance(more, Rows) else more.rows()).words)

    def cut(self, count: int) -> None:
        """Forget the rows that were added last."""
        self._slots[self._slots >= count] = -1
        self.count = count

    def find(self, words: Sequence[Word]) -> Numbers:
        """Return the number of each row, -1 for one that is not there."""
        at = self._hashed(words)
        found = self._slots[at].astype(np.int64)
        same = self._same(found, words)
        left = np.flatnonzero(~same & (found >= 0))
        while left.size:
            at[left] = (at[left] + 1) & (len(self._slots) - 1)
            found[left] = self._slots[at[left]]
            same = self._same(found[left], [word[left] for word in words])
            left = left[~same & (found[left] >= 0)]
        return found

    def add(self, words: Sequence[Word]) -> Numbers:
        """Add rows; return which of them are new, each once, in the order of their numbers."""
        self._reserve(self.count + len(words[0]))
        at = self._hashed(words)
        left = np.arange(len(at))
        added: list[Numbers] = []
        while left.size:
            slots = at[left]
            found = self._slots[slots]
            empty = found < 0
            taken = self._take(left[empty], slots[empty], words)
            added.append(taken)
            found = self._slots[slots]  # those that lost a slot meet who won it
            other = ~self._same(found, [word[left] for word in words])
            left = left[other]
            at[left] = (at[left] + 1) & (len(self._slots) - 1)
        return np.concatenate(added) if added else np.empty(0, np.int64)

    def _take(self, rows: Numbers, slots: Numbers, words: Sequence[Word]) -> Numbers:
        """Give empty slots to rows, each to one; return the rows that got one."""
        claims = -2 - np.arange(len(rows), dtype=np.int32)
        self._slots[slots] = claims
        won = self._slots[slots] == claims
        rows, slots = rows[won], slots[won]
        end = self.count + len(rows)
        self._slots[slots] = np.arange(self.count, end, dtype=np.int32)
        for kept, word in zip(self._kept, words, strict=True):
            kept[self.count : end] = word[rows]
        self.count = end
        return rows

    def _same(self, numbers: NDArray[np.signedinteger], words: Sequence[Word]) -> NDArray[np.bool_]:
        """Whether kept rows are those; a number below 0 is no row."""
        same: NDArray[np.bool_] = numbers >= 0
        for kept, word in zip(self._kept, words, strict=True):
            same &= kept[numbers] == word
        return same

    def _hashed(self, words: Sequence[Word]) -> Numbers:
        mixed = words[0] * np.uint64(_MIX[0])
        for w, word in enumerate(words[1:], 1):
            mixed ^= mixed >> np.uint64(31)
            mixed += word * np.uint64(_MIX[w % len(_MIX)])
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(_MIX[1])
        return (mixed >> self._shift).astype(np.int64)

    def _reserve(self, count: int) -> None:
        """Make room for so many rows."""
        have = len(self._kept[0])
        if count > have:
            more = max(count, have + have // 2) - have
            self._kept = [np.concatenate([word, np.empty(more, np.uint64)]) for word in self._kept]
        if count * 5 > len(self._slots) * 3:
            self._make(1 << (count * 2 - 1).bit_length())
            self._fill()

    def _fill(self) -> None:
        """Put all rows into the slots again."""
        kept = [word[: self.count] for word in self._kept]
        at, left = self._hashed(kept), np.arange(self.count)
        while left.size:
            slots = at[left]
            empty = self._slots[slots] < 0
            self._slots[slots[empty]] = left[empty]
            left = left[self._slots[slots] != left]
            at[left] = (at[left] + 1) & (len(self._slots) - 1)
