"""What finds each bug of the museum, printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.report.hunt import Explored, Find, Met, Shown, explore_exhibit, shortest_run
from refmodel.report.lanes import lanes_page
from refmodel.report.story import of_rerun
from refmodel.report.terminal import Unbroken, table

if TYPE_CHECKING:
    from refmodel.engines.exploration import Exploration
    from refmodel.museum import Exhibit

_ENGINES = {
    "shown": "the bug's own program",
    "explored": "an exploration of its scope",
    "walks": "random runs of one actor",
    "races": "random runs of several actors",
}
"""Engines by their fields of ``Find``, as the summary calls them."""

_NOT_ASKED = Text("-", "dim")
"""What stands where a bug has no program, or no scope."""


def page(finds: Sequence[Find], runs: int) -> list[RenderableType]:
    """Return the kill matrix: a row for each bug, a column for each engine; then how many each has found.

    runs: walks, and races, that were allowed for each bug.  Of an exploration its shortest run is told in steps,
    and how many states were kept until it was found.
    """
    made = table("bug", "what goes wrong", "own program", "exploration", "walks", "races")
    for find in finds:
        made.add_row(
            find.id,
            find.title,
            _program(find.shown),
            _exploration(find.explored),
            _random(find.walks),
            _random(find.races),
        )
    return [made, "", *_summary(finds), f"At most {runs} walks and {runs} races for each bug."]


def exhibit_page(exhibit: Exhibit, find: Find) -> list[RenderableType]:
    """Return one bug: its story, what finds it, the bug's absence without it, and the shortest run."""
    found = explore_exhibit(exhibit, exhibit.profile) if exhibit.scope else None
    correct = explore_exhibit(exhibit, exhibit.correct) if exhibit.scope else None
    facts = table("", "")
    facts.show_header = False
    for label, text in _facts(exhibit, find, correct).items():
        facts.add_row(label, text)
    head: list[RenderableType] = [Text(f"{exhibit.id}: {exhibit.title}", "bold"), "", exhibit.story, ""]
    return [*head, facts, *_run(exhibit, find, found)]


def data(finds: Sequence[Find]) -> list[dict[str, Any]]:
    """Return the hunts as data that JSON can hold."""
    return [attrs.asdict(find) for find in finds]


def _cell(found: str, cost: str) -> Text:
    """Return what an engine found and what it cost."""
    return Text(found, "green").append(f"\n{cost}", "dim") if found else Text("nothing", "yellow")


def _program(shown: Shown | None) -> Text:
    return _cell(shown.property, f"{shown.commands} commands") if shown else _NOT_ASKED


def _exploration(explored: Explored | None) -> Text:
    if explored is None:
        return _NOT_ASKED
    return _cell(explored.property, f"{explored.steps} steps\n{explored.states:,} states")


def _random(met: Met) -> Text:
    return _cell(met.property, f"run {met.runs}")


def _summary(finds: Sequence[Find]) -> list[str]:
    counts = (
        f"{sum(_has_found(find, field) for find in finds)} by {name}" for field, name in _ENGINES.items()
    )
    missed = [find.id for find in finds if not find.caught]
    found = f"{len(finds) - len(missed)} of {len(finds)} bugs were found: {', '.join(counts)}."
    return [found, *([f"Found by nothing: {', '.join(missed)}."] if missed else [])]


def _has_found(find: Find, field: str) -> bool:
    engine = getattr(find, field)
    return engine is not None and bool(engine.property)


def _facts(exhibit: Exhibit, find: Find, correct: Exploration | None) -> dict[str, str]:
    """Return what a reader wants to know of one bug, by label."""
    facts = {
        "source": exhibit.source,
        "put into": exhibit.base,
        "replaced": ", ".join(exhibit.operations) or "nothing: the released kernel has it",
    }
    if find.shown is not None:
        facts["own program"] = f"breaks {find.shown.property} after {find.shown.commands} commands"
    if find.explored is not None:
        seen = f"{find.explored.states:,} states in {find.explored.seconds:.1f} s"
        facts["exploration"] = (
            f"breaks {find.explored.property}, {seen}; shortest run {find.explored.steps} steps"
        )
    if correct is not None:
        facts["without it"] = f"{correct.verdict}: {correct.why}, {correct.states:,} states"
    for met in (find.walks, find.races):
        words = f"breaks {met.property} in run {met.runs}, after {met.steps:,} steps"
        facts[met.kind] = words if met.property else f"nothing in {met.runs} runs, {met.steps:,} steps"
    return facts


def _run(exhibit: Exhibit, find: Find, found: Exploration | None) -> list[RenderableType]:
    """Return the shortest run that is known: of the exploration, else of a walk."""
    if found is not None and found.counterexample is not None and find.explored is not None:
        again = of_rerun(shortest_run(exhibit, found))
        return ["", *lanes_page(again), *_replay(find.explored.token)]
    if not find.walks.program:
        return []
    lines = (f"{number:3}  {line}" for number, line in enumerate(find.walks.program, start=1))
    return ["", "The shortest program that was found:", *lines, *_replay(find.walks.token)]


def _replay(token: str) -> list[RenderableType]:
    return ["", Unbroken(f"refmodel replay {token}")] if token else []
