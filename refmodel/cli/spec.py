"""``refmodel spec``: read the specification."""

from __future__ import annotations

import click

from refmodel.cli.options import json_option, print_json, profile_option


@click.command(short_help="Print the steps of an operation.")
@click.argument("operation", required=False)
@profile_option
@json_option
def spec(operation: str | None, profile_name: str, as_json: bool) -> None:
    """Print the steps of OPERATION, or the list of all operations.

    Every step is shown with its guards and what follows, the choices that it leaves to the environment, the
    counters that it moves and the events that it tells.
    """
    from refmodel.profiles import profile
    from refmodel.report import spec as report
    from refmodel.report.terminal import show

    chosen = profile(profile_name)
    if as_json:
        print_json(report.operation_data(chosen, operation) if operation else report.list_data(chosen))
    else:
        show(*(report.operation_page(chosen, operation) if operation else report.operation_list(chosen)))
