"""Violations: a property that a run broke, and the properties that every run has.

Besides the properties of the model, which are checked in its states, every run can break these:

* ``PROMISE``: a load gives the bytes of the last completed swap-out, or an error that has a cause;
* ``LIVE``: nothing is used after it was freed;
* ``BUG``: the kernel stops only where stored data cannot be decompressed;
* ``PROGRESS``: an operation that runs alone comes to its end;
* ``DEFINED``: a step is defined in every state in which it is reached.
"""

from __future__ import annotations

import linecache
from types import TracebackType
from typing import Any

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
    kind, found = _property_of(error), str(error)
    if kind == "DEFINED":
        found = f"{type(error).__name__}: {error}"
    if not found:
        found = f"this does not hold: {_failed_line(error)}"
    at = step_of(error)
    return Violation(kind, BUILT_IN[kind], found, f"{type(at[0]).__name__}.{at[1]}" if at else "")


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


def _traces(error: Exception) -> list[TracebackType]:
    traces, trace = [], error.__traceback__
    while trace is not None:
        traces.append(trace)
        trace = trace.tb_next
    return traces


def step_of(error: Exception) -> tuple[Operation, str] | None:
    """Return the operation and the step in which an exception was raised, if it was in one."""
    for trace in reversed(_traces(error)):
        owner: Any = trace.tb_frame.f_locals.get("self")
        name = trace.tb_frame.f_code.co_name
        if isinstance(owner, Operation) and name in owner.step_names:
            return owner, name
    return None


def _failed_line(error: Exception) -> str:
    """Return the assertion that raised an exception without words."""
    last = _traces(error)[-1]
    return linecache.getline(last.tb_frame.f_code.co_filename, last.tb_lineno).strip().removeprefix("assert ")
