"""The specification of one operation, or the list of all, as tables for the terminal."""

from __future__ import annotations

import difflib
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from refmodel.machine.introspect import OperationInfo, StepInfo, describe_operation
from refmodel.profiles import Profile
from refmodel.report.terminal import table

LEGEND = "! may fail   ? chosen by the environment   + counted   > told to observers"


class UnknownOperation(LookupError):
    """A profile has no operation of that name."""


def operations(profile: Profile) -> dict[str, OperationInfo]:
    """Return the operations of a profile by their names in its table."""
    table = attrs.asdict(profile.operations, recurse=False)
    return {name: describe_operation(cls) for name, cls in table.items() if cls is not None}


def operation(profile: Profile, name: str) -> OperationInfo:
    """Return one operation of a profile by its name in the table, for example ``zswap_store``.

    Raises UnknownOperation, naming the nearest ones.
    """
    cls = getattr(profile.operations, name, None)
    if cls is not None:
        return describe_operation(cls)
    known = [field.name for field in attrs.fields(type(profile.operations))]
    near = difflib.get_close_matches(name, known, 3, 0.4)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UnknownOperation(
        f"operation {name!r}: {profile.name} has none of that name; {hint}try: refmodel spec"
    )


def operation_list(profile: Profile) -> list[RenderableType]:
    """Return the table of all operations with a sentence each."""
    made = table("operation", "steps", "what it does")
    made.columns[1].justify = "right"
    for name, info in operations(profile).items():
        made.add_row(name, str(len(info.steps)), info.summary)
    return [f"Operations of {profile.name}: {profile.summary}", "", made]


def operation_page(profile: Profile, name: str) -> list[RenderableType]:
    """Return the specification of an operation: what it is, then its steps in order.

    Raises UnknownOperation.
    """
    info = operation(profile, name)
    return [
        Text(f"{name} in {profile.name}", "bold"),
        "",
        info.text,
        "",
        *_facts(info),
        "",
        _steps(info),
        "",
        LEGEND,
    ]


def operation_data(profile: Profile, name: str) -> dict[str, Any]:
    """Return the same as data that JSON can hold.

    Raises UnknownOperation.
    """
    info = operation(profile, name)
    without_code = attrs.filters.exclude(attrs.fields(StepInfo).functions)
    return {"profile": profile.name, "operation": name} | attrs.asdict(info, filter=without_code)


def list_data(profile: Profile) -> list[dict[str, Any]]:
    """Return all operations with their sentences as data that JSON can hold."""
    return [
        {"operation": name, "steps": [step.name for step in info.steps], "summary": info.summary}
        for name, info in operations(profile).items()
    ]


def _facts(info: OperationInfo) -> list[str]:
    fields = [f"{field.name}: {field.type}" for field in info.arguments]
    own = [f"{field.name}: {field.type} = {field.default}" for field in info.variables]
    facts = {
        "Source": info.source,
        "Requirements": ", ".join(info.requirements),
        "Arguments": ", ".join(fields),
        "Variables": ", ".join(own),
        "Class": info.name,
    }
    return [f"{label}: {text}" for label, text in facts.items() if text]


def _steps(info: OperationInfo) -> Table:
    made = table("step", "what happens, then what follows", "asks, counts, tells")
    made.columns[2].width = 33  # the longest counter, with its mark
    for step in info.steps:
        if step.name != info.first:
            made.add_row()
        made.add_row(Text(step.name, "bold"), _course(info, step), _touches(step))
    return made


def _course(info: OperationInfo, step: StepInfo) -> Group:
    ways: list[Padding] = []
    for successor in step.successors:
        way = Text(f"if {successor.guard} " if successor.guard else "else " if ways else "")
        ways.append(Padding(way.append(f"-> {successor.next}", "cyan"), (0, 0, 0, 2)))
    own = [step.source] * (step.source != info.source)
    own += [", ".join(step.requirements)] * (step.requirements != info.requirements)
    return Group(step.summary, *ways, *(Text(f"[{text}]", "dim") for text in own))


def _touches(step: StepInfo) -> Text:
    text = Text()
    for name in step.choices:
        fault = name in step.failures
        text.append(f"{'!' if fault else '?'} {name}\n", "red" if fault else "")
    for name in step.counters:
        text.append(f"+ {name}\n")
    for name in step.events:
        text.append(f"> {name}\n", "green")
    text.rstrip()
    return text
