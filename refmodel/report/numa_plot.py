"""Entries on the lists of the wrong node, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from refmodel.engines.numa import Row

ENDINGS = (".svg", ".pdf", ".png")
"""Endings of files that can be drawn."""

PANELS = (
    ("out_of_reach", "(a) on the node under pressure, out of its reach"),
    ("elsewhere", "(b) reported as freed on it, lay on another node"),
    ("astray", "taken off a list without its lock"),
)
"""Figures that are drawn: name in ``OnNode``, title."""

_STABLE: Any = {"svg.hashsalt": "refmodel", "svg.fonttype": "none", "font.size": 9}
"""The same figures give the same file, and text stays text."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw shares of all pages against the share that CPUs of other nodes have stored.

    Placements whose figures are all the same share a line.
    """
    with matplotlib.rc_context(_STABLE):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        axes = figure.subplots(1, len(PANELS), sharey=True)
        styles = cycle(("o-", "s--", "^:", "D-.", "v-", "x--"))
        for names, row in _groups(rows):
            style = next(styles)
            for axis, (name, _) in zip(axes, PANELS, strict=True):
                axis.plot(*_line(row, name), style, label="\n".join(names), clip_on=False)
        for axis, (_, title) in zip(axes, PANELS, strict=True):
            axis.set(title=title, xlim=(0, 100), ylim=(0, 100), xlabel="stored by a CPU of another node, %")
            axis.title.set_fontsize(9)
            axis.grid(alpha=0.3)
        axes[0].set_ylabel("of all pages in zswap, %")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(path, metadata={"Date": None} if path.suffix.lower() == ".svg" else None, dpi=150)


def _line(row: Row, name: str) -> tuple[list[float], list[float]]:
    shares = [100 * pressure.foreign / pressure.pages for pressure in row.pressures]
    return shares, [100 * pressure.sum(name) / pressure.pages for pressure in row.pressures]


def _groups(rows: Sequence[Row]) -> list[tuple[list[str], Row]]:
    found: dict[Any, tuple[list[str], Row]] = {}
    for row in rows:
        names, _ = found.setdefault(row.pressures, ([], row))
        names.append(row.placement.name)
    return list(found.values())
