"""Views: how a step reads and writes the system.

``view[place]`` reads a component, ``view[place] = record`` replaces it, ``view.choose`` asks the
environment and ``view.emit`` tells observers what happened.  This is all that a step may use, so an
engine that hands in a view of its own sees the footprint of every step.

The class here is the view of sequential runs: a list, so that reading costs what a list costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

from refmodel.machine.choice import ChoicePoint, Chooser, first_answer

if TYPE_CHECKING:
    from refmodel.machine.layout import Place

T = TypeVar("T")

Event = tuple[str, dict[str, Any]]
"""What an observer sees of a step: the name of the event and its fields."""


ignore_event = cast("Callable[..., None]", type.__prepare__)
"""Drops an event, whatever its fields: the observer of runs that nobody watches.

A built-in that looks at none of its arguments; a function would first collect them.
"""


class View(list[Any]):
    """The components of a system in a sequential run, with its environment and its observer.

    choose: answers choice points (see ``refmodel.machine.choice.Chooser``).
    emit: receives events; called as ``emit(name, **fields)``.
    """

    __slots__ = ("choose", "emit")

    choose: Chooser
    emit: Callable[..., None]

    def __init__(self, components: Iterable[Any]) -> None:
        """Start from the given components, with an environment that never fails."""
        super().__init__(components)
        self.choose = first_answer
        self.emit = ignore_event

    if TYPE_CHECKING:

        @overload  # type: ignore[override]  # narrower than a list: places are typed
        def __getitem__(self, place: Place[T]) -> T: ...
        @overload
        def __getitem__(self, place: int) -> Any: ...
        def __getitem__(self, place: Any) -> Any: ...
        @overload  # type: ignore[override]  # likewise
        def __setitem__(self, place: Place[T], value: T) -> None: ...
        @overload
        def __setitem__(self, place: int, value: Any) -> None: ...
        def __setitem__(self, place: Any, value: Any) -> None: ...

    def fails(self, point: ChoicePoint) -> bool:
        """Ask the environment whether the thing that the point names fails."""
        answer: bool = self.choose(point, (False, True))
        return answer

    def snapshot(self) -> tuple[Any, ...]:
        """Return the whole state: canonical, hashable, comparable."""
        return tuple(self)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Go back to a state that ``snapshot`` returned."""
        super().__setitem__(slice(None), snapshot)
