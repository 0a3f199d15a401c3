"""``refmodel bench``: how fast it is here."""

from __future__ import annotations

import click

from refmodel.cli.options import json_option, print_json, profile_option


@click.command(short_help="Measure the speed on this machine.")
@profile_option
@json_option
def bench(profile_name: str, as_json: bool) -> None:
    """Measure the speed of the model, of the engines and of the validator, against their goals.

    Takes about a minute. Other work on the machine makes the figures worse; CPU time is measured where that helps.
    """
    from refmodel.report import bench_page
    from refmodel.report.terminal import console, show

    found = []
    with console(stderr=True).status("measuring") as status:
        for figure in bench_page.figures(profile_name):
            status.update(f"{figure.name}: {figure.measured:,.3g} {figure.unit}")
            found.append(figure)
    print_json(bench_page.data(found)) if as_json else show(*bench_page.page(found))
