"""A program run again, printed: commands, steps, choices, what each step changed, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from refmodel.engines.replay import Answer, Change, MoveRecord, StepRecord, Timeline
from refmodel.engines.violation import Violation
from refmodel.kernel.config import PAGE_SIZE
from refmodel.report.terminal import table

if TYPE_CHECKING:
    from refmodel.engines.rerun import Rerun

_VALUES = ("before", "after", "taken", "value")
"""Fields of records that hold values of the model."""

_LONG = 60
"""Characters of a value at most."""

BOOKKEEPING = re.compile(r"\w+_used$")
"""Components that are maps of used numbers: what they say shows in the components themselves."""


def page(timeline: Timeline) -> list[RenderableType]:
    """Return a whole replay: the program, the timeline, and what is wrong, if anything is."""
    parts = [*program_page(timeline), "", *timeline_page(timeline), ""]
    return parts + (
        violation_page(timeline.violation) if timeline.violation else [Text("no property is broken", "green")]
    )


def data(replayed: Timeline | Rerun) -> dict[str, Any]:
    """Return a replay as data that JSON can hold; values of the model as short texts."""
    return attrs.asdict(replayed, value_serializer=_plain)


def _plain(_record: Any, field: attrs.Attribute[Any] | None, value: Any) -> Any:
    if field is not None and field.name == "initial" and isinstance(value, Mapping):
        return {name: brief(component) for name, component in value.items()}
    return brief(value) if field is not None and field.name in _VALUES else value


def program_page(timeline: Timeline) -> list[RenderableType]:
    """Return the program: where it runs, and its commands with their failures and other choices."""
    program = timeline.program
    head = Text(f"Program on {program.profile}, {program.preset}, {program.setting.text}", "bold")
    return [head, *(f"{number:3}  {_command(move)}" for number, move in enumerate(timeline.moves, start=1))]


def timeline_page(timeline: Timeline) -> list[RenderableType]:
    """Return every step of the program with its choices, its events and the differences of the state."""
    parts: list[RenderableType] = [Text("Timeline", "bold")]
    width = max((len(_name(step)) for move in timeline.moves for step in move.steps), default=0)
    for number, move in enumerate(timeline.moves, start=1):
        parts += [f"{number:3}  {move.text}", Padding(_steps(move, width), (0, 0, 0, 5))]
    return parts


def violation_page(violation: Violation) -> list[RenderableType]:
    """Return what is wrong: the property's sentence, what was found, and where."""
    made = table("", "")
    made.show_header = False
    made.add_row("broken", Text(f"{violation.property}: {violation.sentence}", "bold red"))
    made.add_row("found", violation.found)
    if violation.where:
        made.add_row("where", violation.where)
    return [made]


def _command(move: MoveRecord) -> str:
    """Write a command with what was unusual in its environment."""
    unusual = ", ".join(answer_text(answer) for step in move.steps for answer in step.answers if answer.index)
    does_nothing = "" if move.applied else "    (does not apply)"
    return f"{move.text}{f'    where {unusual}' if unusual else ''}{does_nothing}"


def answer_text(answer: Answer) -> str:
    """Write what the environment answered at a choice."""
    return f"{answer.choice} fails" if answer.taken is True else f"{answer.choice} is {brief(answer.taken)}"


def _steps(move: MoveRecord, width: int) -> RenderableType:
    made = table("step", "what it changed")
    made.show_header = False
    made.columns[0].width = width
    for step in move.steps:
        made.add_row(_name(step), Group(*_lines(step)))
    if move.value is not None:
        made.add_row("", f"returned {brief(move.value)}")
    return made


def _name(step: StepRecord) -> Text:
    text = Text(f"{step.operation}.{step.step}", "bold red" if step.raised else "")
    return text.append(" did not end") if step.raised else text


def _lines(step: StepRecord) -> Iterator[Text]:
    for answer in step.answers:
        if answer.taken is not False:  # what did not fail is not worth a line
            yield Text(f"? {answer_text(answer)}", "yellow" if answer.index else "dim")
    changes = (each for each in step.changes if not BOOKKEEPING.match(each.place))
    yield from (Text(f"{place}: {what}") for place, what in _in_runs(changes))
    for name, fields in step.events:
        told = " ".join(f"{field}={brief(value)}" for field, value in fields.items())
        yield Text(f"> {name} {told}".rstrip(), "green")


def _in_runs(changes: Iterable[Change]) -> Iterator[tuple[str, str]]:
    """Yield places with what became of them; neighbours of which the same became are one range."""
    rows = [(*_numbered(each.place), difference(each)) for each in changes]
    for (family, _, what), run in groupby(enumerate(rows), lambda at: (at[1][0], at[1][1] - at[0], at[1][2])):
        first, *others = (row[1] for _, row in run)
        numbers = f"{first}..{others[-1]}" if others else f"{first}"
        yield f"{family}[{numbers}]" if first >= 0 else family, what


def _numbered(place: str) -> tuple[str, int]:
    """Return the row that a place is in and its number there, -1 for a place that is in none."""
    row, bracket, number = place.rpartition("[")
    return (row, int(number[:-1])) if bracket and number.endswith("]") else (place, -1)


def difference(change: Change) -> str:
    """Write what became of a component: the fields that differ, how much a number grew, or both values."""
    before, after = change.before, change.after
    if attrs.has(type(before)) and type(before) is type(after):
        names = [field.name for field in attrs.fields(type(before))]
        pairs = ((name, getattr(before, name), getattr(after, name)) for name in names)
        return ", ".join(f"{name} {brief(old)} -> {brief(new)}" for name, old, new in pairs if old != new)
    if attrs.has(type(before)) and after is None:
        return "gone"
    if attrs.has(type(after)) and before is None:
        return brief(after)
    if "." in change.place and isinstance(before, int) and isinstance(after, int):
        return f"{after - before:+d}"
    return f"{brief(before)} -> {brief(after)}"


def brief(value: Any) -> str:
    """Write a value in a few words: pages by their beginning, records without what is as usual."""
    text = _brief(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


def _brief(value: Any) -> str:
    if isinstance(value, bytes):
        kind = "page" if len(value) == PAGE_SIZE else f"{len(value)} bytes"
        return f"{kind} {value[:4].hex()}..{value[-4:].hex()}" if any(value) else f"{kind} of zeroes"
    if isinstance(value, tuple):
        runs = [(text, sum(1 for _ in same)) for text, same in groupby(map(_brief, value))]
        return f"({', '.join(f'{count} x {text}' if count > 1 else text for text, count in runs)})"
    if not attrs.has(type(value)):
        return str(value)
    values = [(field, getattr(value, field.name)) for field in attrs.fields(type(value))]
    shown = [f"{field.name}={_brief(found)}" for field, found in values if found != field.default]
    return f"{type(value).__name__}({', '.join(shown)})"
