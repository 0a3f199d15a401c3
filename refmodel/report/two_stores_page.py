"""Two designs of a store side by side, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.two_stores import NOWHERE, OLDS, Comparison, Cost
from refmodel.report.terminal import table

if TYPE_CHECKING:
    from rich.table import Table

_MEASURES = {
    "undoing": "steps after the insertion that fails",
    "rewrote": "components that these steps change",
}
"""Fields of ``Work`` that are shown for each position, and what they mean."""


def page(found: Comparison) -> list[RenderableType]:
    """Return what failures cost in both designs, and which states are not the same."""
    first, second = found.profiles
    parts: list[RenderableType] = [Text(f"first: {first}, second: {second}", "bold"), ""]
    for old in OLDS:
        for field, meaning in _MEASURES.items():
            parts += [f"{meaning}, {old} of the slots with an older entry", "", _costs(found, old, field), ""]
    return [*parts, _whole(found), "", *_between(found), "", *_rests(found)]


def data(found: Comparison) -> dict[str, Any]:
    """Return a comparison as data that JSON can hold."""
    return attrs.asdict(found)


def _costs(found: Comparison, old: str, field: str) -> Table:
    """Return a table: a row for each length of the batch, a column for each page whose insertion fails."""
    costs = [cost for cost in found.costs if cost.old == old and cost.position != NOWHERE]
    longest = max(cost.batch for cost in costs)
    made = table("batch", *(f"page {position}" for position in range(longest)))
    for batch in range(1, longest + 1):
        made.add_row(str(batch), *(_cell(cost, field) for cost in costs if cost.batch == batch))
    return made


def _cell(cost: Cost, field: str) -> str:
    one, other = (getattr(work, field) for work in cost.work)
    return f"{one}/{other}"


def _whole(found: Comparison) -> Table:
    """Return what stores cost in which nothing fails, and what they have done when the last insertion fails."""
    longest = max(cost.batch for cost in found.costs)
    made = table("one batch of 8 pages", "older entries", "nothing fails", "before the last insertion fails")
    for number, name in enumerate(found.profiles):
        for old in OLDS:
            costs = [cost for cost in found.costs if cost.batch == longest and cost.old == old]
            ends = (cost for cost in costs if cost.position in (NOWHERE, longest - 1))
            work = (cost.work[number] for cost in ends)
            made.add_row(name, old, *(f"{each.steps} steps, {each.wrote} changes" for each in work))
    return made


def _between(found: Comparison) -> list[RenderableType]:
    between = found.between
    lines: list[RenderableType] = [
        "what can be seen between two steps, 4 pages in batches of 2 (slots: . without an entry, u with one on no "
        "list, L with one on a list; off the tree: entries that are on a list only)",
        f"  both: {len(between.both)} pictures",
    ]
    for name, only in (("first", between.first), ("second", between.second)):
        lines += [f"  {name} only: {len(only)} pictures", *(f"    {seen}" for seen in only)]
    return lines


def _rests(found: Comparison) -> list[RenderableType]:
    made = table("states at rest", "in both", "first only", "second only", "explored")
    for rest in found.rests:
        explored = " and ".join(f"{states:,}" for states in rest.states)
        made.add_row(rest.who, str(rest.both), str(rest.first), str(rest.second), explored)
    return [made]
