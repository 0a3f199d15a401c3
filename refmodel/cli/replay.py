"""``refmodel replay``: run a failure again."""

from __future__ import annotations

import sys

import click

from refmodel.cli.errors import FINE, REFUTED
from refmodel.cli.options import json_option, print_json
from refmodel.cli.subject import change_option, known_bugs_option, subjects


@click.command(short_help="Run a failure again, step by step.")
@click.argument("token")
@change_option
@known_bugs_option
@json_option
def replay(token: str, change: str | None, known_bugs: bool, as_json: bool) -> None:
    """Run the program of TOKEN again and print every step.

    A token stands for a profile, a preset and every choice of one run. `refmodel check` prints one for each failure.
    """
    from refmodel.engines.replay import replay_token
    from refmodel.report import timeline
    from refmodel.report.terminal import show

    found = replay_token(token, subjects(change, known_bugs))
    print_json(timeline.data(found)) if as_json else show(*timeline.page(found))
    sys.exit(REFUTED if found.violation else FINE)
