"""Entries on the lists of the wrong node, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.numa import Hosts, Pressure, Row, wrong_lists, wrong_locks
from refmodel.profiles.numa import Placement
from refmodel.report.terminal import table

Closed = Callable[[Placement, Hosts, int], Fraction]
"""A figure in closed form: of a placement, a machine, and the pages that CPUs of other nodes have stored."""

FIGURES: tuple[tuple[str, str, Closed], ...] = (
    ("out_of_reach", "(a) pages on the node under pressure that its shrinker cannot free", wrong_lists),
    ("elsewhere", "(b) pages that it reports as freed on the node, and that lay on another", wrong_lists),
    ("astray", "entries that leave one list while the lock and the count are another's", wrong_locks),
)
"""What is counted: name in ``OnNode``, title, closed form."""


def page(rows: Sequence[Row], hosts: Hosts) -> list[RenderableType]:
    """Return where everything goes, and the three figures for each mix, as tables."""
    first = rows[0].pressures
    title = (
        f"{first[0].pages} pages in zswap, {hosts.pages} on each of {hosts.nodes} nodes; CPUs: {hosts.cpus}. "
        "Each node is under pressure in turn."
    )
    parts: list[RenderableType] = [Text(title, "bold"), "", _places(rows)]
    for name, heading, closed in FIGURES:
        parts += ["", Text(heading, "bold"), _figure(rows, hosts, name, closed)]
    legend = "f: share that CPUs of other nodes have stored; P: pages; N: nodes. Figures are measured."
    return [*parts, "", legend]


def data(rows: Sequence[Row], hosts: Hosts) -> dict[str, Any]:
    """Return the same as data that JSON can hold, node by node, with the closed forms."""
    return {
        "nodes": hosts.nodes,
        "cpus": hosts.cpus,
        "pages_per_node": hosts.pages,
        "placements": [_placement(row, hosts) for row in rows],
    }


def _placement(row: Row, hosts: Hosts) -> dict[str, Any]:
    where = row.placement
    return {
        "name": where.name,
        "profile": where.profile.name,
        "bytes": where.data,
        "entry": where.metadata,
        "listed": where.listed,
        "looked_up": where.looked_up,
        "mixes": [_pressure(where, hosts, pressure) for pressure in row.pressures],
    }


def _pressure(where: Placement, hosts: Hosts, pressure: Pressure) -> dict[str, Any]:
    figures = {name: pressure.sum(name) for name, _, _ in FIGURES}
    forms = {name: float(closed(where, hosts, pressure.foreign)) for name, _, closed in FIGURES}
    return {
        "mix": float(pressure.mix),
        "pages": pressure.pages,
        "stored_from_another_node": pressure.foreign,
        "reported": pressure.sum("reported"),
        **figures,
        "closed_form": forms,
        "by_node": [attrs.asdict(node) for node in pressure.nodes],
    }


def _places(rows: Sequence[Row]) -> RenderableType:
    made = table("on the node of the", "bytes", "entry", "list", "list looked up for removal")
    for row in rows:
        where = row.placement
        made.add_row(where.name, where.data, where.metadata, where.listed, where.looked_up)
    return made


def _figure(rows: Sequence[Row], hosts: Hosts, name: str, closed: Closed) -> RenderableType:
    mixes = [f"{float(pressure.mix):.0%}\n{pressure.foreign}" for pressure in rows[0].pressures]
    made = table("stored by a CPU of another node\npages", *mixes, "closed form")
    for column in made.columns[1:-1]:
        column.justify = "right"
    for row in rows:
        counts = [str(pressure.sum(name)) for pressure in row.pressures]
        made.add_row(row.placement.name, *counts, _in_words(row.placement, hosts, closed))
    return made


def _in_words(where: Placement, hosts: Hosts, closed: Closed) -> str:
    """Return the closed form as it depends on the share of stores by CPUs of other nodes."""
    nothing, something = closed(where, hosts, 0), closed(where, hosts, 1)
    if nothing != something:
        return "f P"
    return "(N-1)/N P" if nothing else "0"
