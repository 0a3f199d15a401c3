"""What becomes of a store that fails half-way, printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.failure_stage import Outcome
from refmodel.engines.partial_failure import Progress, Result
from refmodel.engines.store_failures import Path, Row
from refmodel.report.terminal import Unbroken, table

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 5
"""Outcomes with something wrong that are told in full; the others are counted."""

LEGEND = (
    "2.1 is the second page of the third batch; ok: reached with older entries at none, at all and at every "
    "other of the folio's slots, and nothing was left"
)
"""What the cells of the table say."""

BEFORE = 3
"""Steps before the last failure that are shown of a store."""


def progress_line(progress: Progress) -> str:
    """Return how far a run has come, in one line."""
    pairs = f", {progress.pairs:,} pairs" if progress.pairs else ""
    return f"{progress.done} of {progress.declared} goals{pairs}"


def page(result: Result, profile: str, options: str) -> list[RenderableType]:
    """Return a table for each kind of compressor, what is wrong, and the totals.

    profile, options: words of the command line that choose the profile again, and a change of it.
    """
    parts: list[RenderableType] = []
    for path, outcomes in _by_path(result.outcomes):
        parts += [Text(_heading(path), "bold"), "", _table(path, outcomes), ""]
    parts += [LEGEND, ""]
    wrong = [each for each in (*result.outcomes, *result.pairs) if not each.fine]
    for each in wrong[:SHOWN]:
        parts += [*_wrong(each, result, profile, options), ""]
    if len(wrong) > SHOWN:
        parts += [f"and {len(wrong) - SHOWN} more of which something is wrong", ""]
    return [*parts, *(f"no goal: {left}" for left in _left(result)), "", *totals(result)]


def totals(result: Result) -> list[str]:
    """Return how many goals there are, and what became of them."""
    lines = [_count(f"{result.profile}, {result.preset}: ", "goals declared", result.outcomes)]
    if result.pairs:
        lines.append(_count("a second failure wherever the store goes on: ", "pairs", result.pairs))
    return [*lines, f"{result.seconds:.1f} s"]


def goal_page(outcome: Outcome, result: Result, profile: str, options: str) -> list[RenderableType]:
    """Return one goal: what was done before, the end of the store step by step, and what was found.

    profile, options: as in ``page``.
    """
    undone = len(outcome.steps) - outcome.undoing
    first = max(undone - BEFORE, 0)
    steps = outcome.steps[first:]
    lines = [f"goal {outcome.goal.number}: {outcome.goal.text}", ""]
    lines += [f"{number:3}  {line}" for number, line in enumerate(outcome.program, start=1)]
    if outcome.by_hand:
        lines.append(f"     before the last of them {outcome.by_hand}")
    lines += ["", f"the store, from step {first + 1} of {len(outcome.steps)}:"]
    for number, step in enumerate(steps, start=first + 1):
        lines.append(
            f"{number:3}  {step}{'   <- fails' if number == undone and outcome.goal.injected else ''}"
        )
    verdict = "reached" if outcome.reached else "not reached"
    left = "; all is as it has to be" if outcome.wrong is None else ""
    lines += ["", f"{verdict}; the store: {outcome.ending}{left}"]
    return [*lines, *_found(outcome), *_again(outcome, result, profile, options)]


def data(result: Result) -> dict[str, Any]:
    """Return a result as data that JSON can hold."""
    return {
        "profile": result.profile,
        "preset": result.preset,
        "declared": len(result.outcomes),
        "reached": sum(each.reached for each in result.outcomes),
        "no_trace": sum(each.fine for each in result.outcomes),
        "seconds": result.seconds,
        "goals": [_goal_data(each) for each in result.outcomes],
        "pairs": [_goal_data(each) for each in result.pairs],
        "no_goals": [{"what": each.what, "pages_a_call": each.call, "why": each.why} for each in result.left],
    }


def _goal_data(outcome: Outcome) -> dict[str, Any]:
    goal, wrong = outcome.goal, outcome.wrong
    return {
        "number": goal.number,
        "step": f"{goal.row.operation}.{goal.row.step}",
        "fails": goal.row.point,
        "situation": goal.row.situation.name,
        "pages_a_call": goal.path.call,
        "batches": goal.path.batches,
        "where": goal.where,
        "older_entries": goal.old,
        "failures": [[each.point, each.occurrence] for each in goal.injected],
        "reached": outcome.reached,
        "ending": outcome.ending,
        "broken": wrong.property if wrong is not None else None,
        "found": wrong.found if wrong is not None else None,
        "steps": len(outcome.steps),
        "undoing": outcome.undoing,
        "token": outcome.token or None,
    }


# --- the table ------------------------------------------------------------------------------------------------


def _by_path(outcomes: Sequence[Outcome]) -> Iterator[tuple[Path, list[Outcome]]]:
    return ((path, list(each)) for path, each in groupby(outcomes, lambda outcome: outcome.goal.path))


def _heading(path: Path) -> str:
    call = "1 page a call" if path.call == 1 else f"{path.call} pages a call"
    lengths = ", ".join(map(str, path.batches))
    return f"compressor of {call}, {'batches of ' + lengths if path.in_batches else 'page by page'}"


def _table(path: Path, outcomes: Sequence[Outcome]) -> Table:
    """Return the table of a path: a row for each step, a column for each position in each batch."""
    places = [
        f"{batch}.{position}" for batch, length in enumerate(path.batches) for position in range(length)
    ]
    made = table("failing step", "folio", *places)
    rows: dict[Row, dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        goal = outcome.goal
        where = f"{goal.batch}.0" if goal.where.startswith("batch") else goal.where
        rows.setdefault(goal.row, {}).setdefault(where, []).append(outcome)
    for row, cells in rows.items():
        made.add_row(row.text, *(_cell(cells.get(place, ())) for place in ("folio", *places)))
    return made


def _cell(outcomes: Sequence[Outcome]) -> Text:
    """Return what became of a place: of all goals that differ in the older entries only."""
    wrong = {_word(each): None for each in outcomes if not each.fine}
    if not wrong:
        return Text("ok" if outcomes else "", "green")
    return Text("\n".join(wrong), "red")


def _word(outcome: Outcome) -> str:
    return outcome.wrong.property if outcome.wrong is not None else "not reached"


# --- below it -------------------------------------------------------------------------------------------------


def _wrong(outcome: Outcome, result: Result, profile: str, options: str) -> list[RenderableType]:
    head = Text(f"goal {outcome.goal.number}: {outcome.goal.text}", "red")
    return [head, *_found(outcome), *_again(outcome, result, profile, options)]


def _found(outcome: Outcome) -> list[str]:
    if outcome.wrong is None:
        return [] if outcome.reached else ["  not reached: the store ended without these failures"]
    wrong = outcome.wrong
    return [f"  {wrong.property}: {wrong.sentence}", f"  found: {wrong.found} ({wrong.where})"]


def _again(outcome: Outcome, result: Result, profile: str, options: str) -> list[RenderableType]:
    words = f"{profile} --preset {result.preset}{options} --goal {outcome.goal.number}"
    again = [Unbroken(f"  refmodel failures{words}")] if outcome.goal.second is None else []
    if outcome.token:
        again.append(Unbroken(f"  refmodel replay {outcome.token}{options}"))
    return list(again)


def _left(result: Result) -> list[str]:
    """Return what is no goal, with the kinds of compressors and the reason."""
    calls: dict[tuple[str, str], list[int]] = {}
    for left in result.left:
        calls.setdefault((left.what, left.why), []).append(left.call)
    return [f"{what} ({' or '.join(map(str, each))} a call): {why}" for (what, why), each in calls.items()]


def _count(head: str, what: str, outcomes: Sequence[Outcome]) -> str:
    reached, fine = sum(each.reached for each in outcomes), sum(each.fine for each in outcomes)
    return f"{head}{len(outcomes):,} {what}, {reached:,} reached, {fine:,} left no trace"
