"""``refmodel profiles``: the versions, and what differs between two of them."""

from __future__ import annotations

import click

from refmodel.cli.options import json_option, print_json


@click.command(short_help="List the profiles, or compare two.")
@click.argument("before", metavar="[A", required=False)
@click.argument("after", metavar="B]", required=False)
@json_option
def profiles(before: str | None, after: str | None, as_json: bool) -> None:
    """List all profiles, or tell what differs from profile A to profile B, step by step."""
    if before and not after:
        raise click.UsageError(f"found one profile, {before!r}; expected none or two")

    from refmodel.profiles import profile
    from refmodel.report import compare
    from refmodel.report.terminal import show

    if not before or not after:
        print_json(compare.list_data()) if as_json else show(*compare.profile_list())
        return
    found = compare.difference(profile(before), profile(after))
    print_json(compare.difference_data(found)) if as_json else show(*compare.difference_page(found))
