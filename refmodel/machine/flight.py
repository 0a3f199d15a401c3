"""Operations in flight as plain data: what an engine keeps of an operation between two of its steps.

An operation in flight is a stack of frames, the running operation first.  A frame is the class of an operation,
the name of the step that comes next, and the values of its fields; a field that no later step reads holds its
default.  So equal flights have equal futures.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

import attrs

from refmodel.machine.liveness import live_fields
from refmodel.machine.operation import Call, Operation, Return, Wait
from refmodel.machine.recorder import plain, setter
from refmodel.machine.remember import remembered

Frame = tuple[type[Operation], str, tuple[Any, ...]]
"""Class of the operation, name of the step that comes next, values of its fields in order."""

Flight = tuple[Frame, ...]
"""The frames of an operation in flight: the running operation first, its callers after it."""


@attrs.frozen
class Landed:
    """An operation that came to its end.  value: what it returned."""

    value: Any


def take_off(operation: Operation) -> Flight:
    """Return an operation that stands before its first step."""
    return (freeze(operation, operation.first),)


def advance(view: Any, flight: Flight) -> Flight | Landed | Wait:
    """Run the next step of an operation in flight; return the flight after it.

    A step that waits has changed nothing.  The flight itself is never changed.
    """
    (cls, name, values), *callers = flight
    operation = thaw(cls, values)
    following = getattr(operation, name)(view)
    match following:
        case MethodType():
            return (freeze(operation, following.__name__), *callers)
        case Call(callee, then):
            waiting = () if then is None else (freeze(operation, then.__name__, waiting=True),)
            return (freeze(callee, callee.first), *waiting, *callers)
        case Return(value):
            return _return_to(callers, plain(value))
        case Wait():
            return following
    raise TypeError(
        f"{cls.__name__}.{name} returned {following!r}: expected a step of the operation, Call, Return or Wait"
    )


def _return_to(callers: list[Frame], value: Any) -> Flight | Landed:
    if not callers:
        return Landed(value)
    (cls, name, values), *rest = callers
    operation = thaw(cls, values)
    operation.result = value
    return (freeze(operation, name), *rest)


def freeze(operation: Operation, step: str, waiting: bool = False) -> Frame:
    """Return an operation as a frame with its next step.

    waiting: for an operation that it called, whose value will take the place of ``result``.
    """
    cls = type(operation)
    values = [
        plain(getattr(operation, name)) if live else default
        for name, live, default in _fields(cls, step, waiting)
    ]
    return cls, step, tuple(values)


@remembered
def _fields(cls: type[Operation], step: str, waiting: bool) -> tuple[tuple[str, bool, Any], ...]:
    """Return name, whether it matters at the step, and default of each field."""
    live = live_fields(cls)[step] - ({"result"} if waiting else set())
    return tuple((field.name, field.name in live, _default(field)) for field in attrs.fields(cls))


def _default(field: Any) -> Any:
    plain_default = field.default is not attrs.NOTHING and not isinstance(field.default, attrs.Factory)  # type: ignore[arg-type]  # a class at run time
    return field.default if plain_default else None


def thaw(cls: type[Operation], values: tuple[Any, ...]) -> Operation:
    """Return the operation that a frame was made from."""
    operation = object.__new__(cls)
    for put, value in zip(_setters(cls), values, strict=True):
        put(operation, value)
    return operation


@remembered
def _setters(cls: type[Operation]) -> tuple[Callable[[Any, Any], None], ...]:
    return tuple(setter(cls, field.name) for field in attrs.fields(cls))


def describe_frame(frame: Frame) -> str:
    """Return a frame as a person would write it, for example ``ZswapStore73.publish``."""
    return f"{frame[0].__name__}.{frame[1]}"
