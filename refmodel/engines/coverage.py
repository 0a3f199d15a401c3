"""Coverage: which of the declared goals a check has reached.

Goals are read off the operations: every step of every operation in a profile's table, and every choice point
of a step at which something can fail.  They are declared whether or not they can be reached, so what is left
over is a list to be explained, not a percentage of what happened to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from refmodel.machine.introspect import describe_operation

if TYPE_CHECKING:
    from refmodel.kernel.table import OperationTable


class Watched(Protocol):
    """What runs a system and notes what it reached: see ``refmodel.engines.trial.Trial``."""

    reached: set[tuple[type[object], Callable[..., Any]]]
    failed: set[tuple[type[object], Callable[..., Any], str]]


@attrs.frozen(order=True)
class Goal:
    """Something that a check should reach.

    operation: name in the operation table.  step: its step.
    fault: choice point of the step at which something fails; "" for the step itself.
    """

    operation: str
    step: str
    fault: str = ""

    @property
    def text(self) -> str:
        """The goal in a word or two, for example ``zswap_store.publish: xa_store fails``."""
        step = f"{self.operation}.{self.step}"
        return f"{step}: {self.fault} fails" if self.fault else step


@attrs.frozen
class Coverage:
    """Declared goals and which of them were reached."""

    declared: tuple[Goal, ...]
    reached: frozenset[Goal]

    @property
    def unreached(self) -> tuple[Goal, ...]:
        """Declared goals that were not reached, in the order of their declaration."""
        return tuple(goal for goal in self.declared if goal not in self.reached)

    def figures(self, *, faults: bool) -> tuple[int, int]:
        """Return how many goals were reached and declared: failures, or steps."""
        goals = [goal for goal in self.declared if bool(goal.fault) == faults]
        return sum(goal in self.reached for goal in goals), len(goals)


def declared(table: OperationTable) -> tuple[Goal, ...]:
    """Return the goals of an operation table, in its order."""
    return tuple(goal for name, cls in _operations(table) for goal in _goals(name, cls))


def _operations(table: OperationTable) -> list[tuple[str, Any]]:
    found = ((field.name, getattr(table, field.name)) for field in attrs.fields(type(table)))
    return [(name, cls) for name, cls in found if cls is not None]


def _goals(name: str, cls: Any) -> Iterable[Goal]:
    """Yield the goals of an operation: a step that it inherits but never comes to is none."""
    for step in describe_operation(cls).steps:
        yield Goal(name, step.name)
        for fault in step.failures:
            yield Goal(name, step.name, fault)


def reached(table: OperationTable, trials: Iterable[Watched]) -> frozenset[Goal]:
    """Return the goals that trials have reached."""
    names: dict[type[object], list[str]] = {}
    for name, cls in _operations(table):
        names.setdefault(cls, []).append(name)
    goals: set[Goal] = set()
    for trial in trials:
        goals |= {Goal(name, step.__name__) for cls, step in trial.reached for name in names.get(cls, ())}
        goals |= {
            Goal(name, at.__name__, fault) for cls, at, fault in trial.failed for name in names.get(cls, ())
        }
    return frozenset(goals)
