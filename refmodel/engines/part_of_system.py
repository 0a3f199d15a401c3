"""A small part of the system, built from any values: what one step does to it, whether a run leads there or not."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next


def part_of_system(components: Iterable[Any], *, cfg: Any = None, **places: Any) -> KernelView:
    """Return a system in which only some components are there.

    components: their values.  cfg: what the step reads of the configuration.  places: where the components stand, by
    the names that steps know them by.
    Nothing fails in it.  A step that needs another component fails.
    """
    at: Any = SimpleNamespace(**places)
    ops: Any = _Calls()
    nothing: Any = None
    return KernelView(components, at, cfg, ops, nothing)


def called(following: Next) -> Any:
    """Return the name and the arguments of the operation that a step calls, None if it calls none.

    following: what the step returned.
    """
    return following.operation if isinstance(following, Call) else None


class _Calls:
    """The table of operations: calling one returns its name and arguments."""

    def __getattr__(self, name: str) -> Any:
        """Return what makes the operation."""
        return lambda **arguments: (name, arguments)
