"""The part of a page of the book that shows what an observer of two neighbouring profiles sees.

The scenarios were searched once and stand in ``specs/differences``; here they only run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from refmodel.engines.difference import scenario_of
from refmodel.engines.difference_pair import Told, retold
from refmodel.museum import without_known_bugs
from refmodel.profiles import PROFILES
from refmodel.properties.observation import LEVELS, SEES, Level
from refmodel.report.difference_page import text_of, told_page
from refmodel.resources import specs_dir

KEYS = ("shortest", "plain")
"""Under which a recorded comparison has scenarios."""


def difference_name(before: str, after: str) -> str:
    """Return the name of what is known of two neighbours: of their page, and of their directory."""
    return f"{before}-to-{after}"


def difference_title(before: str, after: str) -> str:
    """Return the title of a page."""
    return f"From {before} to {after}"


def recorded(before: str, after: str, level: Level) -> dict[str, Any]:
    """Return what a comparison of two neighbours found, as ``refmodel diff --json`` printed it.

    Raises FileNotFoundError, which says how to make it.
    """
    path = _path(before, after, level)
    if not path.is_file():
        command = f"refmodel diff {before} {after} --behaviour --level {level} --json"
        raise FileNotFoundError(f"{path}: {before} and {after} were not compared; try: {command}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def looks_different(before: str, after: str) -> Iterator[str]:
    """Yield the section on what an observer sees."""
    yield from ("## What looks different", "")
    yield from (
        "Both are given the same commands and the same answers of the environment. These are the shortest",
        "scenarios after which somebody who looks at "
        "[one level](../../../do/tell-two-versions-apart.md) sees a difference.",
        "",
    )
    shown: dict[str, str] = {}
    for level in LEVELS:
        found = recorded(before, after, level)
        yield from (f"### {level}", "", f"Compared: {SEES[level]}.", "")
        if found["shortest"] is None:
            yield from (f"No difference in {found['bound']}.", "")
        for key in KEYS:
            if found[key] is not None:
                yield from _telling(found, key, shown)


def _telling(found: dict[str, Any], key: str, shown: dict[str, str]) -> Iterator[str]:
    told, level = found[key], found["level"]
    where = f"{level}, {_TITLES[key]}"
    text = json.dumps(told["scenario"])
    if key == "plain" and told == found["shortest"]:
        return
    if text in shown:
        yield from (f"{_TITLES[key].capitalize()} is the same scenario as: {shown[text]}.", "")
        return
    shown[text] = where
    before, after = (without_known_bugs(PROFILES[found[side]]) for side in ("before", "after"))
    scenario = scenario_of(told["scenario"])
    page = told_page(Told(scenario, retold(scenario, before, after, level)), before, after)
    yield from (f"{_TITLES[key].capitalize()}:", "", "```text", *text_of(*page).splitlines(), "```", "")


_TITLES = {"shortest": "the shortest scenario", "plain": "the shortest in which nothing unusual happens"}


def _path(before: str, after: str, level: Level) -> Path:
    return specs_dir() / "differences" / difference_name(before, after) / f"{level}.json"
