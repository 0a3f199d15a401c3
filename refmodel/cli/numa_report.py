"""``refmodel numa-report``: what entries on the lists of the wrong node cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import OneLine
from refmodel.cli.options import json_option, print_json
from refmodel.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from refmodel.engines.numa import Hosts, Row
    from refmodel.profiles.numa import Placement


@click.command("numa-report", short_help="Count what pressure on a node cannot free, and frees elsewhere.")
@click.option("--nodes", default=2, show_default=True, metavar="N", help="Memory nodes, 2 or more.")
@click.option("--cpus", default=4, show_default=True, metavar="N", help="CPUs, dealt to the nodes in turn.")
@click.option("--pages", default=64, show_default=True, metavar="N", help="Pages on each node.")
@click.option(
    "--profile",
    "names",
    multiple=True,
    metavar="NAME",
    help="Kernel version or series, several times for several; by default those that differ.",
)
@click.option(
    "--plot",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Draw the figures, too; the ending says how: .svg, .pdf, .png.",
)
@json_option
def numa_report(
    nodes: int, cpus: int, pages: int, names: tuple[str, ...], picture: Path | None, as_json: bool
) -> None:
    """Store pages from CPUs of their own and of other nodes, put each node under pressure, and count.

    An entry of zswap may be on the LRU list of another node than its bytes. Then pressure on the node of the
    bytes cannot free it, and pressure on the other node frees it and reports it as freed there. The model runs;
    the closed form stands beside what was counted.
    """
    from refmodel.profiles.numa import COMPARED, placements
    from refmodel.report import numa_page
    from refmodel.report.terminal import show

    hosts = _hosts(nodes, cpus, pages)
    draw = _plotter(picture)
    rows = _measured([each for name in names or COMPARED for each in placements(name)], hosts)
    print_json(numa_page.data(rows, hosts)) if as_json else show(*numa_page.page(rows, hosts))
    draw(rows)


def _hosts(nodes: int, cpus: int, pages: int) -> Hosts:
    from refmodel.engines.numa import Hosts

    try:
        return Hosts(nodes, cpus, pages)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _measured(where: Sequence[Placement], hosts: Hosts) -> list[Row]:
    from refmodel.engines.numa import measure

    rows: list[Row] = []

    def line(each: Placement) -> str:
        return f"{len(rows) + 1} of {len(where)}: {each.name}"

    with progress(line) as tell:
        for each in where:
            tell(each)
            rows.append(measure(each, hosts))
    return rows


def _plotter(picture: Path | None) -> Callable[[Sequence[Row]], None]:
    """Return what draws the picture; refuse before anything is measured what cannot be drawn."""
    if picture is None:
        return lambda rows: None
    try:
        from refmodel.report import numa_plot
    except ImportError as error:
        if error.name != "matplotlib":
            raise
        raise OneLine(
            "--plot needs matplotlib, which is not installed; pip install refmodel[plots]"
        ) from None
    if picture.suffix.lower() not in numa_plot.ENDINGS:
        raise click.UsageError(f"--plot {picture}: expected an ending of {', '.join(numa_plot.ENDINGS)}")
    if not picture.absolute().parent.is_dir():
        raise click.UsageError(f"--plot {picture}: no such directory; make it first")
    return lambda rows: numa_plot.draw(rows, picture)
