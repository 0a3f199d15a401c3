"""``refmodel replay``: run a failure again."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import click

from refmodel.cli.errors import FINE, REFUTED, OneLine
from refmodel.cli.options import json_option
from refmodel.cli.subject import change_option, known_bugs_option, options, subjects

if TYPE_CHECKING:
    from rich.console import RenderableType

    from refmodel.engines.replay import Timeline
    from refmodel.engines.rerun import Rerun
    from refmodel.profiles import Profile

FORMATS = ("text", "html", "itf", "litmus", "pytest", "json")
"""How a run can be written."""


@click.command(short_help="Run a failure again, step by step.")
@click.argument("token")
@click.option(
    "--as",
    "form",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="Write the run in this form.",
)
@click.option("-o", "--output", metavar="FILE", help="Write to FILE instead of standard output.")
@click.option("--unfold", is_flag=True, help="Print every step and every change.")
@click.option(
    "--fork", type=click.IntRange(min=1), metavar="N", help="List what else could happen at turn N."
)
@change_option
@known_bugs_option
@json_option
def replay(
    token: str,
    form: str,
    output: str | None,
    unfold: bool,
    fork: int | None,
    change: str | None,
    known_bugs: bool,
    as_json: bool,
) -> None:
    """Run what TOKEN stands for again and print every step.

    A token stands for a profile, a system and every choice of one run. `refmodel check` and explorations print
    one for each failure: rm1- for the commands of one actor, rs1- for the turns of several.

    Forms: html is a page to step through, itf a trace of Apalache and Quint, pytest a test that asserts the failure,
    litmus a file of threads for exploration.
    """
    from refmodel.engines.replay import replay_token
    from refmodel.engines.rerun import rerun_token
    from refmodel.engines.token import is_schedule

    profiles = subjects(change, known_bugs)
    if fork is not None:
        _show_forks(token, fork, profiles, options(change, known_bugs))
        return
    found = (rerun_token if is_schedule(token) else replay_token)(token, profiles)
    form = "json" if as_json else form
    if form == "text":
        _print(_page(found, profiles, unfold), output)
    else:
        _write(_text(found, form, profiles, change, known_bugs), output)
    sys.exit(REFUTED if found.violation else FINE)


def _page(found: Rerun | Timeline, profiles: Mapping[str, Profile], unfold: bool) -> list[RenderableType]:
    from refmodel.engines.rerun import Rerun
    from refmodel.report import timeline
    from refmodel.report.lanes import lanes_page
    from refmodel.report.story import of_rerun

    if isinstance(found, Rerun):
        return lanes_page(of_rerun(found), unfold=unfold)
    return timeline.page(found)


def _text(
    found: Rerun | Timeline, form: str, profiles: Mapping[str, Profile], change: str | None, known_bugs: bool
) -> str:
    """Return a run in one of the forms that a file can hold.  Raises OneLine for a form that it does not have."""
    from refmodel.engines.rerun import Rerun
    from refmodel.report import itf, lanes_html, litmus_text, pytest_text, story, timeline

    if form == "litmus":
        if not isinstance(found, Rerun):
            raise OneLine("--as litmus: a token rm1- has no threads; expected one that starts with rs1-")
        return litmus_text.litmus_text(found)
    run = found.run if isinstance(found, Rerun) else found.program
    if form == "pytest":
        return pytest_text.pytest_text(run, found.violation, change=change, known_bugs=known_bugs)
    if form == "json":
        return json.dumps(timeline.data(found), indent=2, default=str) + "\n"
    told = (
        story.of_rerun(found)
        if isinstance(found, Rerun)
        else story.of_timeline(found, profiles[found.program.profile])
    )
    return lanes_html.lanes_html(told) if form == "html" else json.dumps(itf.itf(told)) + "\n"


def _show_forks(token: str, number: int, profiles: Mapping[str, Profile], words: str) -> None:
    from refmodel.engines.forks import forks
    from refmodel.engines.schedule_token import decode_run
    from refmodel.engines.token import is_schedule
    from refmodel.report.fork_page import fork_page
    from refmodel.report.terminal import show

    if not is_schedule(token):
        raise OneLine("--fork: a token rm1- has no turns; expected one that starts with rs1-")
    run = decode_run(token, profiles)
    show(*fork_page(*forks(run, profiles[run.profile], number), number, words))


def _print(page: list[RenderableType], output: str | None) -> None:
    from refmodel.report.terminal import show

    if output is None:
        show(*page)
        return
    with redirect_stdout(StringIO()) as printed:
        show(*page)
    _write(printed.getvalue(), output)


def _write(text: str, output: str | None) -> None:
    """Write text to a file, or to standard output."""
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise OneLine(f"--output {output}: {error.strerror}; name a file that can be written") from None
