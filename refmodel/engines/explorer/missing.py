"""A dictionary that asks a function for what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")


class Missing(dict[int, V], Generic[V]):
    """A dictionary that asks a function for what it lacks, and remembers the answer.

    ask: given the key, returns the value.
    """

    __slots__ = ("ask",)

    def __init__(self, ask: Callable[[int], V]) -> None:
        super().__init__()
        self.ask = ask

    def __missing__(self, key: int) -> V:
        found = self[key] = self.ask(key)
        return found
