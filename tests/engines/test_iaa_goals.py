"""Every status, batch position, time-out and phase of removal is reached, and leaves nothing behind."""

from __future__ import annotations

from collections import Counter

import attrs
import pytest

from refmodel.engines.iaa_goals import Goal, goals, reach
from refmodel.kernel.iaa_state import IaaCounters, IaaWqCounters
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from tests.kernel.iaa import DRIVERS


@pytest.mark.parametrize("name", DRIVERS)
def test_every_goal_is_reached_as_it_should_be(name: str) -> None:
    subject = without_known_bugs(profile(name))
    outcomes = list(reach(subject))
    assert [each.goal for each in outcomes] == list(goals(subject))
    assert [each for each in outcomes if each.wrong] == []


def test_the_goals_of_a_driver_with_batches_are_so_many() -> None:
    kinds = Counter(goal.kind for goal in goals(profile("iaa-v14")))
    assert kinds == {
        "status": 54,
        "errno": 11,
        "counter": 12,
        "state": 10,
        "time-out": 3,
        "removal": 10,
        "position": 16,
    }


def test_every_counter_of_debugfs_is_moved_by_some_driver() -> None:
    moved = {
        goal.what
        for name in ("iaa-7.3", "iaa-v14")
        for goal in goals(profile(name))
        if goal.kind == "counter"
    }
    of_driver = {field.name for field in attrs.fields(IaaCounters)}
    of_queue = {f"{field.name} of a queue" for field in attrs.fields(IaaWqCounters)}
    assert moved == of_driver | of_queue


@pytest.mark.parametrize("name", ["iaa-6.12", "iaa-7.3"])
def test_as_written_mainline_frees_a_queue_under_a_job_in_every_phase_but_the_first(name: str) -> None:
    wrong = {each.goal.what for each in reach(profile(name)) if each.wrong.startswith("LIVE")}
    assert wrong == {"allocated", "queued", "service", "done"}


def test_a_goal_is_named_in_a_few_words() -> None:
    assert Goal("status", "decompress", "watchdog").text == "status watchdog of decompress"
    assert Goal("counter", "compress", "total_comp_calls").text == "counter total_comp_calls"
