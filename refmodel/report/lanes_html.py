"""A run of several actors as one HTML file that needs nothing else: lanes, steps to go through, the state."""

from __future__ import annotations

import html
import json
from importlib import resources
from string import Template
from typing import Any

from refmodel.report.lane_rows import change_text, shown
from refmodel.report.story import Moment, Story, moments, suspects
from refmodel.report.timeline import BOOKKEEPING, answer_text, brief


def lanes_html(story: Story) -> str:
    """Return a whole run as the text of an HTML file.

    It holds every step, with the state after it; arrow keys, clicks and Page Up and Down go through them.
    """
    template = Template(resources.files("refmodel.report").joinpath("lanes.html").read_text(encoding="utf-8"))
    # "<" would end the script that holds the data if a text had "</script>" in it.
    data = json.dumps(_data(story)).replace("<", "\\u003c")
    return template.substitute(title=html.escape(story.title), data=data)


def _data(story: Story) -> dict[str, Any]:
    steps = list(moments(story))
    places = dict.fromkeys(
        change.place
        for moment in steps
        for change in moment.step.changes
        if not BOOKKEEPING.match(change.place)
    )
    order = [name for name in story.initial if name in places]
    actors = sorted({moment.actor for moment in steps})
    return {
        "title": f"Run on {story.title}",
        "question": story.question,
        "verdict": _verdict(story),
        "lanes": [{"actor": actor, "name": story.actors[actor]} for actor in actors],
        "order": order,
        "initial": {name: _value(story.initial[name]) for name in order},
        "steps": [_step(moment) for moment in steps],
    }


def _verdict(story: Story) -> list[tuple[str, str]]:
    """Return lines with the class of their style."""
    violation = story.violation
    if violation is None:
        lines = [("no property is broken", "")]
    else:
        lines = [
            (f"{violation.property} is broken: {violation.sentence}", "broken"),
            (f"found {violation.where or 'in the end'}: {violation.found}", ""),
        ]
    return [*lines, *((f"{label}: {text}", "") for label, text in suspects(story))]


def _step(moment: Moment) -> dict[str, Any]:
    changes = [change for change in moment.step.changes if not BOOKKEEPING.match(change.place)]
    return {
        "actor": moment.actor,
        "turn": moment.turn,
        "label": moment.label,
        "name": moment.name,
        "raised": moment.step.raised,
        "choices": [answer_text(each) for each in moment.step.answers],
        "events": [name for name, _ in moment.step.events],
        "texts": [change_text(change) for change in changes],
        "changes": {change.place: _value(change.after) for change in changes},
        "returned": _returned(moment),
    }


def _returned(moment: Moment) -> str | None:
    if not moment.ended:
        return None
    return "done" if moment.value is None else f"returned {brief(moment.value)}"


def _value(value: Any) -> str | None:
    return None if value is None else shown(value) or "as at first"
