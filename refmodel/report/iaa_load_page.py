"""What became of a load on queues, as a table for the terminal and as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
from rich.console import RenderableType
from rich.text import Text

from refmodel.engines.iaa_hold_and_wait import can_hang
from refmodel.engines.iaa_load import Load
from refmodel.profiles import Profile
from refmodel.report.terminal import table

KEY = "descriptors: of the queues that compress, for what all batches want at a time; tries: the most that a job needed"


def page(profile: Profile, loads: Sequence[Load]) -> list[RenderableType]:
    """Return a row for each load, and what follows for batches that sleep."""
    plan = loads[0].plan
    title = f"{plan.cores} cores, {plan.rounds} batches of {plan.batch} each, on {profile.name}"
    shown = table("devices", "descriptors", "jobs", "without", "tries", "microseconds", "jobs/us")
    for each in loads:
        rate = "" if each.hung else f"{each.jobs / each.microseconds:.2f}"
        shown.add_row(
            str(each.plan.devices),
            f"{each.descriptors} for {each.plan.cores * each.plan.batch}",
            f"{each.jobs:,}",
            f"{each.without:,}",
            f"{each.tries:,}",
            "hangs" if each.hung else f"{each.microseconds:,.0f}",
            rate,
        )
    return [Text(title, "bold"), shown, Text(KEY), *(Text(line) for line in _sleeping(loads))]


def _sleeping(loads: Sequence[Load]) -> list[str]:
    """Say of each load whether batches that sleep for descriptors could wait for each other."""
    lines = []
    for each in loads:
        plan = each.plan
        hangs = can_hang(plan.cores, plan.batch, each.descriptors)
        held = plan.cores * (plan.batch - 1)
        bound = f"{plan.cores} * ({plan.batch} - 1) = {held} {'>=' if hangs else '<'} {each.descriptors}"
        said = "could hang" if hangs else "could not hang"
        many = "1 device" if plan.devices == 1 else f"{plan.devices} devices"
        lines.append(f"{many}: batches that sleep for descriptors {said}: {bound}")
    return lines


def data(loads: Sequence[Load]) -> list[dict[str, Any]]:
    """Return the same as data that JSON can hold; times are in microseconds."""
    return [attrs.asdict(each) for each in loads]
