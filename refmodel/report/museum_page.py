"""What finds each bug of the museum, printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.museum import Exhibit
from refmodel.report.hunt import Find
from refmodel.report.terminal import Unbroken, table


def page(finds: Sequence[Find]) -> list[RenderableType]:
    """Return a row for each hunt, and how many bugs were caught by what."""
    made = table("bug", "what goes wrong", "found by", "runs", "steps", "commands", "seconds")
    for column in made.columns[3:]:
        column.justify, column.no_wrap = "right", True
    for find in finds:
        made.add_row(find.id, find.title, *_result(find), f"{find.seconds:.1f}")
    return [made, "", _summary(finds)]


def exhibit_page(exhibit: Exhibit, find: Find) -> list[RenderableType]:
    """Return one bug: its story, and the program that shows it."""
    head: list[RenderableType] = [Text(f"{exhibit.id}: {exhibit.title}", "bold"), "", exhibit.story, ""]
    facts = table("", "")
    facts.show_header = False
    facts.add_row("source", exhibit.source)
    facts.add_row("put into", exhibit.base)
    facts.add_row("replaced", ", ".join(exhibit.operations) or "nothing: the released kernel has it")
    facts.add_row(
        "found by",
        f"{find.broken} in run {find.runs}, after {find.steps:,} steps" if find.broken else "no run",
    )
    return [*head, facts, *_program(find)]


def data(finds: Sequence[Find]) -> list[dict[str, Any]]:
    """Return the hunts as data that JSON can hold."""
    return [attrs.asdict(find) for find in finds]


def _result(find: Find) -> tuple[Text, str, str, str]:
    """Return what found a bug, and runs, steps and commands: of a random run, or of the exhibit's own program."""
    if find.broken:
        shortened = f"{find.length} -> {len(find.program)}"
        return Text(find.broken, "green"), f"{find.runs:,}", f"{find.steps:,}", shortened
    if find.shown_by:
        return (
            Text(f"{find.shown_by}, own program", "yellow"),
            f"{find.runs:,}",
            f"{find.steps:,}",
            str(find.shown_in),
        )
    return Text("nothing", "bold red"), f"{find.runs:,}", f"{find.steps:,}", ""


def _summary(finds: Sequence[Find]) -> str:
    by_runs = sum(bool(find.broken) for find in finds)
    by_program = sum(find.caught for find in finds) - by_runs
    missed = len(finds) - by_runs - by_program
    rest = f", {by_program} only by a program written for them" if by_program else ""
    return f"{by_runs} of {len(finds)} bugs were found by random runs{rest}" + (
        f", {missed} by nothing" if missed else ""
    )


def _program(find: Find) -> list[RenderableType]:
    if not find.program:
        return []
    lines = (f"{number:3}  {line}" for number, line in enumerate(find.program, start=1))
    again: list[RenderableType] = ["", Unbroken(f"refmodel replay {find.token}")] if find.token else []
    return ["", "The shortest program that was found:", *lines, *again]
