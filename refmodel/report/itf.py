"""A run in the Informal Trace Format (ITF) of Apalache, which trace viewers of TLA+ and Quint read.

A state stands after each step, the initial one first.  Variables are the components that the run changes, by their
names, and ``action``, ``actor``, ``turn``: what led to the state.  A component or field that is not there is the
variant ``None``.  https://apalache-mc.org/docs/adr/015adr-trace.html
"""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.report.story import Moment, Story, moments
from refmodel.report.timeline import brief

_LARGEST = 2**53
"""Numbers from here on do not survive every reader of JSON."""

_NOTHING = {"tag": "None", "value": {"#tup": []}}


def itf(story: Story) -> dict[str, Any]:
    """Return a run as data that JSON can hold."""
    steps = list(moments(story))
    changed = {change.place for moment in steps for change in moment.step.changes}
    state = {name: _value(value) for name, value in story.initial.items() if name in changed}
    states = [{"#meta": {"index": 0}, "action": "init", "actor": "", "turn": 0, **state}]
    for index, moment in enumerate(steps, start=1):
        state |= {change.place: _value(change.after) for change in moment.step.changes}
        states.append({"#meta": {"index": index}, **_labels(story, moment), **state})
    return {
        "#meta": {
            "format": "ITF",
            "format-description": "https://apalache-mc.org/docs/adr/015adr-trace.html",
            "description": _description(story),
        },
        "vars": ["action", "actor", "turn", *(name for name in story.initial if name in changed)],
        "states": states,
    }


def _labels(story: Story, moment: Moment) -> dict[str, Any]:
    return {"action": moment.name, "actor": story.actors[moment.actor], "turn": moment.turn}


def _description(story: Story) -> str:
    end = f"{story.violation.property}: {story.violation.found}" if story.violation else "nothing is broken"
    return f"Run on {story.title}: {end}"


def _value(value: Any) -> Any:
    if value is None:
        return _NOTHING
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else {"#bigint": str(value)}
    if isinstance(value, tuple):
        return {"#tup": [_value(each) for each in value]}
    if attrs.has(type(value)):
        return {field.name: _value(getattr(value, field.name)) for field in attrs.fields(type(value))}
    return brief(value)
