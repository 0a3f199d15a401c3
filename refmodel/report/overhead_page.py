"""What swap metadata costs, as tables for the terminal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from refmodel.report import overhead
from refmodel.report.terminal import table

UTILISATIONS = tuple(Fraction(quarter, 4) for quarter in range(5))


def page(device: int) -> list[RenderableType]:
    """Return costs of a device of so many bytes, per-page overhead and break-even utilisations as tables.

    Raises ValueError when the device is no positive number of whole pages.
    """
    size = f"{device / overhead.GIB:g} GiB"
    title = f"Swap metadata of a device of {size} in MiB, by the share of it that is in use"
    return [Text(title, "bold"), "", _costs(device), "", _break_evens()]


def data(device: int) -> dict[str, Any]:
    """Return the same as data that JSON can hold: bytes, and utilisations as shares of 1.

    Raises ValueError when the device is no positive number of whole pages.
    """
    costs = overhead.table(device, UTILISATIONS)
    return {
        "device": device,
        "costs": [
            {"design": cost.design, "utilisation": float(cost.utilisation), "bytes": float(cost.bytes)}
            for cost in costs
        ],
        "break_even": [
            {"design": each.design, "against": each.against, "utilisation": float(each.utilisation)}
            for each in overhead.break_evens()
        ],
    }


def _costs(device: int) -> RenderableType:
    heads = [f"{float(share):.0%}" for share in UTILISATIONS]
    made = table("design", "what is counted", "B/slot", "B/page", *heads)
    for column in made.columns[2:]:
        column.justify, column.no_wrap = "right", True
    costs = overhead.table(device, UTILISATIONS)
    for design in overhead.DESIGNS:
        mine = (f"{cost.mib:,.1f}" for cost in costs if cost.design == design.name)
        made.add_row(
            design.name, design.meaning, f"{float(design.static):g}", f"{float(design.dynamic):g}", *mine
        )
    return made


def _break_evens() -> RenderableType:
    made = table("design", "costs less than", "while in use is less than", "share of swapped memory")
    for column in made.columns[2:]:
        column.justify = "right"
    designs = {design.name: design for design in overhead.DESIGNS}
    for each in overhead.break_evens():
        share = overhead.share_of_memory(designs[each.design])
        made.add_row(each.design, each.against, f"{float(each.utilisation):.1%}", f"{float(share):.2%}")
    return made
