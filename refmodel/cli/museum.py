"""``refmodel museum``: known bugs, and what finds them."""

from __future__ import annotations

import sys

import click

from refmodel.cli.errors import FINE, REFUTED
from refmodel.cli.options import json_option, print_json


@click.command(short_help="Show what finds known bugs of the kernel.")
@click.option("--only", metavar="ID", help="Show this bug only, with its story.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="N",
    help="Look for each bug for this time at most.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Where all randomness comes from."
)
@json_option
def museum(only: str | None, seconds: float, seed: int, as_json: bool) -> None:
    """Put known bugs of the kernel back into the model, and tell what finds each of them and how soon.

    A bug that no random run meets in time is shown by a program that was written for it.
    """
    from refmodel.museum import EXHIBITS, exhibit
    from refmodel.report import museum_page
    from refmodel.report.hunt import hunt
    from refmodel.report.terminal import console, show

    chosen = (exhibit(only),) if only else EXHIBITS
    finds = []
    with console(stderr=True).status("") as status:
        for each in chosen:
            status.update(f"{each.id}: {each.title}")
            finds.append(hunt(each, seconds, seed))
    if as_json:
        print_json(museum_page.data(finds))
    elif only:
        show(*museum_page.exhibit_page(chosen[0], finds[0]))
    else:
        show(*museum_page.page(finds))
    sys.exit(FINE if all(find.caught for find in finds) else REFUTED)
