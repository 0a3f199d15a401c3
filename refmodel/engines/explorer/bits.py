"""Bits that are put into states, and taken out of them, when fields get wider or tighter."""

from __future__ import annotations

from collections.abc import Callable, Iterable

Run = tuple[int, int]
"""Bits that stand side by side: the position of the lowest, and how many there are."""


def runs_of(positions: Iterable[int]) -> tuple[Run, ...]:
    """Return positions that descend as runs, the highest first."""
    found: list[Run] = []
    for position in positions:
        if found and found[-1][0] == position + 1:
            found[-1] = position, found[-1][1] + 1
        else:
            found.append((position, 1))
    return tuple(found)


def change_bits(
    change: Callable[[Iterable[int], int, int], list[int]], runs: Iterable[Run], states: list[int]
) -> list[int]:
    """Return states with runs of bits inserted, or removed, from the highest to the lowest."""
    for position, count in runs:
        states = change(states, position, count)
    return states


def insert_bits(states: Iterable[int], position: int, count: int) -> list[int]:
    """Return states with zero bits inserted at a position."""
    low = (1 << position) - 1
    return [(n & low) | ((n & ~low) << count) for n in states]


def remove_bits(states: Iterable[int], position: int, count: int) -> list[int]:
    """Return states without the bits from a position on."""
    low = (1 << position) - 1
    return [(n & low) | (n >> count & ~low) for n in states]
