"""What an exploration found, printed: its size, its verdict, and the shortest run that breaks a property."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.exploration import Exploration
from refmodel.engines.explorer.search import Progress
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import ScheduledRun, encode_run
from refmodel.engines.scope import Scope
from refmodel.engines.straighten import straightened
from refmodel.report.itf import itf
from refmodel.report.lanes import lanes_page
from refmodel.report.lanes_html import lanes_html
from refmodel.report.story import Story, of_rerun
from refmodel.report.terminal import Unbroken, table

if TYPE_CHECKING:
    from refmodel.engines.scope_file import ScopeFile
    from refmodel.profiles import Profile

STYLE = {"holds": "bold green", "not refuted": "green", "refuted": "bold red", "undecided": "bold yellow"}

NAMED = 8
"""Steps that were not reached and are named; the others are counted."""


def progress_line(progress: Progress) -> str:
    """Return how far a search has come, in one line.

    How much is left is not known before it is done: a level that shrinks is a sign of the end.
    """
    rate = progress.states / progress.seconds if progress.seconds else 0
    return (
        f"{progress.seconds:.0f} s: {progress.states:,} states, {rate:,.0f} a second, "
        f"level {progress.depth} with {progress.waiting:,} to expand"
    )


def list_page(files: Sequence[ScopeFile]) -> list[RenderableType]:
    """Return the scopes that come with refmodel as a table."""
    made = table("scope", "profiles", "question")
    for each in files:
        made.add_row(each.scope.name, "\n".join(each.profiles), each.scope.question)
    return [made, "", "refmodel explore SCOPE explores one of them; SCOPE may also be a file like those"]


def list_data(files: Sequence[ScopeFile]) -> list[dict[str, Any]]:
    """Return the scopes that come with refmodel as data that JSON can hold."""
    return [
        {"scope": each.scope.name, "profiles": list(each.profiles), "question": each.scope.question}
        for each in files
    ]


class NoCounterexample(LookupError):
    """There is no run that breaks a property."""


class ExplorePage:
    """One exploration, printed in several ways.

    chosen: words of the command line that choose the same profile again.
    """

    def __init__(self, result: Exploration, scope: Scope, profile: Profile, chosen: str) -> None:
        self.result, self.scope, self.profile, self.chosen = result, scope, profile, chosen

    @cached_property
    def run(self) -> ScheduledRun:
        """The counterexample, with as few switches between actors as it can do with.

        Raises NoCounterexample.
        """
        found = self.result.counterexample
        if found is None:
            raise NoCounterexample(f"{self.result.scope}: no property is broken, so there is no run to write")
        return straightened(ScheduledRun(self.profile.name, self.scope, found.schedule), self.profile)

    @cached_property
    def story(self) -> Story:
        """The counterexample as it is seen when it runs again."""
        return of_rerun(rerun(self.run, self.profile))

    def parts(self) -> list[RenderableType]:
        """Return the page for a terminal."""
        result = self.result
        head = Text(f"{result.scope} on {result.profile}: ").append(result.verdict, STYLE[result.verdict])
        head.append(f", {result.why}")
        made = table("", "")
        made.show_header = False
        for label, text in self._facts().items():
            if text:
                made.add_row(label, text)
        parts: list[RenderableType] = [head, Text(self.scope.question, "italic"), "", made]
        if result.counterexample is None:
            return parts
        parts += ["", *lanes_page(self.story), ""]
        return [*parts, Unbroken(f"again: refmodel replay {encode_run(self.run)}{self.chosen}")]

    def _facts(self) -> dict[str, str]:
        result = self.result
        share = result.transitions // result.runs if result.runs else 0
        return {
            "searched": f"{result.states:,} states, {result.transitions:,} transitions, "
            f"{result.depth} levels, in {result.seconds:.1f} s",
            "cost": f"{result.runs:,} executions of model code, 1 for {share:,} transitions; "
            f"{result.bits} bits a state",
            "not judged": ", ".join(result.unjudged),
            "wrong claims": ", ".join(result.distrusted),
            "goals missed": ", ".join(result.missed),
        }

    def data(self) -> dict[str, Any]:
        """Return the exploration as data that JSON can hold."""
        data = attrs.asdict(self.result)
        if self.result.counterexample is not None:
            data["token"] = encode_run(self.run)
        return data

    def html(self) -> str:
        """Return the counterexample as a page for a browser."""
        return lanes_html(self.story)

    def itf(self) -> str:
        """Return the counterexample in the Informal Trace Format."""
        return json.dumps(itf(self.story), indent=1) + "\n"
