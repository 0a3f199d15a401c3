"""``refmodel kcompressd-bound``: what reclaim gains at most when threads compress."""

from __future__ import annotations

import re
from fractions import Fraction

import click

from refmodel.cli.options import json_option, print_json

_NUMBER = r"\d{1,9}(?:\.\d{1,9})?"


def _shares(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[Fraction, ...]:
    """Read shares such as 3:7 or 3:7:2."""
    if not re.fullmatch(rf"{_NUMBER}:{_NUMBER}(?::{_NUMBER})?", value):
        raise click.BadParameter(
            f"{value!r} is no split; expected scan:compress or scan:compress:file, such as 3:7"
        )
    return tuple(Fraction(part) for part in value.split(":"))


def _number(ctx: click.Context, parameter: click.Parameter, value: str) -> Fraction:
    """Read a number that is not negative."""
    if not re.fullmatch(_NUMBER, value):
        raise click.BadParameter(f"{value!r} is no number of 0 or more; expected one such as 0.25")
    return Fraction(value)


@click.command("kcompressd-bound", short_help="Print what reclaim gains at most when threads compress.")
@click.option(
    "--split",
    default="3:7",
    show_default=True,
    metavar="T1:T2[:T3]",
    callback=_shares,
    help="Shares of scanning, compressing and file pages in the time without threads.",
)
@click.option(
    "--rate",
    type=click.IntRange(min=1),
    default=300_000,
    show_default=True,
    metavar="N",
    help="Pages in a second without threads.",
)
@click.option(
    "--threads",
    type=click.IntRange(1, 64),
    default=4,
    show_default=True,
    metavar="N",
    help="Compression threads, at most.",
)
@click.option(
    "--rescan",
    default="0",
    show_default=True,
    metavar="SHARE",
    callback=_number,
    help="What a second look at each page costs, as a share of T1.",
)
@click.option(
    "--cost",
    default="1",
    show_default=True,
    metavar="FACTOR",
    callback=_number,
    help="How much dearer another compressor is.",
)
@click.option(
    "--cpus",
    type=click.IntRange(min=1),
    default=None,
    metavar="N",
    help="CPUs for kswapd and the threads.  [default: enough]",
)
@json_option
def kcompressd_bound(
    split: tuple[Fraction, ...],
    rate: int,
    threads: int,
    rescan: Fraction,
    cost: Fraction,
    cpus: int | None,
    as_json: bool,
) -> None:
    """Print how many pages kswapd can reclaim in a second when threads compress for it.

    The first column of rates is max(t1+t3, t2/n): kswapd scans, n threads compress, the slower side sets
    the pace. The second is for a queue that fills up: kswapd then compresses by itself.

    The second table says which figures of the thread on kcompressd fit, and with how many threads.
    """
    from refmodel.report import kcompressd_bound_page
    from refmodel.report.kcompressd_bound import Load
    from refmodel.report.terminal import show

    try:
        load = Load(
            scan=split[0],
            compress=split[1],
            file=sum(split[2:], Fraction(0)),
            rate=rate,
            rescan=rescan,
            cost=cost,
            cpus=cpus,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json(kcompressd_bound_page.data(load, threads))
    else:
        show(*kcompressd_bound_page.page(load, threads))
