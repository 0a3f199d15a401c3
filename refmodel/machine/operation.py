"""Operations and steps: one definition of each thing that a system can do.

An operation is a class.  Its fields are its arguments and local variables, its current step is its
program counter; both are plain data.  A step is a method marked with ``@step``: it runs as a whole,
and nobody sees it half done.  A step ends by naming what comes next:

* ``return self.other_step`` — go on with another step of this operation;
* ``return Call(operation, self.other_step)`` — run an operation, then go on; the value that it
  returned stands in ``self.result``;
* ``return Return(value)`` — the operation is over;
* ``return Wait(what)`` — the step cannot run yet and has changed nothing.

A reader follows the operation down the page; an engine needs to know no more than these four.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar, overload

import attrs

F = TypeVar("F", bound=Callable[..., Any])


@attrs.define
class Call:
    """Run ``operation`` next; go on with the step ``then``, or end with its value if that is None."""

    operation: Operation
    then: Callable[[Any], Any] | None = None


@attrs.define
class Return:
    """The operation is over and has this value."""

    value: Any = None


@attrs.define
class Wait:
    """The step has to wait for ``what`` (a short phrase that names the object and its holder's act)."""

    what: str


Next = Callable[[Any], Any] | Call | Return | Wait
"""What a step returns."""


@attrs.frozen
class StepMark:
    """What ``@step`` records: where the step comes from if that is not where its operation does."""

    source: str = ""
    requirements: tuple[str, ...] = ()


@overload
def step(method: F, /) -> F: ...
@overload
def step(*, source: str = "", requirements: tuple[str, ...] = ()) -> Callable[[F], F]: ...
def step(method: F | None = None, /, *, source: str = "", requirements: tuple[str, ...] = ()) -> Any:
    """Mark a method as an atomic step.

    source: file and version, or series and version, where it differs from the operation's.
    requirements: ids of the mission's rows that this step in particular stands for.
    """

    def mark(function: F) -> F:
        function.__step__ = StepMark(source, requirements)  # type: ignore[attr-defined]  # functions take any attribute
        return function

    return mark(method) if method is not None else mark


@attrs.define
class Operation:
    """The base of all operations.

    Subclasses are attrs classes (``@attrs.define``) and say where they come from:

    source: the function, file and kernel version (or series and version) that they stand for.
    requirements: ids of the mission's rows.

    The first step in the class body is where the operation starts, unless ``first`` names another.
    """

    source: ClassVar[str] = ""
    requirements: ClassVar[tuple[str, ...]] = ()
    first: ClassVar[str] = ""
    step_names: ClassVar[tuple[str, ...]] = ()

    result: Any = attrs.field(default=None, init=False, repr=False)
    """What the operation that was called last returned."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Collect the steps: those of the bases in their order, then those that are added here."""
        super().__init_subclass__(**kwargs)
        inherited = [name for base in reversed(cls.__mro__[1:]) for name in getattr(base, "step_names", ())]
        own = [name for name, value in vars(cls).items() if hasattr(value, "__step__")]
        cls.step_names = tuple(dict.fromkeys(inherited + own))
        if not cls.first and cls.step_names:
            cls.first = cls.step_names[0]

    def start(self) -> Callable[[Any], Any]:
        """Return the step at which the operation starts."""
        method: Callable[[Any], Any] = getattr(self, self.first)
        return method

    def owns(self, v: Any, step: str) -> Iterable[Any]:
        """Yield what the operation owns while ``step`` comes next: places, or (place, name of a field).

        Nobody else reads or writes it meanwhile, because a lock that the operation holds, or its being
        unknown to everybody else, forbids that.  What is yielded may depend on the arguments, the variables
        and on components that are owned or pinned themselves.  Engines that merge steps rely on it and check it.
        """
        return ()

    def pins(self, v: Any, step: str) -> Iterable[Any]:
        """Yield what nobody else changes while ``step`` comes next, though others may look: as ``owns`` does.

        A reference keeps what it refers to in existence; a lock keeps what it guards.
        """
        return ()

    def locals(self) -> dict[str, Any]:
        """Return arguments and local variables by name, without the result of the last call."""
        fields = attrs.fields(type(self))
        return {field.name: getattr(self, field.name) for field in fields if field.name != "result"}
