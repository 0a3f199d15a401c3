"""What became of the goals of an IAA driver, as a table for the terminal and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.iaa_goals import Outcome
from refmodel.profiles import Profile
from refmodel.report.terminal import table


def page(profile: Profile, outcomes: Sequence[Outcome]) -> list[RenderableType]:
    """Return how many goals of each kind were reached as they should be, and what is wrong with the others."""
    shown = table("goals", "as they should be", "of")
    for kind in dict.fromkeys(each.goal.kind for each in outcomes):
        mine = [each for each in outcomes if each.goal.kind == kind]
        shown.add_row(kind, str(sum(not each.wrong for each in mine)), str(len(mine)))
    wrong = [Text(f"{each.goal.text}: {each.wrong}") for each in outcomes if each.wrong]
    return [Text(f"goals on {profile.name}", "bold"), shown, *wrong]


def data(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Return the same as data that JSON can hold."""
    return [attrs.asdict(each) for each in outcomes]
