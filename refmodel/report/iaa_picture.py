"""Who uses which device: a grid of CPUs and devices, as SVG that needs nothing else.

A row is a group of CPUs that are alike and of one package, a column a device.  The darker a cell, the more of the row's
jobs go to the device.  Below stand the shares of the devices beside their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import attrs

from refmodel.engines.iaa_host_file import HostFile
from refmodel.engines.iaa_usage import Alike, Direction, Load, Usage
from refmodel.kernel.iaa_topology import Wq, cpulist

LABEL = 250
"""Width of the column of CPUs, in pixels, as all lengths here."""

COLUMN, ROW, BARS, MARGIN, TOP, LEGEND = 92, 26, 130, 20, 84, 60

LETTERS = 34
"""Letters of a list of CPUs that fit; the whole list shows while the pointer rests on it."""

INK, PALE, ALARM = "#222222", "#8a8a8a", "#c62828"


@attrs.frozen
class _Op:
    """A direction of jobs, and which part of a cell it has: from ``at`` on, ``width`` wide."""

    name: str
    colour: str
    at: float
    width: float

    def queues(self, row: Alike) -> tuple[Wq, ...]:
        return row.decompress if self.name == "decompress" else row.compress

    def jobs(self, load: Load) -> Direction:
        return load.decompress if self.name == "decompress" else load.compress


_INSIDE = COLUMN - 4
_ONE = (_Op("both directions", "#3d6b3a", 2, _INSIDE),)
_TWO = (
    _Op("compress", "#1f5fa8", 2, _INSIDE / 2),
    _Op("decompress", "#b8620b", 2 + _INSIDE / 2, _INSIDE / 2),
)


def svg(file: HostFile, made: Usage) -> str:
    """Return the picture as text.  The same tables give the same picture."""
    ops, rows = _ONE if made.driver.cursors == 1 else _TWO, _rows(made)
    below = TOP + len(rows) * ROW
    width = max(LABEL + len(made.loads) * COLUMN, 760) + 2 * MARGIN
    height = below + BARS + LEGEND
    root = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}")
    root.attrib |= {
        "width": str(width),
        "height": str(height),
        "font-family": "sans-serif",
        "font-size": "12",
    }
    _rect(root, 0, 0, width, height, "#ffffff")
    _text(root, MARGIN, 28, f"{file.name} on {made.driver.name}: who uses which device", size=16)
    _heads(root, made, below + BARS)
    for number, row in enumerate(rows):
        _row(root, made, ops, row, TOP + number * ROW)
    _bars(root, made, ops, below)
    _legend(root, ops, below + BARS + 34)
    ElementTree.indent(root, "")
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def _rows(made: Usage) -> list[Alike]:
    """Return the CPUs that are alike and of one package."""
    packages = range(made.host.packages)
    split = (
        attrs.evolve(each, cpus=tuple(cpu for cpu in each.cpus if made.host.cpus[cpu].package == package))
        for each in made.alike
        for package in packages
    )
    return [row for row in split if row.cpus]


def _heads(root: Element, made: Usage, bottom: float) -> None:
    """Head the columns with the devices and the packages that they sit in."""
    before = None
    for number, load in enumerate(made.loads):
        x = _column(number)
        if load.device.package != before:
            before = load.device.package
            _text(root, x + 4, TOP - 28, f"package {before}", colour=PALE)
            _line(root, x, TOP - 40, x, bottom, PALE)
        _text(root, x + COLUMN / 2, TOP - 8, load.device.name, "middle")


def _row(root: Element, made: Usage, ops: Sequence[_Op], row: Alike, y: float) -> None:
    package = made.host.cpus[row.cpus[0]].package
    whole = f"CPUs {cpulist(row.cpus)}"
    short = whole if len(whole) <= LETTERS else f"{whole[: LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"
    _line(root, MARGIN, y, _column(len(made.loads)), y, "#e4e4e4")
    _tip(_text(root, MARGIN, y + 17, short), f"{whole}; {len(row.cpus)} of package {package}")
    for number, load in enumerate(made.loads):
        used = [_cell(root, op, row, load, _column(number), y) for op in ops]
        if any(used) and load.device.package != package:
            _rect(root, _column(number) + 1, y + 1.5, COLUMN - 2, ROW - 3, "none").attrib |= {
                "stroke": ALARM,
                "stroke-width": "2",
            }


def _cell(root: Element, op: _Op, row: Alike, load: Load, x: float, y: float) -> bool:
    """Fill the part of a cell that a direction has; return whether any of its jobs go there."""
    wqs = op.queues(row)
    mine = [wq for wq in wqs if wq.device == load.device.id]
    if not mine:
        return False
    share = Fraction(len(mine), len(wqs))
    cell = _rect(root, x + op.at, y + 3, op.width, ROW - 6, op.colour)
    cell.set("fill-opacity", f"{0.25 + 0.65 * float(share):.2f}")
    _tip(cell, f"{op.name}: {' '.join(map(str, mine))}")
    shown, colour = ("all", "#ffffff") if share == 1 else (str(share), INK)
    _text(root, x + op.at + op.width / 2, y + 17, shown, "middle", colour)
    return True


def _bars(root: Element, made: Usage, ops: Sequence[_Op], top: float) -> None:
    """Draw the share of each device, and the mean as a line through all."""
    mean = Fraction(made.host.nr_cpus, len(made.loads))
    shares = [op.jobs(load).share for load in made.loads for op in ops]
    most = max(*shares, mean)
    floor, room = top + BARS, BARS - 40
    for number, load in enumerate(made.loads):
        for op in ops:
            share = op.jobs(load).share
            high = float(share / most) * room
            x = _column(number) + op.at
            _rect(root, x + 4, floor - high, op.width - 8, high, op.colour)
            _text(root, x + op.width / 2, floor - high - 4, f"{float(share):.3g}", "middle")
    level = floor - float(mean / most) * room
    end = _column(len(made.loads))
    _line(root, _column(0), level, end, level, ALARM).set("stroke-dasharray", "5 4")
    _line(root, _column(0), floor, end, floor, INK)
    _text(root, MARGIN, level + 4, f"mean: the jobs of {float(mean):.3g} CPUs", colour=ALARM)
    _text(root, MARGIN, floor, "share, counted in CPUs")


def _legend(root: Element, ops: Sequence[_Op], y: float) -> None:
    x: float = MARGIN
    for op in ops:
        _rect(root, x, y - 11, 14, 14, op.colour)
        _text(root, x + 20, y, op.name)
        x += 130
    _rect(root, x, y - 11, 14, 14, "none").attrib |= {"stroke": ALARM, "stroke-width": "2"}
    _text(root, x + 20, y, "device of another package")
    _text(root, x + 200, y, "1/4: a quarter of the jobs of these CPUs", colour=PALE)


def _column(number: int) -> float:
    return MARGIN + LABEL + number * COLUMN


def _rect(root: Element, x: float, y: float, width: float, height: float, fill: str) -> Element:
    place = {"x": f"{x:g}", "y": f"{y:g}", "width": f"{width:g}", "height": f"{height:g}"}
    return ElementTree.SubElement(root, "rect", {**place, "fill": fill})


def _line(root: Element, x: float, y: float, to_x: float, to_y: float, colour: str) -> Element:
    ends = {"x1": f"{x:g}", "y1": f"{y:g}", "x2": f"{to_x:g}", "y2": f"{to_y:g}"}
    return ElementTree.SubElement(root, "line", {**ends, "stroke": colour})


def _text(
    root: Element, x: float, y: float, text: str, anchor: str = "start", colour: str = INK, size: int = 12
) -> Element:
    place = {"x": f"{x:g}", "y": f"{y:g}", "text-anchor": anchor, "fill": colour, "font-size": str(size)}
    made = ElementTree.SubElement(root, "text", place)
    made.text = text
    return made


def _tip(element: Element, text: str) -> None:
    """Let a text show while the pointer rests on an element."""
    ElementTree.SubElement(element, "title").text = text
