"""``refmodel museum``: known bugs, and what finds them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import FINE, REFUTED
from refmodel.cli.options import json_option, print_json
from refmodel.cli.progress import progress

if TYPE_CHECKING:
    from refmodel.museum import Exhibit
    from refmodel.report.hunt import Find


@click.command(short_help="Show what finds known bugs of the kernel.")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option(
    "--runs",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    metavar="N",
    help="Look for each bug with so many random runs of one actor, and of several.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Where all randomness comes from."
)
@json_option
def museum(ids: tuple[str, ...], runs: int, seed: int, as_json: bool) -> None:
    """Put known bugs of the kernel back into the model, and tell what finds each of them and how soon.

    With one ID its story is told, and the shortest run that shows it. A bug has a program of its own where one
    actor is enough, and a scope to explore where a state shows it.
    """
    from refmodel.museum import EXHIBITS, exhibit
    from refmodel.report import museum_page
    from refmodel.report.hunt import hunt
    from refmodel.report.terminal import show

    chosen = tuple(exhibit(id) for id in ids) or EXHIBITS
    finds: list[Find] = []

    def line(each: Exhibit) -> str:
        return f"bug {len(finds) + 1} of {len(chosen)}: {each.title}"

    with progress(line) as tell:
        for each in chosen:
            tell(each)
            finds.append(hunt(each, runs, seed, shorten=bool(ids)))
    if as_json:
        print_json(museum_page.data(finds))
    elif len(ids) == 1:
        show(*museum_page.exhibit_page(chosen[0], finds[0]))
    else:
        show(*museum_page.page(finds, runs))
    sys.exit(FINE if all(find.caught for find in finds) else REFUTED)
