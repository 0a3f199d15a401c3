"""Measured figures against their goals, and the one figure that needs the validator."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.conformance.trace_file import read_trace
from refmodel.conformance.validator import validate
from refmodel.engines import bench
from refmodel.engines.bench import Figure
from refmodel.report.terminal import table
from refmodel.resources import specs_dir


def figures(profile_name: str) -> Iterator[Figure]:
    """Measure one figure after the other; takes about a minute.

    Raises UnknownProfile.
    """
    yield from bench.bench(profile_name)
    yield validation()


def validation() -> Figure:
    """Measure how long the trace with the most events takes to validate, reading and checking its form included."""
    traces = (specs_dir() / "traces").glob("*.jsonl.gz")
    largest = max(sorted(traces), key=lambda path: read_trace(path).end["events"])
    begin = time.process_time()
    validate(largest)
    return Figure(f"validating {largest.name}", 5, time.process_time() - begin, "s", at_most=True)


def page(found: Sequence[Figure]) -> list[RenderableType]:
    """Return the figures as a table."""
    made = table("figure", "measured", "goal", "unit", "")
    for column in made.columns[1:3]:
        column.justify = "right"
    for figure in found:
        goal = f"{'<=' if figure.at_most else '>='} {_number(figure.goal)}"
        reached = Text("reached", "green") if figure.reached else Text("missed", "bold red")
        made.add_row(figure.name, _number(figure.measured), goal, figure.unit, reached)
    return [made]


def data(found: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return the figures as data that JSON can hold."""
    return [attrs.asdict(figure) | {"reached": figure.reached} for figure in found]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
