"""Runs with fewer switches."""

from itertools import groupby

from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import ScheduledRun
from refmodel.engines.straighten import straightened
from tests.engines.scheduled import BROKEN, CROSSED, DEADLOCK, GRABBING, run_of
from tests.engines.simple import LINUX, NO_COUNT


def switches(run: ScheduledRun) -> int:
    """Return how often another actor goes on."""
    return len(list(groupby(turn.actor for turn in run.schedule))) - 1


def test_steps_that_do_not_depend_on_each_other_come_together() -> None:
    straight = straightened(CROSSED, NO_COUNT)

    assert (switches(CROSSED), switches(straight)) == (3, 1)
    assert rerun(straight, NO_COUNT).violation == rerun(CROSSED, NO_COUNT).violation


def test_each_actor_does_the_same_in_the_same_order() -> None:
    straight = straightened(CROSSED, NO_COUNT)

    for actor in (0, 1):
        own = [[turn for turn in run.schedule if turn.actor == actor] for run in (CROSSED, straight)]
        assert own[0] == own[1]


def test_a_run_that_is_straight_stays_as_it_is() -> None:
    assert straightened(BROKEN, NO_COUNT) == BROKEN


def test_a_deadlock_stays_one() -> None:
    assert rerun(straightened(DEADLOCK, GRABBING), GRABBING).waiting


def test_a_run_that_breaks_nothing_still_ends_with_nothing_broken() -> None:
    crossed = run_of(LINUX, order=((0, 3), (1, 1), (0, 1), (1, 99)))

    assert rerun(straightened(crossed, LINUX), LINUX).violation is None
