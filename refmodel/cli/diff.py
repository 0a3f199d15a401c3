"""``refmodel diff``: what differs between two profiles, in their steps or in what they do."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from refmodel.cli.errors import FINE, UNDECIDED
from refmodel.cli.options import json_option, print_json
from refmodel.cli.progress import progress
from refmodel.cli.subject import options, released, subject

if TYPE_CHECKING:
    from refmodel.engines.scope import Scope
    from refmodel.profiles import Profile
    from refmodel.properties.observation import Level

DIFFER = 1
"""Exit code of two profiles that differ, as diff has it."""

_EXIT = {"differ": DIFFER, "no difference": FINE, "undecided": UNDECIDED}

SECONDS = 60.0
"""How long a comparison takes at most if nothing else is asked for."""

_OF_SCENARIOS = ("preset", "max_commands", "unusual", "walks", "only", "seed")
_OF_BEHAVIOUR = ("level", "scope_name", *_OF_SCENARIOS, "seconds", "known_bugs", "unfold")
"""Options that only a search for scenarios, or only a comparison of what profiles do, takes."""


@click.command(short_help="Tell two profiles apart, by their steps or by what they do.")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--behaviour", is_flag=True, help="Compare what they do: find a scenario that tells them apart."
)
@click.option(
    "--level",
    type=click.Choice(["data", "counters", "strict"]),
    default="counters",
    show_default=True,
    help="How closely an observer looks.",
)
@click.option(
    "--scope", "scope_name", metavar="SCOPE", help="Compare how this scope, or litmus file, can end."
)
@click.option("--preset", default="toy", show_default=True, metavar="NAME", help="Sizes of the system.")
@click.option(
    "--max-commands",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Try every scenario of so many commands.",
)
@click.option(
    "--unusual",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    metavar="N",
    help="Let so many things be unusual in each of them: failures, other answers, another start.",
)
@click.option(
    "--random",
    "walks",
    type=click.IntRange(min=0),
    default=1000,
    show_default=True,
    metavar="N",
    help="Try so many random scenarios afterwards.",
)
@click.option("--only", multiple=True, metavar="COMMAND", help="Give this command only; may be repeated.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=SECONDS,
    show_default=True,
    metavar="N",
    help="Stop after this time.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Of the random scenarios.")
@click.option("--known-bugs", is_flag=True, help="Keep the known bugs of released kernels.")
@click.option("--unfold", is_flag=True, help="Print every step.")
@json_option
def diff(
    before: str,
    after: str,
    behaviour: bool,
    scope_name: str | None,
    level: Level,
    known_bugs: bool,
    unfold: bool,
    as_json: bool,
    **search: Any,
) -> None:
    """Tell what differs from profile A to profile B.

    A and B are names of profiles, of exhibits of the museum such as linux-6.18+Z11, or files that replace steps.
    Without --behaviour their steps and options are compared as text.

    With --behaviour both are given the same commands and the same answers of the environment, and the shortest
    scenario after which they look different is shown. Levels: data is what commands return, where pages are, and
    what the device holds; counters is also what /proc, /sys and debugfs show; strict is everything.

    Exit codes are those of diff: 0 no difference, 1 they differ; and 2 usage or environment, 3 undecided.
    """
    _check_options(behaviour, scope_name)
    if before == after:
        raise click.UsageError(f"{before} twice: a profile does not differ from itself; give two")
    exhibits = _exhibits()
    kept = known_bugs or not behaviour or before in exhibits or after in exhibits
    sides = _side(before, kept), _side(after, kept)
    if not behaviour:
        _text(sides, as_json)
    elif scope_name is None:
        _scenarios(sides, level, search, unfold=unfold, as_json=as_json)
    else:
        _endings(scope_name, sides, level, search["seconds"], unfold=unfold, as_json=as_json)


def _check_options(behaviour: bool, scope_name: str | None) -> None:
    """Refuse options that would do nothing."""
    context = click.get_current_context()
    given = {
        name for name in _OF_BEHAVIOUR if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    names = {param.name: param.opts[0] for param in context.command.params}
    for name in _OF_BEHAVIOUR if not behaviour else _OF_SCENARIOS if scope_name else ():
        if name in given:
            why = "--scope explores everything" if behaviour else "it belongs to --behaviour"
            raise click.UsageError(f"{names[name]}: {why}; leave it out")


Sides = tuple["Side", "Side"]


class Side(NamedTuple):
    """One of the two profiles, and the words of a command line that choose it for a replay."""

    profile: Profile
    words: str


def _side(name: str, known_bugs: bool) -> Side:
    """Return a side by the name of a profile or an exhibit, or by a file that replaces steps.

    Raises UnknownProfile and BadChange.
    """
    if name.endswith(".py"):
        return Side(subject(None, name, known_bugs), options(name, known_bugs))
    exhibits = _exhibits()
    if name in exhibits:
        return Side(exhibits[name], "")
    return Side(released(name, known_bugs), options(None, known_bugs))


def _exhibits() -> dict[str, Profile]:
    """Return the profiles of the museum's exhibits, by name."""
    from refmodel.museum import EXHIBITS

    return {exhibit.profile.name: exhibit.profile for exhibit in EXHIBITS}


