"""The bound of compression in threads, as tables for the terminal."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from refmodel.report.kcompressd_bound import Bound, Load, Verdict, bound, dearest, verdicts
from refmodel.report.terminal import table

MEASURED = Fraction(8, 3)
"""What the thread measured with threads, for LZ4 and for ZSTD, as a multiple of LZ4 without."""


def page(load: Load, threads: int) -> list[RenderableType]:
    """Return the bounds for 1 to n threads and what the thread's figures need.

    Raises ValueError for a number of threads that is not modelled.
    """
    bounds = _bounds(load, threads)
    return [
        Text("Pages that reclaim can compress in a second", "bold"),
        "",
        _table(load, bounds),
        "",
        Text("Figures of the thread", "bold"),
        "",
        _figures(load, threads),
        "",
        Text(_zstd(load, threads)),
    ]


def data(load: Load, threads: int) -> dict[str, Any]:
    """Return the same as data that JSON can hold; rates are pages per second.

    Raises ValueError for a number of threads that is not modelled.
    """
    return {
        "synchronous": float(load.synchronous),
        "scan_bound": float(1 / load.kswapd),
        "bounds": [
            {
                "threads": each.threads,
                "apart": float(each.apart),
                "inline": float(each.inline),
                "inline_share": float(each.share),
            }
            for each in _bounds(load, threads)
        ],
        "figures": [
            {
                "figure": each.figure.name,
                "rate": float(each.rate),
                "fits": each.fits,
                "threads_apart": each.apart,
                "threads_inline": each.inline,
            }
            for each in verdicts(load, threads)
        ],
    }


def _bounds(load: Load, threads: int) -> list[Bound]:
    bound(load, threads)
    return [bound(load, n) for n in range(1, threads + 1)]


def _table(load: Load, bounds: list[Bound]) -> RenderableType:
    made = table(
        "threads", "max(t1+t3, t2/n)", "factor", "with inline fall-back", "factor", "compressed inline"
    )
    for column in made.columns:
        column.justify, column.no_wrap = "right", True
    base = load.synchronous
    made.add_row("none", f"{float(base):,.0f}", "1.00", f"{float(base):,.0f}", "1.00", "100%")
    for each in bounds:
        rates = [(rate, rate / base) for rate in (each.apart, each.inline)]
        cells = [text for rate, factor in rates for text in (f"{float(rate):,.0f}", f"{float(factor):.2f}")]
        made.add_row(str(each.threads), *cells, f"{float(each.share):.1%}")
    return made


def _figures(load: Load, threads: int) -> RenderableType:
    made = table("figure", "means", "apart", "inline", "verdict")
    made.columns[1].justify = "right"
    for each in verdicts(load, threads):
        needs = [_needs(each, count) for count in (each.apart, each.inline)]
        made.add_row(each.figure.name, f"{float(each.rate):,.0f}", *needs, _word(load, each))
    return made


def _needs(verdict: Verdict, count: int | None) -> str:
    if not count:
        return "-" if count is None else "none"
    return f"{count}" if count == verdict.figure.only else f"from {count}"


def _word(load: Load, verdict: Verdict) -> str:
    if verdict.fits:
        return "fits"
    if verdict.rate > 1 / load.kswapd:
        return f"cannot: scanning ends at {float(1 / load.kswapd):,.0f}"
    only = verdict.figure.only
    return "cannot with one thread" if only == 1 else "cannot with so few threads or CPUs"


def _zstd(load: Load, threads: int) -> str:
    rate = MEASURED * load.rate
    dear = dearest(load, threads, rate)
    if dear is None:
        return f"No compressor reaches {float(rate):,.0f} a second here."
    apart, inline = (f"{float(each):.2f}" for each in dear)
    return (
        f"{threads} threads reach {float(rate):,.0f} a second with a compressor that costs up to {apart} times "
        f"this one,\n{inline} times with inline fall-back. ZSTD was measured at about that rate."
    )
