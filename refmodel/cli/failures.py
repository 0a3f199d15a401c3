"""``refmodel failures``: every way in which a store can fail half-way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import FINE, REFUTED
from refmodel.cli.options import json_option, print_json
from refmodel.cli.progress import progress
from refmodel.cli.subject import change_option, known_bugs_option, options, released, subject

if TYPE_CHECKING:
    from refmodel.profiles import Profile

DEFAULT = "batching-v14"
"""The profile that is meant when neither one nor a change is named: the last that stores in batches."""


@click.command(short_help="Let every step of a store fail.")
@click.option(
    "--profile", "profile_name", metavar="NAME", help=f"Kernel version or series.  [default: {DEFAULT}]"
)
@click.option("--preset", default="batches", show_default=True, metavar="NAME", help="Sizes.")
@click.option("--pairs", is_flag=True, help="Let a second failure follow wherever the store goes on.")
@click.option("--goal", type=int, metavar="N", help="Run one goal only and tell it step by step.")
@click.option("--against", metavar="NAME", help="Compare with another design of the same store instead.")
@change_option
@known_bugs_option
@json_option
def failures(
    profile_name: str | None,
    preset: str,
    pairs: bool,
    goal: int | None,
    against: str | None,
    change: str | None,
    known_bugs: bool,
    as_json: bool,
) -> None:
    """Store a large folio with every failure at every page, and look for what each leaves behind.

    The steps that can fail are read off the profile's operations; each is let fail at each position in each
    batch, without and with older entries of the folio's slots, and for both kinds of compressor. Afterwards
    everything has to be as it was: tree, pools, charges, references, lists.
    """
    from refmodel.engines.partial_failure import fail_everywhere
    from refmodel.report import failures_page
    from refmodel.report.terminal import show

    profile = subject(profile_name or (None if change else DEFAULT), change, known_bugs)
    if against is not None:
        _compare(profile, released(against, known_bugs), as_json)
        return
    with progress(failures_page.progress_line) as tell:
        result = fail_everywhere(profile, preset, pairs=pairs, only=goal, progress=tell)
    words = "" if change else f" --profile {profile.name}", options(change, known_bugs)
    if as_json:
        print_json(failures_page.data(result))
    elif goal is not None:
        show(*failures_page.goal_page(result.outcomes[0], result, *words))
    else:
        show(*failures_page.page(result, *words))
    sys.exit(FINE if result.fine else REFUTED)


def _compare(first: Profile, second: Profile, as_json: bool) -> None:
    """Print two designs side by side."""
    from refmodel.engines.scope_file import load_scope
    from refmodel.engines.two_stores import compare
    from refmodel.report import two_stores_page
    from refmodel.report.terminal import show
    from refmodel.resources import specs_dir

    scope = load_scope(specs_dir() / "scopes" / "insert-first.toml").scope
    with progress(str) as tell:
        found = compare(first, second, scope, tell)
    if as_json:
        print_json(two_stores_page.data(found))
    else:
        show(*two_stores_page.page(found))