def _text(sides: Sides, as_json: bool) -> None:
    from refmodel.report import compare
    from refmodel.report.terminal import show

    found = compare.difference(*(side.profile for side in sides))
    print_json(compare.difference_data(found)) if as_json else show(*compare.difference_page(found))
    sys.exit(DIFFER if found.options or found.operations else FINE)


def _scenarios(sides: Sides, level: Level, search: dict[str, Any], *, unfold: bool, as_json: bool) -> None:
    from refmodel.engines.commands import KINDS
    from refmodel.engines.difference import compare
    from refmodel.engines.toml_file import nearest
    from refmodel.report import difference_page
    from refmodel.report.terminal import show

    for name in search["only"]:
        if name not in KINDS.names():
            hint = nearest(name, KINDS.names()) or "refmodel litmus commands lists them"
            raise click.UsageError(f"--only {name}: there is no such command; {hint}")
    search["commands"] = search.pop("max_commands")
    before, after = sides
    with progress(difference_page.progress_line) as tell:
        found = compare(before.profile, after.profile, level, progress=tell, **search)
    if as_json:
        print_json(difference_page.behaviour_data(found, before.profile, after.profile))
    else:
        words = before.words, after.words
        page = difference_page.behaviour_page(found, before.profile, after.profile, words, unfold=unfold)
        show(*page)
    sys.exit(_EXIT[found.verdict])


def _endings(name: str, sides: Sides, level: Level, seconds: float, *, unfold: bool, as_json: bool) -> None:
    from refmodel.engines.difference_scope import compare_endings
    from refmodel.report import difference_page, explore_page
    from refmodel.report.terminal import show

    before, after = (side.profile for side in sides)
    scope = _scope(name)
    with progress(explore_page.progress_line) as tell:
        found = compare_endings(scope, before, after, level, seconds=seconds, progress=tell)
    if as_json:
        print_json(difference_page.endings_data(found))
    else:
        side = next((side for side in sides if side.profile.name == found.only), sides[0])
        page = difference_page.endings_page(found, scope.question, side.profile, side.words, unfold=unfold)
        show(*page)
    sys.exit(_EXIT[found.verdict])


def _scope(name: str) -> Scope:
    """Return a scope, or that of a litmus file, by its name or file.

    Raises BadFile.
    """
    import difflib
    from pathlib import Path

    from refmodel.cli.explore import shipped as scope_files
    from refmodel.engines.litmus import shipped
    from refmodel.engines.scope_file import scope_of
    from refmodel.engines.toml_file import read_toml

    known = {path.stem: path for path in (*scope_files(), *shipped())}
    path = known.get(name, Path(name))
    if not path.is_file():
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else "refmodel explore --list lists them"
        raise click.UsageError(f"scope {name!r}: expected a file, a scope or a litmus file; {hint}")
    return scope_of(read_toml(path), ("outcome", "expect")).scope
