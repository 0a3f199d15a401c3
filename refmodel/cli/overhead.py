"""``refmodel overhead``: what swap metadata and compression buffers cost."""

from __future__ import annotations

import re

import click
from click.core import ParameterSource

from refmodel.cli.options import json_option, print_json

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def _bytes(ctx: click.Context, parameter: click.Parameter, value: str) -> int:
    """Read a size such as 512M, in powers of 1024."""
    found = re.fullmatch(r"(\d+)([KMGT]?)", value)
    size = int(found[1]) * _UNITS[found[2]] if found else 0
    if size <= 0 or size % 4096:
        raise click.BadParameter(f"{value!r} is no size of whole pages; expected one such as 512M or 32G")
    return size


@click.command(short_help="Print what swap metadata or compression buffers cost.")
@click.option(
    "--device",
    default="32G",
    show_default=True,
    metavar="SIZE",
    callback=_bytes,
    help="Size of the swap device.",
)
@click.option("--buffers", is_flag=True, help="Print what compression buffers cost instead.")
@click.option(
    "--cpus",
    type=click.IntRange(min=1),
    default=112,
    show_default=True,
    metavar="N",
    help="CPUs of the machine, with --buffers.",
)
@json_option
def overhead(device: int, buffers: bool, cpus: int, as_json: bool) -> None:
    """Print what swap metadata costs in memory, design by design, and where one pays off against another.

    Some designs pay per slot of the device, others per swapped-out page. Those per page cost less while
    little of the device is in use; the second table says how little.

    With --buffers, print what the buffers of compression contexts cost: those of the versions of zswap
    compression batching, and of what its review discussed.
    """
    from refmodel.report import buffers_page, overhead_page
    from refmodel.report.terminal import show

    if buffers:
        _refuse("device", "--buffers does not depend on a swap device; leave --device out")
        print_json(buffers_page.data(cpus)) if as_json else show(*buffers_page.page(cpus))
    else:
        _refuse("cpus", "--cpus counts the CPUs that have compression buffers; add --buffers")
        print_json(overhead_page.data(device)) if as_json else show(*overhead_page.page(device))


def _refuse(option: str, why: str) -> None:
    """Refuse an option that was given and means nothing here."""
    if click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE:
        raise click.UsageError(why)
