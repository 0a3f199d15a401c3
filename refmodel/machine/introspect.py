"""Describing operations: steps, guards, choices, events and counters, read off the definitions themselves.

The printed specification, the book and the comparison of two profiles are made from these records, so none of
them can say anything else than what the model runs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from functools import cache
from typing import Any

import attrs

from refmodel.machine.footprint import Footprint, footprint
from refmodel.machine.operation import Operation, StepMark
from refmodel.machine.source_code import Frame, Function, definition, method
from refmodel.machine.successors import Successor, successors


@attrs.frozen
class StepInfo:
    """One step as its definition tells it.

    operation: class that is described.  defined_in: class in whose body the step stands, a base of the
    other if the step is inherited.  functions: its definition, then those of all that it calls with the view.
    summary: first sentence of its docstring.  text: the whole of it.
    choices: names of the choice points that it may reach.  failures: those of them that are faults.
    events: names of what it may tell observers.  counters: "group.name" of what it may count.
    reads, writes: component families that it may read and write, counting left out.
    source, requirements: the step's own, or those of its operation.
    """

    name: str
    operation: str
    defined_in: str
    functions: tuple[Function, ...] = attrs.field(repr=False)
    summary: str
    text: str
    successors: tuple[Successor, ...]
    choices: tuple[str, ...]
    failures: tuple[str, ...]
    events: tuple[str, ...]
    counters: tuple[str, ...]
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    source: str
    requirements: tuple[str, ...]


@attrs.frozen
class Argument:
    """A field of an operation.

    type: its annotation.  default: text of its value at the start, None for one that the caller must give.
    """

    name: str
    type: str
    default: str | None


@attrs.frozen
class OperationInfo:
    """One operation as its definition tells it.

    name: of the class.  summary: first sentence of its docstring.  text: the whole of it.
    first: where it starts.  steps: all that can be reached from there, in the order of reading.
    arguments: what the caller gives.  variables: fields with a value at the start; a caller may give some of
    them too, as the text says.
    """

    name: str
    summary: str
    text: str
    source: str
    requirements: tuple[str, ...]
    first: str
    steps: tuple[StepInfo, ...]
    arguments: tuple[Argument, ...]
    variables: tuple[Argument, ...]

    def step(self, name: str) -> StepInfo:
        """Return a step by name.

        Raises KeyError when the operation has no such step, or cannot reach it.
        """
        for step in self.steps:
            if step.name == name:
                return step
        known = ", ".join(step.name for step in self.steps)
        raise KeyError(f"{self.name} has no step {name!r}; it has {known}")


@cache
def describe_operation(cls: type[Any]) -> OperationInfo:
    """Describe an operation: a subclass of ``Operation`` made by attrs.

    Raises NoSource when the source of a step cannot be read.
    """
    fields = [_argument(field) for field in attrs.fields(cls) if field.name not in Operation.__annotations__]
    text = inspect.getdoc(cls) or ""
    return OperationInfo(
        name=cls.__name__,
        summary=first_sentence(text),
        text=text,
        source=cls.source,
        requirements=cls.requirements,
        first=cls.first,
        steps=_steps(cls),
        arguments=tuple(field for field in fields if field.default is None),
        variables=tuple(field for field in fields if field.default is not None),
    )


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring in one line."""
    found = re.match(r".*?[.!?](?=\s|$)", text, re.DOTALL)
    return " ".join((found.group() if found else text).split())


def _argument(field: attrs.Attribute[Any]) -> Argument:
    annotation: Any = field.type
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    return Argument(field.name, text, None if field.default is attrs.NOTHING else repr(field.default))


def _steps(cls: type[Operation]) -> tuple[StepInfo, ...]:
    frames, footprints = {}, {}
    for name in cls.step_names:
        found = method(cls.__mro__, name)
        if found is None:
            raise TypeError(f"{cls.__name__}.{name} is marked as a step and is no method")
        function, definer = found
        view = definition(function).args.args[1].arg
        frames[name] = Frame(function, view, cls, definer)
        footprints[name] = footprint(frames[name])
    leads_to = {name: [n for n in footprints[name].attributes if n in frames] for name in frames}
    return tuple(_step(cls, frames[name], footprints[name]) for name in _reading_order(cls, leads_to))


def _step(cls: type[Operation], frame: Frame, found: Footprint) -> StepInfo:
    mark: StepMark = frame.function.__dict__["__step__"]
    assert frame.definer is not None
    text = inspect.getdoc(frame.function) or ""
    return StepInfo(
        name=frame.function.__name__,
        operation=cls.__name__,
        defined_in=frame.definer.__name__,
        functions=tuple(found.functions),
        summary=first_sentence(text),
        text=text,
        successors=successors(frame),
        choices=tuple(point.name for point in found.choices),
        failures=tuple(point.name for point in found.choices if point.fault),
        events=tuple(found.events),
        counters=tuple(found.counters),
        reads=tuple(found.reads),
        writes=tuple(found.writes),
        source=mark.source or cls.source,
        requirements=mark.requirements or cls.requirements,
    )


def _reading_order(cls: type[Operation], leads_to: dict[str, list[str]]) -> list[str]:
    """Order the steps that can be reached: as written; what a subclass adds follows what leads to it."""
    reached: dict[str, None] = {}
    _reach(cls.first, leads_to, reached)
    order = [cls.first]
    for base in reversed(cls.__mro__):
        added = [name for name in vars(base).get("step_names", ()) if name in reached and name not in order]
        anew = len(order) == 1
        for name in added:
            order.insert(len(order) if anew else _after_leader(name, order, leads_to), name)
    return order


def _reach(name: str, leads_to: dict[str, list[str]], reached: dict[str, None]) -> None:
    reached[name] = None
    for following in leads_to[name]:
        if following not in reached:
            _reach(following, leads_to, reached)


def _after_leader(name: str, order: list[str], leads_to: dict[str, list[str]]) -> int:
    leaders: Iterable[int] = (at for at, leader in enumerate(order) if name in leads_to[leader])
    return next(iter(leaders), len(order) - 1) + 1
