"""What a check found, printed: progress on the way, a table at the end, and each failure in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.check import CheckResult, Failure, Progress
from refmodel.engines.replay import replay_token
from refmodel.engines.rerun import rerun_token
from refmodel.engines.token import SCHEDULE_VERSION
from refmodel.engines.violation import BUILT_IN
from refmodel.profiles import Profile
from refmodel.properties import at_rest, in_history
from refmodel.report.lanes import lanes_page
from refmodel.report.story import of_rerun
from refmodel.report.terminal import Unbroken, table
from refmodel.report.timeline import program_page, timeline_page, violation_page

NAMED = 5
"""Goals that were not reached and are named; the others are counted."""

_STYLE = {"not refuted": "bold green", "refuted": "bold red", "undecided": "bold yellow"}


def progress_line(progress: Progress) -> str:
    """Return how far a check has come, in one line."""
    return (
        f"{progress.seconds:.0f} s: {progress.runs:,} runs, {progress.steps:,} steps, "
        f"{progress.reached} of {progress.declared} goals reached"
    )


def result_page(
    result: CheckResult, profile: Profile, remedied: Sequence[str], hint: str
) -> list[RenderableType]:
    """Return the table at the end of a check.

    profile: what was checked.  remedied: known bugs that were left out of it.  hint: what to do next.
    """
    head = Text(f"{result.profile}, {result.preset}: ").append(result.verdict, _STYLE[result.verdict])
    made = table("", "")
    made.show_header = False
    for label, text in _facts(result, profile, remedied, hint).items():
        if text:
            made.add_row(label, text)
    return [head, "", made]


def failure_page(failure: Failure, profiles: Mapping[str, Profile], options: str) -> list[RenderableType]:
    """Return one failure: its program, its timeline or lanes, what is wrong, and how to run it again.

    profiles: by name, among them the one that was checked.  options: words of the command line that choose it.
    """
    shortened = f"     found with {failure.length} commands, shortened to {failure.commands}"
    again = Unbroken(f"refmodel replay {failure.token}{options}")
    if failure.token.startswith(SCHEDULE_VERSION):
        return [*lanes_page(of_rerun(rerun_token(failure.token, profiles))), shortened, "", again]
    timeline = replay_token(failure.token, profiles)
    parts = [*program_page(timeline), shortened, "", *timeline_page(timeline), ""]
    if timeline.violation:
        parts += violation_page(timeline.violation)
    return [*parts, "", again]


def result_data(result: CheckResult) -> dict[str, Any]:
    """Return the result as data that JSON can hold."""
    data = attrs.asdict(result, filter=attrs.filters.exclude("coverage"))
    for kind, faults in (("steps", False), ("failures", True)):
        data[f"{kind}_reached"], data[f"{kind}_declared"] = result.coverage.figures(faults=faults)
    return data | {"unreached": [goal.text for goal in result.coverage.unreached]}


def _facts(result: CheckResult, profile: Profile, remedied: Sequence[str], hint: str) -> dict[str, str]:
    states, histories = len(at_rest(profile)), len(in_history(profile))
    return {
        "reason": result.reason,
        "bound": result.bound,
        "properties": f"{states} of states, {histories} of events, {len(BUILT_IN)} of every run",
        "speed": _speed(result),
        "coverage": _coverage(result),
        "not reached": _unreached(result),
        "assumed": "; ".join(f"{choice} never fails: {why}" for choice, why in result.assumptions.items()),
        "left out": "; ".join(remedied),
        "time": f"{result.seconds:.1f} s",
        "seed": str(result.seed),
        "next": hint,
    }


def _speed(result: CheckResult) -> str:
    rates = {"walks": result.walk_rate, "races": result.race_rate, "rule-based runs": result.rule_rate}
    return ", ".join(f"{rate:,.0f} steps a second and core in {kind}" for kind, rate in rates.items() if rate)


def _coverage(result: CheckResult) -> str:
    steps, failures = (result.coverage.figures(faults=faults) for faults in (False, True))
    return f"{steps[0]} of {steps[1]} steps, {failures[0]} of {failures[1]} failures"


def _unreached(result: CheckResult) -> str:
    goals = [goal.text for goal in result.coverage.unreached]
    more = f" and {len(goals) - NAMED} more" if len(goals) > NAMED else ""
    count = "1 goal" if len(goals) == 1 else f"{len(goals)} goals"
    return f"{count}: {', '.join(goals[:NAMED])}{more}" if goals else ""
