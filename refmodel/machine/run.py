"""The sequential runner: one operation to its end, the environment answering each choice."""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from refmodel.machine.operation import Call, Operation, Return, Wait
from refmodel.machine.view import View

StepObserver = Callable[[MethodType], None]
"""Called after each step with the bound method that ran: its operation and its name."""


class WouldBlock(RuntimeError):
    """A step has to wait although nothing else runs: the operation can never go on.

    Fields: ``operation`` and ``step`` (names), ``what`` the step waits for.
    """

    def __init__(self, operation: str, step: str, what: str) -> None:
        """Name the step that waits and what it waits for."""
        super().__init__(f"{operation}.{step} waits for {what}, and nobody else runs who could end that")
        self.operation, self.step, self.what = operation, step, what


def run(
    view: View,
    operation: Operation,
    observe: StepObserver | None = None,
    while_waiting: Callable[[], bool] | None = None,
) -> Any:
    """Run an operation to its end and return its value.

    observe: called after each step, the called operations' steps included.
    while_waiting: called when a step has to wait, does something that may end that and returns whether there was
        anything to do; the step is tried again then.
    Raises WouldBlock when a step has to wait and nothing can be done about it.
    """
    stack: list[Any] = []
    current: Any = operation.start()
    while True:
        following = current(view)
        if observe is not None:
            observe(current)
        # ``type`` costs the interpreter less than ``__class__``, which it looks up anew for every kind of value.
        kind = type(following)
        if kind is MethodType:
            current = following
        elif kind is Call:
            if following.then is not None:
                stack.append(following.then)
            current = following.operation.start()
        elif kind is Return:
            if not stack:
                return following.value
            current = stack.pop()
            current.__self__.result = following.value
        elif kind is not Wait or while_waiting is None or not while_waiting():
            raise _stuck(current, following)


class Execution:
    """One operation in flight, advanced a step at a time, for runs in which several are in flight.

    A step that waits changes nothing and can be tried again.
    """

    def __init__(self, operation: Operation) -> None:
        """Stand before the first step."""
        self._stack: list[Any] = []
        self._current: Any = operation.start()
        self.over = False
        self.value: Any = None

    @property
    def at(self) -> tuple[Operation, str]:
        """The operation whose step comes next, and the name of the step."""
        return self._current.__self__, self._current.__name__

    def advance(self, view: View) -> bool:
        """Run the next step; return whether it could run (a waiting step cannot)."""
        following = self._current(view)
        if isinstance(following, MethodType):
            self._current = following
        elif isinstance(following, Call):
            if following.then is not None:
                self._stack.append(following.then)
            self._current = following.operation.start()
        elif isinstance(following, Return):
            self._return(following.value)
        elif isinstance(following, Wait):
            return False
        else:
            raise _stuck(self._current, following)
        return True

    def _return(self, value: Any) -> None:
        if self._stack:
            self._current = self._stack.pop()
            self._current.__self__.result = value
        else:
            self.over, self.value = True, value


def _stuck(current: MethodType, following: Any) -> Exception:
    name, step = type(current.__self__).__name__, current.__name__
    if isinstance(following, Wait):
        return WouldBlock(name, step, following.what)
    return TypeError(
        f"{name}.{step} returned {following!r}: expected a step of the operation, Call, Return or Wait"
    )
