"""``refmodel overhead``: what swap metadata costs."""

from __future__ import annotations

import re

import click

from refmodel.cli.options import json_option, print_json

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _bytes(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    """Read a size such as 512M, in powers of 1024."""
    found = re.fullmatch(r"(\d+)([KMGT]?)", value)
    size = int(found[1]) * _UNITS[found[2]] if found else 0
    if size <= 0 or size % 4096:
        raise click.BadParameter(f"{value!r} is no size of whole pages; expected one such as 512M or 32G")
    return size


@click.command(short_help="Print what swap metadata costs.")
@click.option(
    "--device",
    default="32G",
    show_default=True,
    metavar="SIZE",
    callback=_bytes,
    help="Size of the swap device.",
)
@json_option
def overhead(device: int, as_json: bool) -> None:
    """Print what swap metadata costs in memory, design by design, and where one pays off against another.

    Some designs pay per slot of the device, others per swapped-out page. Those per page cost less while
    little of the device is in use; the second table says how little.
    """
    from refmodel.report import overhead_page
    from refmodel.report.terminal import show

    print_json(overhead_page.data(device)) if as_json else show(*overhead_page.page(device))
