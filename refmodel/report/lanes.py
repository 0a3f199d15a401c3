"""A run of several actors, printed: time goes down, each actor has a lane, the state's differences stand beside.

A rule marks each switch from one actor to another; a dotted line, an operation that is under way meanwhile.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.report.lane_rows import Row, stretches
from refmodel.report.story import Story, suspects
from refmodel.report.terminal import WIDTH, table
from refmodel.report.timeline import violation_page

_TURN = 6
_WIDE = 3
"""Lanes that leave room for gaps of two characters."""
_LEAST_LANE = 14
_LEAST_CHANGES = 22
_LABEL = 32

_Line = tuple[str, str]
"""Text of a line in a cell, and its style."""


@attrs.frozen
class _Grid:
    """Who has a lane, and how wide everything is, in characters.  gap: between lanes, and before steps."""

    actors: tuple[int, ...]
    gap: int
    lane: int
    changes: int


def lanes_page(story: Story, *, unfold: bool = False) -> list[RenderableType]:
    """Return a whole run: who runs what, the lanes, and what is wrong in the end, if anything is.

    unfold: print every step and every change, also those that nobody else could see.
    """
    drawn = stretches(story, unfold=unfold)
    parts: list[RenderableType] = [*_head(story, len(drawn)), "", *_lanes(story, drawn), ""]
    if not unfold:
        parts += [Text("Folded: what nobody else could see, and statistics; --unfold prints all.", "dim"), ""]
    return [*parts, *_ending(story)]


def _head(story: Story, stretches: int) -> list[RenderableType]:
    number = sum(len(turn.steps) for turn in story.turns)
    steps = f"{number} {'step' if number == 1 else 'steps'}"
    switches = f"{stretches - 1} switches between actors, " if stretches > 2 else ""
    end = f"{story.violation.property} is broken" if story.violation else "nothing is broken"
    parts: list[RenderableType] = [Text(f"Run on {story.title}: {steps}, {switches}{end}", "bold")]
    if story.question:
        parts.append(story.question)
    if story.before:
        parts.append(f"before: {', '.join(story.before)}")
    return parts


def _lanes(story: Story, drawn: Sequence[Sequence[Row]]) -> Iterator[Text]:
    grid = _grid([row for rows in drawn for row in rows])
    actors = grid.actors
    heads = [(story.actors[actor], "bold") for actor in actors]
    yield _line(grid, ("turn", "dim"), heads, ("what changed", "bold"))
    busy: dict[int, bool] = {}
    last = 0
    for rows in drawn:
        yield Text("─" * (_TURN + len(actors) * (grid.lane + grid.gap) + grid.changes), "dim")
        for row in rows:
            busy[row.actor] = row.returned is None
            yield from _row(grid, row, busy, "" if row.turn == last else str(row.turn))
            last = row.turn


def _grid(rows: Sequence[Row]) -> _Grid:
    actors = tuple(sorted({row.actor for row in rows}))
    count = max(len(actors), 1)
    gap, room = 2 if count <= _WIDE else 1, WIDTH - _TURN
    bare = [attrs.evolve(row, label=None) for row in rows]
    steps = max((len(line) for row in bare for line, _ in _cell(row, WIDTH, gap)), default=0)
    labels = max((len(row.label or "") for row in rows), default=0)
    lane = min(max(steps, min(labels, _LABEL)), (room - _LEAST_CHANGES) // count - gap)
    lane = max(_LEAST_LANE, lane)
    return _Grid(actors, gap, lane, max(_LEAST_CHANGES, room - count * (lane + gap)))


def _row(grid: _Grid, row: Row, busy: dict[int, bool], turn: str) -> Iterator[Text]:
    """Draw a row: what happens in its lane, dotted lines in the others, and what changed."""
    own = _cell(row, grid.lane, grid.gap)
    changes = [(line, "") for text in row.changes for line in _wrapped(text, grid.changes)]
    others = {actor: ("┊", "dim") if busy.get(actor) else ("", "") for actor in grid.actors}
    # What changed stands beside the step, not beside the command that it begins.
    shift = len(_wrapped(row.label, grid.lane)) if row.label else 0
    beside = [*[("", "")] * shift, *changes]
    for number, (here, change) in enumerate(zip_longest(own, beside)):
        cells = {**others, row.actor: here or (("┊", "dim") if busy.get(row.actor) else ("", ""))}
        first = ("" if number else turn.rjust(_TURN - 2), "dim")
        yield _line(grid, first, [cells[actor] for actor in grid.actors], change or ("", ""))


def _cell(row: Row, width: int, indent: int) -> list[_Line]:
    """Return what stands in the lane of a row.  indent: of all but what begins and ends there."""
    room = width - indent
    inside: list[_Line] = []
    if len(row.steps) > 1:
        inside.append((f"⋮ {len(row.steps)} steps", "dim"))
    shown = row.steps if len(row.steps) == 1 else row.steps[-1:] if _goes_on(row) else ()
    inside += [(line, "bold red" if row.raised else "") for name in shown for line in _name(name, room)]
    if row.raised:
        inside.append(("did not end", "bold red"))
    inside += [(line, "yellow") for text in row.choices for line in _wrapped(f"? {text}", room)]
    lines = [(line, "bold cyan") for line in _wrapped(row.label or "", width)]
    lines += [(" " * indent + line, style) for line, style in inside]
    if row.returned is not None:
        end = "done" if row.returned == "None" else f"returned {row.returned}"
        lines += [(line, "cyan") for line in _wrapped(end, width)]
    return lines


def _goes_on(row: Row) -> bool:
    """Whether folded steps stop in the midst of their operation, so that the last one says where it stands."""
    return bool(row.changes) and row.returned is None


def _name(name: str, width: int) -> list[str]:
    """Break the name of a step before its point where it is too long."""
    if len(name) <= width:
        return [name]
    operation, _, step = name.partition(".")
    return [*_wrapped(operation, width), *_wrapped(f".{step}", width)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)


def _line(grid: _Grid, turn: _Line, cells: Sequence[_Line], change: _Line) -> Text:
    line = Text(no_wrap=True, overflow="ignore").append(turn[0].ljust(_TURN), turn[1])
    for text, style in cells:
        line.append(text.ljust(grid.lane + grid.gap), style)
    line.append(*change)
    line.rstrip()
    return line


def _ending(story: Story) -> list[RenderableType]:
    """Return what is wrong: the property's sentence, who released what was used, who waits for whom."""
    if story.violation is None:
        parts: list[RenderableType] = [Text("no property is broken", "green")]
    else:
        parts = violation_page(story.violation)
    facts = table("", "")
    facts.show_header = False
    for label, text in suspects(story):
        facts.add_row(label, text)
    return [*parts, *([facts] if facts.row_count else [])]
