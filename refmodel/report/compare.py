"""The profiles, and what differs between two of them: options, operations, and the steps inside those."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from refmodel.machine.introspect import OperationInfo, StepInfo
from refmodel.machine.source_code import Function, definition
from refmodel.profiles import NAMED, Profile
from refmodel.report.spec import operations
from refmodel.report.terminal import table


@attrs.frozen
class StepDifference:
    """A step that only one of two operations has, or that they do differently.

    before, after: its first sentence on either side, "" where there is no such step.
    through: what it calls and what differs, where its own code does not; names of methods begin with a dot.
    """

    step: str
    before: str
    after: str
    through: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Whether the step was "added", "removed" or "changed" on the way from one to the other."""
        return "changed" if self.before and self.after else "added" if self.after else "removed"


@attrs.frozen
class OperationDifference:
    """An operation that two profiles implement differently.

    before, after: the first sentence of either class.  steps: where they differ, in the order of reading.
    """

    operation: str
    before: str
    after: str
    steps: tuple[StepDifference, ...]


@attrs.frozen
class Difference:
    """What differs between two profiles.

    options: value on either side by the option's name.  same: how many operations are the same.
    """

    before: str
    after: str
    options: Mapping[str, tuple[Any, Any]]
    operations: tuple[OperationDifference, ...]
    same: int


def difference(before: Profile, after: Profile) -> Difference:
    """Compare two profiles."""
    old, new = operations(before), operations(after)
    names = dict.fromkeys([*old, *new])
    pairs = ((name, old.get(name), new.get(name)) for name in names)
    differing = tuple(_operation(name, one, other) for name, one, other in pairs if one != other)
    return Difference(
        before.name, after.name, _options(before, after), differing, len(names) - len(differing)
    )


def profile_list() -> list[RenderableType]:
    """Return the table of all profiles."""
    made = table("profile", "kernel", "what it is")
    for profile in NAMED.values():
        made.add_row(profile.name, profile.kernel, profile.summary)
    return [made]


def list_data() -> list[dict[str, Any]]:
    """Return all profiles as data that JSON can hold."""
    return [{name: getattr(each, name) for name in ("name", "kernel", "summary")} for each in NAMED.values()]


def difference_page(found: Difference) -> list[RenderableType]:
    """Return a difference as text."""
    parts: list[RenderableType] = [Text(f"From {found.before} to {found.after}", "bold")]
    if found.options:
        made = table("option", found.before, found.after)
        for name, values in found.options.items():
            made.add_row(name, *map(str, values))
        parts += ["", made]
    for operation in found.operations:
        parts += ["", *_operation_part(operation)]
    return [*parts, "", f"{len(found.operations)} operations differ, {found.same} are the same."]


def difference_data(found: Difference) -> dict[str, Any]:
    """Return a difference as data that JSON can hold."""
    data = attrs.asdict(found)
    for operation, record in zip(found.operations, data["operations"], strict=True):
        for step, entry in zip(operation.steps, record["steps"], strict=True):
            entry["kind"] = step.kind
    return data


def _options(before: Profile, after: Profile) -> dict[str, tuple[Any, Any]]:
    old, new = _constants(before), _constants(after)
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)}


def _constants(profile: Profile) -> dict[str, Any]:
    """Return the options of a profile and the numbers and rules of its allocators, by name."""
    found = {"kernel": profile.kernel} | attrs.asdict(profile.options)
    for name, allocator in profile.allocators.items():
        found |= {"allocator": ", ".join(profile.allocators)} | dict(_leaves(name, allocator))
    return found


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the plain values in a record and the records in it as "name.field"; functions by their names."""
    for field in attrs.fields(type(value)):
        inner = getattr(value, field.name)
        if attrs.has(type(inner)):
            yield from _leaves(name, inner)
        elif field.init:
            yield f"{name}.{field.name}", getattr(inner, "__name__", inner)


def _operation(name: str, before: OperationInfo | None, after: OperationInfo | None) -> OperationDifference:
    old = {step.name: step for step in before.steps} if before else {}
    new = {step.name: step for step in after.steps} if after else {}
    steps = (_step(name, old.get(name), new.get(name)) for name in dict.fromkeys([*new, *old]))
    return OperationDifference(
        operation=name,
        before=before.summary if before else "",
        after=after.summary if after else "",
        steps=tuple(step for step in steps if step is not None),
    )


def _step(name: str, before: StepInfo | None, after: StepInfo | None) -> StepDifference | None:
    if before is None or after is None:
        return StepDifference(name, before.summary if before else "", after.summary if after else "")
    old, new = _code(before), _code(after)
    differing = tuple(each for each in dict.fromkeys([*old, *new]) if old.get(each) != new.get(each))
    if not differing:
        return None
    return StepDifference(name, before.summary, after.summary, () if f".{name}" in differing else differing)


def _code(step: StepInfo) -> dict[str, str]:
    """Return what a step and its helpers do, by their names; those of methods begin with a dot."""
    found: dict[str, str] = {}
    for function in step.functions:
        name = f"{'.' * ('.' in function.__qualname__)}{function.__name__}"
        # A step that overrides another one may call it: both have the same name.
        found[name] = "\n".join(filter(None, (found.get(name), _without_words(function))))
    return found


def _without_words(function: Function) -> str:
    """Return the code of a function without its docstring: two that differ in words only do the same."""
    tree = definition(function)
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    return "\n".join(map(ast.unparse, body))


def _operation_part(operation: OperationDifference) -> list[RenderableType]:
    made = table("", "", "", "")
    made.show_header = False
    for step in operation.steps:
        made.add_row("", _MARK[step.kind], step.step, _sentences(step.before, step.after, step.through))
    if not operation.steps:
        made.add_row("", "", "", "no step differs")
    sentences = _sentences(operation.before, operation.after)
    return [Text(operation.operation, "bold"), Padding(sentences, (0, 0, 0, 2)), made]


_MARK = {"added": "+", "removed": "-", "changed": "~"}


def _sentences(before: str, after: str, through: tuple[str, ...] = ()) -> RenderableType:
    """Show one sentence that both sides share, or both."""
    if not before or not after or before == after:
        return Group(
            before or after,
            *(["differs in " + ", ".join(n.removeprefix(".") for n in through)] * bool(through)),
        )
    made = Table.grid(padding=(0, 1, 0, 0))
    made.add_row("-", before)
    made.add_row("+", after)
    return made
