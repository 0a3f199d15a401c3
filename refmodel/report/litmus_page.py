"""Litmus files and what became of them, printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.litmus import Litmus, LitmusResult
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.profiles import Profile
from refmodel.report.lanes import lanes_page
from refmodel.report.story import of_rerun
from refmodel.report.terminal import table

_COLOURS = {"as expected": "green", "not as expected": "bold red", "undecided": "yellow"}


def page(results: Sequence[LitmusResult]) -> list[RenderableType]:
    """Return a row for each file and profile, and how many ended as expected."""
    made = table("file", "profile", "expected", "found", "states", "seconds")
    made.columns[0].no_wrap = True
    for column in made.columns[4:]:
        column.justify, column.no_wrap = "right", True
    for result in results:
        found = Text(result.found, _COLOURS[result.verdict])
        made.add_row(
            result.name, result.profile, result.expected, found, f"{result.states:,}", f"{result.seconds:.1f}"
        )
    wrong = [result for result in results if result.verdict != "as expected"]
    told = [f"{result.name} on {result.profile}: {reason(result)}" for result in wrong]
    return [made, "", *told, summary(results)]


def summary(results: Sequence[LitmusResult]) -> str:
    """Say how many ended as expected."""
    right = sum(result.verdict == "as expected" for result in results)
    open_ = sum(result.verdict == "undecided" for result in results)
    rest = f", {open_} undecided" if open_ else ""
    return f"{right} of {len(results)} as expected{rest}"


def reason(result: LitmusResult) -> str:
    """Say in one line why a result is not what the file expects."""
    return f"expected {result.expected}, found {result.found}{f': {result.why}' if result.why else ''}"


def data(results: Sequence[LitmusResult]) -> list[dict[str, Any]]:
    """Return results as data that JSON can hold."""
    return [{**attrs.asdict(result), "verdict": result.verdict} for result in results]


def list_page(files: Iterable[Litmus]) -> list[RenderableType]:
    """Return a row for each file: its name, and what it asks."""
    made = table("file", "question")
    made.columns[0].no_wrap = True
    for litmus in files:
        made.add_row(litmus.name, litmus.scope.question)
    return [made]


def file_page(
    litmus: Litmus, result: LitmusResult, profile: Profile, *, unfold: bool = False
) -> list[RenderableType]:
    """Return one file on one profile: the question, the answer, and the run that shows it.

    unfold: print every step of the run, also those that nobody else could see.
    """
    head: list[RenderableType] = [Text(litmus.scope.question or litmus.name, "bold"), ""]
    facts = table("", "")
    facts.show_header = False
    if litmus.source:
        facts.add_row("source", litmus.source)
    facts.add_row("profile", result.profile)
    facts.add_row("outcome", f"{litmus.text}{'' if litmus.at == 'end' else f', at {litmus.at}'}")
    if litmus.despite:
        facts.add_row("despite", ", ".join(litmus.despite))
    facts.add_row("expected", result.expected)
    facts.add_row("found", Text(result.found, _COLOURS[result.verdict]))
    if result.why:
        facts.add_row("because", result.why)
    facts.add_row("looked at", f"{result.states:,} states, runs of up to {result.depth} transitions")
    if not result.schedule:
        return [*head, facts]
    run = ScheduledRun(profile.name, litmus.scope, result.schedule)
    drawn = lanes_page(of_rerun(rerun(run, profile, litmus.despite)), unfold=unfold)
    return [*head, facts, "", Text(f"A shortest run: {result.shows}", "bold"), "", *drawn]
