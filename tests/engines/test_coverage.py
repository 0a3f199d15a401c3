"""Declared goals and which of them were reached."""

import pytest

from refmodel.engines.coverage import Coverage, Goal, declared, reached
from refmodel.engines.environment import Scripted
from refmodel.machine.introspect import describe_operation
from refmodel.profiles import PROFILES, Profile
from tests.engines.simple import LINUX, STORE, trial

GOALS = declared(LINUX.operations)


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
def test_every_step_that_an_operation_comes_to_is_a_goal(which: Profile) -> None:
    goals = declared(which.operations)

    assert len(set(goals)) == len(goals)
    for name in ("read_page", "zswap_store", "shrink_worker"):
        steps = [step.name for step in describe_operation(getattr(which.operations, name)).steps]
        assert [goal.step for goal in goals if goal.operation == name and not goal.fault] == steps


def test_a_step_that_is_inherited_but_never_come_to_is_no_goal() -> None:
    """7.3 tells zswap while it frees a run of slots, not one by one."""
    assert "invalidate" in LINUX.operations.swap_put_map.step_names
    assert Goal("swap_put_map", "drop_one") in GOALS
    assert Goal("swap_put_map", "invalidate") not in GOALS


def test_every_failure_point_of_a_step_is_a_goal() -> None:
    assert Goal("zswap_store", "publish", "xa_store") in GOALS
    assert Goal("write_page", "anonymous", "alloc_folio") in GOALS
    assert not [goal for goal in GOALS if goal.fault in ("cpu", "folio_node")]


def test_what_ran_and_what_failed_is_reached() -> None:
    made = trial()
    made.do(STORE[0].command, Scripted([1]))
    goals = reached(LINUX.operations, [made])

    assert goals == {
        Goal("write_page", "access"),
        Goal("write_page", "anonymous"),
        Goal("write_page", "anonymous", "alloc_folio"),
    }
    assert goals <= set(GOALS)


def test_what_was_not_reached_is_listed() -> None:
    done = frozenset(GOALS[:3])
    coverage = Coverage(GOALS, done)

    assert coverage.unreached == GOALS[3:]
    steps, failures = coverage.figures(faults=False), coverage.figures(faults=True)
    assert (steps[0] + failures[0], steps[1] + failures[1]) == (3, len(GOALS))


def test_a_goal_is_named_in_a_word_or_two() -> None:
    assert Goal("zswap_store", "publish").text == "zswap_store.publish"
    assert Goal("zswap_store", "publish", "xa_store").text == "zswap_store.publish: xa_store fails"
