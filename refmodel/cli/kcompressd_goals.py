"""``refmodel kcompressd-goals``: every event in every state of a queue."""

from __future__ import annotations

import sys

import click

from refmodel.cli.errors import FINE, REFUTED
from refmodel.cli.options import json_option, print_json
from refmodel.cli.subject import known_bugs_option


@click.command("kcompressd-goals", short_help="Reach every event in every state of a queue.")
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    default="kcompressd-b",
    show_default=True,
    help="Discipline: kcompressd-a, kcompressd-b, kcompressd-c.",
)
@known_bugs_option
@json_option
def kcompressd_goals(profile_name: str, known_bugs: bool, as_json: bool) -> None:
    """Explore scopes in which everything happens to a queue, and look for each event in each of its states.

    A queue is empty, has some folios or is full; its thread is not started, asleep, awake, told to end, or has ended;
    or the ring was freed. A cell that cannot be says why; one that is neither reached nor impossible is a failure.
    """
    from refmodel.cli.subject import released
    from refmodel.engines.kcompressd_goals import reach
    from refmodel.report import kcompressd_goals_page
    from refmodel.report.terminal import show

    profile = released(profile_name, known_bugs)
    if profile.options.kcompressd is None:
        raise click.UsageError(f"profile {profile.name}: it has no queues; expected one such as kcompressd-b")
    goals = reach(profile)
    if as_json:
        print_json(kcompressd_goals_page.data(goals))
    else:
        show(*kcompressd_goals_page.page(profile, goals))
    sys.exit(FINE if goals.fine else REFUTED)
