"""What the validator says of traces: a row for each, and for a rejected one where and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from refmodel.conformance.validator import Rejection, Verdict
from refmodel.report.terminal import table

STYLE = {"accepted": "green", "rejected": "bold red", "undecided": "yellow"}


def page(verdicts: Sequence[Verdict]) -> list[RenderableType]:
    """Return the verdicts as a table, the reasons for lower levels, and the details of rejections."""
    made = table("trace", "profile", "verdict", "level", "operations", "events", "counters", "seconds")
    for column in made.columns[4:]:
        column.justify = "right"
    for one in verdicts:
        verdict = Text(one.verdict, STYLE[one.verdict])
        figures = (f"{figure:,}" for figure in (one.operations, one.events, one.counters))
        made.add_row(Path(one.path).name, one.profile, verdict, one.level, *figures, f"{one.seconds:.1f}")
    reasons = [f"only {one.level}: {one.level_reason}" for one in verdicts if one.level_reason]
    notes = dict.fromkeys([*reasons, *(note for one in verdicts for note in one.notes)])
    details = [_details(one.path, one.rejection) for one in verdicts if one.rejection]
    return [made, *[Group("", *notes)] * bool(notes), *details]


def data(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """Return the verdicts as data that JSON can hold."""
    return [attrs.asdict(one) for one in verdicts]


def _details(path: str, rejection: Rejection) -> Group:
    facts = Table.grid(padding=(0, 2, 0, 2))
    for label in ("operation", "observed", "allowed", "step"):
        facts.add_row(label, getattr(rejection, label))
    return Group("", Text(f"{path}:{rejection.line}: not allowed", "bold"), facts)
