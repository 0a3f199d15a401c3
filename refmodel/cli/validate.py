"""``refmodel validate``: is a recorded trace allowed?"""

from __future__ import annotations

import sys
from typing import Literal

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED
from refmodel.cli.options import json_option, print_json


@click.command(short_help="Tell whether recorded traces are allowed.")
@click.argument("traces", metavar="TRACE...", nargs=-1, required=True)
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    help="Hold against this profile.  [default: the one of the recorded kernel]",
)
@click.option(
    "--level",
    type=click.Choice(["data", "counters", "events"]),
    help="Compare up to this level.  [default: the highest that the recording supports]",
)
@json_option
def validate(
    traces: tuple[str, ...],
    profile_name: str | None,
    level: Literal["data", "counters", "events"] | None,
    as_json: bool,
) -> None:
    """Tell whether recorded traces are allowed, and which guard or step refuses one that is not.

    TRACE is a file of the schema linux-zswap-trace/1, plain or gzipped. Levels: data compares page states and
    contents, counters also the exact counters, events also the order of the kernel's events.
    """
    from refmodel.conformance import validator
    from refmodel.report import verdicts
    from refmodel.report.terminal import console, show

    found: list[validator.Verdict] = []
    try:
        with console(stderr=True).status("") as status:
            for trace in traces:
                status.update(f"validating {trace}")
                found.append(validator.validate(trace, profile_name, level))
    finally:  # a file that cannot be read does not make the verdicts on those before it worthless
        if as_json:
            print_json(verdicts.data(found))
        elif found:
            show(*verdicts.page(found))
    kinds = {verdict.verdict for verdict in found}
    sys.exit(REFUTED if "rejected" in kinds else UNDECIDED if "undecided" in kinds else FINE)
