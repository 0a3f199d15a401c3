"""``refmodel explore``: every interleaving and every choice of a bounded scope."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from refmodel.cli.errors import FINE, REFUTED, UNDECIDED, OneLine
from refmodel.cli.options import jobs_option, json_option, print_json
from refmodel.cli.progress import progress
from refmodel.cli.subject import change_option, known_bugs_option, options, subject

if TYPE_CHECKING:
    from refmodel.engines.scope_file import ScopeFile

_EXIT = {"holds": FINE, "refuted": REFUTED, "not refuted": FINE, "undecided": UNDECIDED}


@click.command(short_help="Try every interleaving of a small scope.")
@click.argument("scope_name", metavar="[SCOPE]", required=False)
@click.option(
    "--profile",
    "profile_name",
    metavar="NAME",
    help="Kernel version or series.  [default: the scope's first]",
)
@click.option("--max-states", type=click.IntRange(min=1), metavar="N", help="Stop at so many states.")
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Stop after so many seconds."
)
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Follow runs for so many transitions.")
@click.option(
    "--memory", type=click.IntRange(min=64), metavar="MB", help="Stop before the search takes more than that."
)
@jobs_option()
@click.option(
    "--order",
    type=click.Choice(["breadth", "depth"]),
    default="breadth",
    show_default=True,
    help="Shortest runs first, or deep states first.",
)
@click.option("--no-merge", is_flag=True, help="Do not run on through steps that commute with all others.")
@click.option("--no-symmetry", is_flag=True, help="Tell actors apart that run the same program.")
@click.option("--rest-only", is_flag=True, help="Judge properties at rest only, not between any two steps.")
@click.option("--livelocks", is_flag=True, help="Also look for states that never come to rest again.")
@click.option(
    "--html", type=click.Path(dir_okay=False), metavar="FILE", help="Write a counterexample as a page."
)
@click.option(
    "--itf", type=click.Path(dir_okay=False), metavar="FILE", help="Write a counterexample as ITF JSON."
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Save the search here now and then, and go on from it if it exists.",
)
@click.option("--list", "listing", is_flag=True, help="List the scopes that come with refmodel.")
@change_option
@known_bugs_option
@json_option
def explore(
    scope_name: str | None,
    profile_name: str | None,
    max_states: int | None,
    timeout: float | None,
    depth: int | None,
    memory: int | None,
    jobs: int,
    order: Literal["breadth", "depth"],
    no_merge: bool,
    no_symmetry: bool,
    rest_only: bool,
    livelocks: bool,
    html: str | None,
    itf: str | None,
    checkpoint: str | None,
    listing: bool,
    change: str | None,
    known_bugs: bool,
    as_json: bool,
) -> None:
    """Try every interleaving and every choice of a bounded scope, breadth first.

    SCOPE is the name of a scope that comes with refmodel, or a file. A property that is broken is shown with a
    shortest run that breaks it.
    """
    from refmodel.engines.exploration import explore as run
    from refmodel.engines.explorer.search import Bounds, Reductions
    from refmodel.report import explore_page
    from refmodel.report.terminal import show

    if listing or scope_name is None:
        found = [load(path.stem) for path in shipped()]
        if as_json:
            print_json(explore_page.list_data(found))
        else:
            show(*explore_page.list_page(found))
        return
    wanted = load(scope_name)
    profile = subject(profile_name or wanted.profiles[0], change, known_bugs)
    with progress(explore_page.progress_line) as tell:
        result = run(
            wanted.scope,
            profile,
            goals=wanted.goals_of(profile),
            reductions=Reductions(actors=not no_symmetry, merge=not no_merge),
            bounds=Bounds(states=max_states, seconds=timeout, depth=depth, megabytes=memory),
            every_step=not rest_only,
            progress=tell,
            jobs=jobs,
            checkpoint=checkpoint,
            order=order,
            livelocks=livelocks,
        )
    page = explore_page.ExplorePage(result, wanted.scope, profile, options(change, known_bugs))
    for file, text in ((html, page.html), (itf, page.itf)):
        if file is not None and result.counterexample is not None:
            _write(file, text())
    if as_json:
        print_json(page.data())
    else:
        show(*page.parts())
    sys.exit(_EXIT[result.verdict])


def shipped() -> list[Path]:
    """Return the scope files that come with refmodel."""
    from refmodel.resources import specs_dir

    return sorted((specs_dir() / "scopes").glob("*.toml"))


def load(name: str) -> ScopeFile:
    """Return a scope by its name or file.

    Raises BadFile, and OneLine for a name that does not exist.
    """
    import difflib

    from refmodel.engines.scope_file import load_scope

    known = {path.stem: path for path in shipped()}
    path = known.get(name, Path(name))
    if not path.is_file():
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise OneLine(f"scope {name!r}: expected a file or one of {', '.join(known)}{hint}")
    return load_scope(path)


def _write(file: str, text: str) -> None:
    try:
        Path(file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OneLine(f"{file}: cannot be written: {error.strerror}; give another file") from error
