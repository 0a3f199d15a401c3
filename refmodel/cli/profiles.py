"""``refmodel profiles``: the versions."""

from __future__ import annotations

import click

from refmodel.cli.options import json_option, print_json


@click.command(short_help="List the profiles.")
@click.argument("names", nargs=-1, metavar="")
@json_option
def profiles(names: tuple[str, ...], as_json: bool) -> None:
    """List all profiles: kernel versions and patch series."""
    if names:
        hint = f"refmodel diff {' '.join(names)}" if len(names) == 2 else "refmodel diff A B"
        raise click.UsageError(f"found {' '.join(names)}; expected nothing; {hint} tells what differs")

    from refmodel.report import compare
    from refmodel.report.terminal import show

    print_json(compare.list_data()) if as_json else show(*compare.profile_list())
