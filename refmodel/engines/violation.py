"""Violations: a property that a run broke, and the properties that every run has.

Besides the properties of the model, which are checked in its states, every run can break these:

* ``PROMISE``: a load gives the bytes of the last completed swap-out, or an error that has a cause;
* ``LIVE``: nothing is used after it was freed;
* ``BUG``: the kernel stops only where stored data cannot be decompressed;
* ``PROGRESS``: an operation that runs alone comes to its end;
* ``DEFINED``: a step is defined in every state in which it is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs

from refmodel.kernel.crypto import CorruptData
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import Operation, WouldBlock

BUILT_IN = {
    "PROMISE": "A load gives the bytes of the last completed swap-out, or an error that has a cause.",
    "LIVE": "Nothing is used after it was freed.",
    "BUG": "The kernel stops only where stored data cannot be decompressed.",
    "PROGRESS": "An operation that runs alone comes to its end.",
    "DEFINED": "A step is defined in every state in which it is reached.",
}
"""Sentences of the properties that every run has."""


class Property(Protocol):
    """What the engines need of a property (``refmodel.properties.property.Property``)."""

    @property
    def id(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def when(self) -> str: ...
    @property
    def check(self) -> Callable[..., str | None]: ...


@attrs.frozen
class Violation:
    """A broken property.

    property, sentence: its id and what it says.  found: what was found instead.
    where: "at rest", or the operation and step, for example ``ZswapLoad73.erase``.
    """

    property: str
    sentence: str
    found: str
    where: str


class Endless(Exception):
    """An operation took more steps than any that comes to an end."""


def of_error(error: Exception) -> Violation:
    """Return the violation that an exception in a step stands for."""
    kind = _property_of(error)
    found = str(error) or f"an assertion about the state failed: {_source_line(error)}"
    if kind == "DEFINED":
        found = f"{type(error).__name__}: {error}"
    return Violation(kind, BUILT_IN[kind], found, step_of(error))


def _property_of(error: Exception) -> str:
    match error:
        case KernelBug():
            return "BUG"
        case WouldBlock() | Endless():
            return "PROGRESS"
        case CorruptData():
            return "PROMISE"
        case LookupError() | AssertionError():
            return "LIVE"
    return "DEFINED"


def step_of(error: Exception) -> str:
    """Return the operation and step in which an exception was raised, as far as that is known."""
    where, trace = "", error.__traceback__
    while trace is not None:
        owner: Any = trace.tb_frame.f_locals.get("self")
        name = trace.tb_frame.f_code.co_name
        if isinstance(owner, Operation) and name in owner.step_names:
            where = f"{type(owner).__name__}.{name}"
        trace = trace.tb_next
    return where


def _source_line(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown place"
    import linecache

    return linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno).strip()
