"""What compression buffers cost, as a table for the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from refmodel.report import buffers
from refmodel.report.terminal import table


def page(cpus: int) -> list[RenderableType]:
    """Return what buffers cost on a machine with so many CPUs, and what the stated figures say beyond that."""
    low, high = buffers.request_bytes()
    return [
        Text(f"Compression buffers of one pool, on {cpus:,} CPUs", "bold"),
        "",
        _costs(cpus),
        "",
        Text(
            "Stated figures count more than buffers: they leave "
            f"{float(low):.0f} to {float(high):.0f} bytes for each request."
        ),
    ]


def data(cpus: int) -> dict[str, Any]:
    """Return the same as data that JSON can hold, in bytes; what is stated in KiB."""
    low, high = buffers.request_bytes()
    return {
        "cpus": cpus,
        "buffers": [
            {
                "design": design.design,
                "compressor": design.compressor,
                "requests": design.requests,
                "buffers": design.buffers,
                "pages": design.pages,
                "bytes": design.bytes,
                "total": design.total(cpus),
                "stated_kib": None if design.stated is None else float(design.stated),
                "source": design.source,
            }
            for design in buffers.DESIGNS
        ],
        "request_bytes": {"least": float(low), "most": float(high)},
    }


def _costs(cpus: int) -> RenderableType:
    made = table(
        "version", "compressor", "requests", "buffers", "pages each", "KiB a CPU", "stated", "MiB in all"
    )
    for column in made.columns[2:]:
        column.justify, column.no_wrap = "right", True
    for design in buffers.DESIGNS:
        made.add_row(
            design.design,
            design.compressor,
            str(design.requests),
            str(design.buffers),
            str(design.pages),
            f"{design.bytes / buffers.KIB:,.1f}",
            "" if design.stated is None else f"{float(design.stated):.1f}",
            f"{design.total(cpus) / buffers.MIB:,.1f}",
        )
    return made
