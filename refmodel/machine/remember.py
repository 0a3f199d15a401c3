"""Remembering what a function returned."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def remembered(function: Callable[P, R]) -> Callable[P, R]:
    """Compute each result once, as ``functools.cache`` does, and keep the signature for type checkers.

    For them a class is not hashable to the wrapper of ``cache`` when its instances are not.
    """
    wrapped: Any = cache(function)
    return wrapped  # type: ignore[no-any-return]  # its type would ask for hashable arguments
