"""One command on two profiles, side by side: the steps of both, and where they first part."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING

import attrs
from rich.text import Text

from refmodel.engines.replay import MoveRecord, StepRecord
from refmodel.report.lane_rows import change_text
from refmodel.report.terminal import WIDTH
from refmodel.report.timeline import BOOKKEEPING, answer_text

if TYPE_CHECKING:
    from refmodel.profiles import Profile

_INDENT = 5
_COLUMN = (WIDTH - _INDENT - 2) // 2
"""Characters of a column."""

_NEAR = 1
"""Steps that both take and that are printed beside a difference."""

_FIRST, _LAST = 8, 2
"""Rows at the beginning and at the end of a difference that are printed at least."""

_COUNTER = re.compile(r".*\.\w+$")

MARK = "!"
"""Stands before what looks different first."""


@attrs.frozen
class Row:
    """A row of the drawing: a step of either side, None where that side has none; same: both do the same."""

    before: StepRecord | None
    after: StepRecord | None
    same: bool = False


Roles = Mapping[str, str]
"""Names of operations by the names of the classes that implement them."""


def roles(*profiles: Profile) -> Roles:
    """Return what the classes of profiles are, so that steps of one operation can be told."""
    tables = [attrs.asdict(each.operations, recurse=False) for each in profiles]
    return {cls.__name__: name for table in tables for name, cls in table.items() if cls is not None}


def rows(before: Sequence[StepRecord], after: Sequence[StepRecord], classes: Roles) -> list[Row]:
    """Return the steps of two runs so that those of one operation and name stand side by side, in order."""

    def keys(steps: Sequence[StepRecord]) -> list[tuple[str, str]]:
        return [(classes.get(step.operation, step.operation), step.step) for step in steps]

    ours, theirs = keys(before), keys(after)
    found: list[Row] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        for one, other in zip_longest(before[i1:i2], after[j1:j2]):
            found.append(Row(one, other, tag == "equal" and _changes(one) == _changes(other)))
    return found


def command_lines(
    before: MoveRecord, after: MoveRecord, names: tuple[str, str], classes: Roles, *, unfold: bool = False
) -> Iterator[Text]:
    """Draw a command on both profiles; runs of steps that both take, or one alone, are folded.

    names: of the profiles, as headings.  unfold: print every step.
    """
    drawn = rows(before.steps, after.steps, classes)
    yield _line(*names, "bold")
    first = next((number for number, row in enumerate(drawn) if not row.same), -1)
    for number, row in _folded(list(enumerate(drawn)), unfold=unfold):
        if row is None:
            yield _line(f"⋮ {_steps(number)}", "", "dim")
        else:
            yield from _row(row, MARK if number == first else "")


def summary_line(before: MoveRecord, after: MoveRecord, names: tuple[str, str], classes: Roles) -> Text:
    """Say of a command after which nothing looks different how many steps it takes."""
    drawn = rows(before.steps, after.steps, classes)
    counts = [len(move.steps) for move in (before, after)]
    if all(row.same for row in drawn):
        steps = "step" if counts[0] == 1 else f"{counts[0]} steps"
        return _line(f"both take the same {steps}", "", "dim")
    pairs = ", ".join(f"{_steps(count)} on {name}" for count, name in zip(counts, names, strict=True))
    return _line(f"{pairs}; nothing looks different", "", "dim")


def _steps(count: int) -> str:
    return "1 step" if count == 1 else f"{count} steps"


def _folded(
    drawn: Sequence[tuple[int, Row]], *, unfold: bool
) -> Iterator[tuple[int, Row] | tuple[int, None]]:
    """Yield rows with their numbers, and for rows that are left out how many they are."""
    for same, group in groupby(drawn, lambda pair: pair[1].same):
        block = list(group)
        # Beside a difference stand the nearest steps that both take; of a difference, its beginning and its end.
        head = (0 if block[0][0] == 0 else _NEAR) if same else _FIRST
        tail = (0 if block[-1][0] == len(drawn) - 1 else _NEAR) if same else _LAST
        if unfold or len(block) <= head + tail + 1:
            yield from block
            continue
        yield from block[:head]
        yield len(block) - head - tail, None
        yield from block[len(block) - tail :]


def _changes(step: StepRecord | None) -> list[str]:
    changes = step.changes if step is not None else ()
    told = (change_text(c) for c in changes if not BOOKKEEPING.match(c.place) and not _COUNTER.match(c.place))
    return [text for text in told if text]


def _row(row: Row, mark: str) -> Iterator[Text]:
    left, right = _cell(row.before, row.same), _cell(row.after, row.same)
    style = "" if row.same else "bold"
    for number, (one, other) in enumerate(zip_longest(left, right, fillvalue="")):
        yield _line(one, other, "dim" if number else style, "" if number else mark)


def _cell(step: StepRecord | None, same: bool) -> list[str]:
    if step is None:
        return []
    told = [f"? {answer_text(answer)}" for answer in step.answers if answer.index]
    inside = [f"  {text}" for text in [*told, *([] if same else _changes(step))]]
    name = f"{step.operation}.{step.step}{' did not end' if step.raised else ''}"
    return [line for text in (name, *inside) for line in _wrapped(text)]


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(
        text, _COLUMN, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
    )


def _line(left: str, right: str, style: str, mark: str = "") -> Text:
    line = Text(no_wrap=True, overflow="ignore")
    line.append(mark.rjust(_INDENT - 1).ljust(_INDENT), "bold red")
    line.append(left.ljust(_COLUMN) if right else left, style)
    line.append(f"  {right}" if right else "", style)
    return line
