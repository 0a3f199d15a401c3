"""Scopes that are explored in a second or two."""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.engines.command import Command
from refmodel.engines.scope import SMALL, Scope, Thread

SIZES = attrs.evolve(SMALL, slots=3)
"""Swap is never more than half full, so a fault leaves its slot alone."""

WRITE, READ, PAGEOUT = Command("write", (0, 0, 2)), Command("read", (0, 0)), Command("pageout", (0, 0, 1))
ZERO, SHRINK = Command("write", (0, 0, 0)), Command("shrinker_scan", (1, 0, 1))


def free(*commands: Command, number: int = 2, **more: Any) -> Scope:
    """Return a scope of tasks that choose from a menu."""
    thread = Thread("task", commands, free=True, number=number, times=more.pop("times", None))
    initial = (Command("shrinker_enabled", (1,)), *more.pop("before", ()))
    return Scope("small", (thread,), sizes=SIZES, initial=initial, **more)
