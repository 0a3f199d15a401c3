"""What became of the goals of a discipline of kcompressd, as tables for the terminal and as data."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.kcompressd_cells import CELLS, EVENTS
from refmodel.engines.kcompressd_goals import Goals
from refmodel.profiles import Profile
from refmodel.report.terminal import table


def page(profile: Profile, goals: Goals) -> list[RenderableType]:
    """Return in how many states of the queue each event was reached, why not in others, and what is wrong."""
    shown = table("event", "reached", "cannot be", "of")
    for event in EVENTS:
        mine = [cell for cell in CELLS if cell.event == event.name]
        counts = sum(cell in goals.reached for cell in mine), sum(cell in goals.impossible for cell in mine)
        shown.add_row(event.name, *map(str, (*counts, len(mine))))
    reasons = table("cells", "cannot be, because")
    for reason, number in Counter(goals.impossible.values()).items():
        reasons.add_row(str(number), reason)
    summary = f"{len(CELLS)} cells, {len(goals.reached)} reached, {len(goals.impossible)} cannot be"
    wrong = [Text(line) for line in _wrong(goals)]
    head = Text(f"states of a queue and events on {profile.name}", "bold")
    return [head, shown, reasons, Text(f"{summary}; {goals.states:,} states explored"), *wrong]


def _wrong(goals: Goals) -> list[str]:
    lines = [f"not reached: {cell.text}" for cell in goals.missed]
    lines += [f"reached, and cannot be ({goals.impossible[cell]}): {cell.text}" for cell in goals.wrong]
    return [*lines, *(f"{scope}: {what}" for scope, what in goals.broken.items())]


def data(goals: Goals) -> list[dict[str, Any]]:
    """Return each cell as data that JSON can hold: its state and event, where it is reached, or why it cannot be."""
    return [
        {
            "queue": cell.fill,
            "thread": cell.thread,
            "event": cell.event,
            "reached": goals.reached.get(cell),
            "cannot_be": goals.impossible.get(cell),
        }
        for cell in CELLS
    ]
