"""What a search has seen: an exact set of states, and the states of each level."""

from __future__ import annotations

import sys
import zlib
from abc import abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Protocol

from refmodel.engines.explorer.bits import Run, change_bits, insert_bits, remove_bits
from refmodel.engines.explorer.packing import Packing

Storage = Literal["flat", "compact"]
"""How states are kept: as a set, or in little memory, which takes longer."""


class Following(Protocol):
    """States that follow others, each once."""

    def __len__(self) -> int: ...
    def update(self, more: Any, /) -> None:
        """Add states of the same form."""


class Level(Sequence[int]):
    """States of which something can be asked for all at once."""

    @abstractmethod
    def different(self, mask: int) -> Sequence[int]:
        """Return one state for each value of some bits."""

    @abstractmethod
    def where(self, mask: int, holds: Callable[[int], bool]) -> Sequence[int]:
        """Return the states for whose value of some bits something holds."""


@cache
def arrays_able() -> bool:
    """Whether states can be kept in arrays: the extra ``speed`` is installed."""
    from importlib.util import find_spec

    return find_spec("numpy") is not None


def different(states: Sequence[int], mask: int) -> Sequence[int]:
    """Return one of some states for each value of some bits."""
    if isinstance(states, Level):
        return states.different(mask)
    return list({state & mask: state for state in states}.values())


def where(states: Sequence[int], mask: int, holds: Mapping[int, bool]) -> Sequence[int]:
    """Return those of some states for whose value of some bits something holds."""
    if isinstance(states, Level):
        return states.where(mask, holds.__getitem__)
    return [state for state in states if holds[state & mask]]


class Visited:
    """The states that were seen, as a set.

    packing: of the states.

    levels: the states of each level, in the order in which they were found.
    in_arrays: whether states are kept in arrays.
    """

    in_arrays: ClassVar[bool] = False

    def __init__(self, packing: Packing) -> None:
        self.packing = packing
        self.levels: Sequence[Sequence[int]] = []
        self.listed: list[Sequence[int]] | Levels = []
        self.clear()
        self.take({packing.start})

    def __len__(self) -> int:
        return len(self.states)

    @property
    def depth(self) -> int:
        """The number of the last level."""
        return len(self.levels) - 1

    @property
    def last(self) -> Sequence[int]:
        """The states of the last level."""
        return self.levels[-1]

    @property
    def room(self) -> int:
        """Bytes that the next level may need at once, for a larger table."""
        return 2 * sys.getsizeof(self.states)

    def all(self) -> Iterator[int]:
        """Yield all states, level by level."""
        return (state for level in self.levels for state in level)

    def clear(self) -> None:
        """Forget all states."""
        self.states: set[int] = set()
        self.levels = self.listed = []

    def take(self, following: Any) -> bool:
        """Add the states that the last level leads to; return whether any had not been seen."""
        following = following - self.states  # in place it would go through all states
        if not following:
            return False
        self.states |= following
        self.listed.append(packed(following))
        return True

    def fill(self, levels: Iterable[Sequence[int]]) -> None:
        """Take levels that were kept elsewhere."""
        self.levels = self.listed = [packed(level) for level in levels]
        self.states = set(self.all())

    def repack(self, inserts: Sequence[Run]) -> None:
        """Insert zero bits into all states, from the highest to the lowest."""
        self._rewrite(insert_bits, inserts)

    def tighten(self, removed: Sequence[Run]) -> None:
        """Take bits out of all states, from the highest to the lowest."""
        self._rewrite(remove_bits, removed)

    def _rewrite(self, change: Callable[[Iterable[int], int, int], list[int]], runs: Sequence[Run]) -> None:
        if runs:
            self.fill(change_bits(change, runs, list(level)) for level in self.levels)


class Compact(Visited):
    """The states that were seen, grouped by their components: one string of bytes for each group.

    A group holds the local states of all actors, one after the other.  Levels are kept compressed, but the last.
    """

    def __len__(self) -> int:
        return self.count

    @property
    def room(self) -> int:
        """Bytes that the next level may need at once, for a larger table."""
        return 2 * sys.getsizeof(self.groups)

    def clear(self) -> None:
        """Forget all states."""
        self.groups: dict[int, bytes] = {}
        self.count = 0
        self.levels = self.listed = Levels()

    def take(self, following: Any) -> bool:
        """Add the states that the last level leads to; return whether any had not been seen."""
        fresh = self._add(following)
        if fresh:
            self.listed.append(packed(fresh))
        return bool(fresh)

    def fill(self, levels: Iterable[Sequence[int]]) -> None:
        """Take levels that were kept elsewhere."""
        kept = Levels()
        self.groups, self.count = {}, 0
        for level in levels:
            self._add(level)
            kept.append(packed(level))
        self.levels = self.listed = kept

    def _add(self, states: Iterable[int]) -> list[int]:
        """Add states; return those that had not been seen."""
        everyone = self.packing.local_bits
        code = "I" if everyone >> 32 == 0 else "Q"
        groups: dict[int, list[int]] = {}
        for state in states:
            locals_ = state & everyone
            groups.setdefault(state - locals_, []).append(locals_)
        fresh: list[int] = []
        for base, found in groups.items():
            before = self.groups.get(base, b"")
            if before:
                seen = set(array(code, before))
                found = [locals_ for locals_ in found if locals_ not in seen]
            if found:
                self.groups[base] = before + array(code, found).tobytes()
                fresh += [base + locals_ for locals_ in found]
        self.count += len(fresh)
        return fresh


class Levels(Sequence[Sequence[int]]):
    """Levels of states, all but the last compressed."""

    def __init__(self) -> None:
        self.squeezed: list[tuple[int, bytes]] = []
        self.last: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.squeezed) + bool(self.last)

    def __getitem__(self, number: int) -> Sequence[int]:  # type: ignore[override]  # nobody takes slices
        number = range(len(self))[number]
        return self.last if number == len(self.squeezed) else loosened(*self.squeezed[number])

    def append(self, level: Sequence[int]) -> None:
        """Add a level, and compress the one before."""
        if self.last:
            self.squeezed.append(squeezed(self.last))
        self.last = level


def squeezed(level: Sequence[int]) -> tuple[int, bytes]:
    """Return states compressed, with the bytes of one: neighbours in order begin alike."""
    size = max(1, (max(level).bit_length() + 7) // 8)
    return size, zlib.compress(b"".join([state.to_bytes(size, "big") for state in sorted(level)]), 1)


def loosened(size: int, data: bytes) -> Sequence[int]:
    """Return the states of a compressed level."""
    row = zlib.decompress(data)
    return packed(int.from_bytes(row[at : at + size], "big") for at in range(0, len(row), size))


def packed(states: Iterable[int]) -> Sequence[int]:
    """Return states in as little room as their size allows."""
    listed = list(states)
    return array("Q", listed) if max(listed).bit_length() <= 64 else listed


STORAGES: dict[Storage, type[Visited]] = {"flat": Visited, "compact": Compact}
