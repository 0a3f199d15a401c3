"""The rows of a run drawn in lanes: what is worth a line, and what is left out.

Nobody else sees what a stretch of one actor's steps changes and undoes before the next switch, or does to an
object that it frees, so that is left out; then steps that change nothing more are folded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import attrs

from refmodel.engines.replay import Change
from refmodel.report.story import Moment, Story, moments
from refmodel.report.timeline import BOOKKEEPING, answer_text, brief

_COUNTER = re.compile(r".*\.(\w+)$")

_LONG = 56
"""Characters of a component at most."""

Hidden = Mapping[str, Sequence[str] | None]
"""For each component, the fields that are left out, None for all of them."""


@attrs.frozen
class Row:
    """A row of the drawing.

    actor: whose lane.  turn: the number of the first turn in it, from 1.  label: what begins here, or None.
    steps: names of the steps, several where they are folded.  choices: what the environment decided, and whether
    that is a failure or another answer than the first.  changes: of the state, in a few words each.
    returned: what the operation returned, None while it is under way.  raised: its step did not come to its end.
    """

    actor: int
    turn: int
    label: str | None = None
    steps: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    returned: str | None = None
    raised: bool = False


def stretches(story: Story, *, unfold: bool = False) -> list[list[Row]]:
    """Return the rows of a run, those between two switches together.

    unfold: leave nothing out.
    """
    spoken = story.violation.found if story.violation else ""
    found = []
    busy: dict[int, bool] = {}
    every = [list(same) for _, same in groupby(moments(story), lambda moment: moment.actor)]
    for number, stretch in enumerate(every, start=1):
        actor = stretch[0].actor
        ends = story.violation is not None and number == len(every)
        others = any(under_way for other, under_way in busy.items() if other != actor)
        alone = not (unfold or others or ends)
        hidden = {} if unfold else _undone(stretch)
        found.append(_stretch(stretch, hidden, spoken, alone=alone, unfold=unfold))
        busy[actor] = not stretch[-1].ended
    return found


def change_text(change: Change, hidden: Sequence[str] | None = ()) -> str:
    """Write what became of a component, for example ``tree[1] 0 -> 1`` or ``folio[2] locked``.

    hidden: fields to leave out, None for all of them.  Returns "" when nothing is left.
    """
    before, after = change.before, change.after
    if hidden is None or before == after:
        return ""
    if not attrs.has(type(before)) or type(before) is not type(after):
        return f"{change.place} {_became(before, after)}"
    words = [
        _field_text(name, old, new)
        for name, old, new in _fields(before, after)
        if old != new and name not in hidden
    ]
    return f"{change.place} {', '.join(words)}" if words else ""


def _stretch(
    stretch: Sequence[Moment], hidden: Hidden, spoken: str, *, alone: bool, unfold: bool
) -> list[Row]:
    rows: list[Row] = []
    for operation in _operations(stretch):
        if alone and len(operation) > 1 and not any(map(_tells, operation)):
            rows.append(_summary(operation, spoken))
        else:
            rows += _rows(operation, hidden, spoken, unfold=unfold)
    return rows


def _operations(stretch: Sequence[Moment]) -> Iterator[list[Moment]]:
    """Yield the moments of a stretch operation by operation."""
    part: list[Moment] = []
    for moment in stretch:
        part.append(moment)
        if moment.ended:
            yield part
            part = []
    if part:
        yield part


def _tells(moment: Moment) -> bool:
    """Whether a step is worth a line whatever it changed."""
    return moment.step.raised or any(answer.index for answer in moment.step.answers)


def _summary(operation: Sequence[Moment], spoken: str) -> Row:
    """Return the row of a part of an operation that ran alone."""
    first, last = operation[0], operation[-1]
    changes = (change_text(net) for net in _net(operation) if _speaks(net.place, spoken))
    return Row(
        actor=first.actor,
        turn=first.turn,
        label=first.label,
        steps=tuple(moment.name for moment in operation),
        changes=tuple(text for text in changes if text),
        returned=brief(last.value) if last.ended else None,
    )


def _rows(operation: Sequence[Moment], hidden: Hidden, spoken: str, *, unfold: bool) -> list[Row]:
    rows = [_row(moment, hidden, spoken, unfold=unfold) for moment in operation]
    first = attrs.evolve(rows[0], label=None)
    if not unfold and rows[0].label and len(rows) > 2 and _dull(first) and _dull(rows[1]):
        began = Row(rows[0].actor, rows[0].turn, rows[0].label)
        rows[:1] = [began, first]
    found: list[Row] = []
    for dull, same in groupby(rows[:-1], lambda row: not unfold and _dull(row)):
        some = list(same)
        if dull and len(some) > 1:
            names = tuple(name for row in some for name in row.steps)
            found.append(Row(some[0].actor, some[0].turn, steps=names))
        else:
            found += some
    return [*found, rows[-1]]


def _row(moment: Moment, hidden: Hidden, spoken: str, *, unfold: bool) -> Row:
    changes = (
        change_text(change, hidden.get(change.place, ()))
        for change in moment.step.changes
        if unfold or _speaks(change.place, spoken)
    )
    return Row(
        actor=moment.actor,
        turn=moment.turn,
        label=moment.label,
        steps=(moment.name,),
        choices=tuple(answer_text(each) for each in moment.step.answers if unfold or each.index),
        changes=tuple(text for text in changes if text),
        returned=brief(moment.value) if moment.ended else None,
        raised=moment.step.raised,
    )


def _dull(row: Row) -> bool:
    return not (row.label or row.choices or row.changes or row.returned or row.raised)


def _speaks(place: str, spoken: str) -> bool:
    """Whether a component tells more than statistics, or the violation speaks of it."""
    counter = _COUNTER.match(place)
    if counter:
        return re.search(rf"\b{counter[1]}\b", spoken) is not None
    return not BOOKKEEPING.match(place)


def _undone(stretch: Sequence[Moment]) -> Hidden:
    """Return, for each component, the fields that nobody else sees change, None for all of them."""
    return {net.place: _unseen(net.before, net.after) for net in _net(stretch)}


def _net(stretch: Sequence[Moment]) -> list[Change]:
    """Return what moments changed in all, also where the end is as the beginning was."""
    found: dict[str, Change] = {}
    for moment in stretch:
        for change in moment.step.changes:
            before = found.get(change.place, change).before
            found[change.place] = Change(change.place, before, change.after)
    return list(found.values())


def _unseen(before: Any, after: Any) -> list[str] | None:
    if before == after:
        return None
    if not attrs.has(type(before)):
        return []
    if after is None:
        return [field.name for field in attrs.fields(type(before))]
    return [name for name, old, new in _fields(before, after) if old == new]


def _fields(before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    for field in attrs.fields(type(before)):
        yield field.name, getattr(before, field.name), getattr(after, field.name)


def _field_text(name: str, old: Any, new: Any) -> str:
    return _value_text(name, new) if isinstance(new, bool) else f"{name} {brief(old)} -> {brief(new)}"


def _value_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return f"{name} {brief(value)}"


def shown(record: Any) -> str:
    """Write the fields in which a component differs from a usual one, or a value as it is."""
    if not attrs.has(type(record)):
        return brief(record)
    pairs = ((field, getattr(record, field.name)) for field in attrs.fields(type(record)))
    text = ", ".join(_value_text(field.name, found) for field, found in pairs if found != field.default)
    return text if len(text) <= _LONG else f"{text[: _LONG - 3]}..."


def _became(before: Any, after: Any) -> str:
    if isinstance(before, bool) and isinstance(after, bool):
        return "set" if after else "cleared"
    if before is None:
        return f"new: {shown(after)}"
    return "freed" if after is None else f"{brief(before)} -> {brief(after)}"
