"""Random races."""

import random
from itertools import pairwise

import pytest

from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Draws
from refmodel.engines.race_course import Course
from refmodel.engines.race_trial import TASKS, Outcome, RaceTrial
from refmodel.engines.races import BYTES, COMMANDS, OPENINGS, Even, InTurn, Priorities, race
from refmodel.profiles import PROFILES, Profile
from tests.engines.racing import CROSSED, LOST_COUNT, race_trial
from tests.engines.simple import LINUX

KINDS_OF_LINUX = KINDS.of(LINUX.operations)


def data(seed: int) -> bytes:
    return random.Random(seed).randbytes(BYTES)


def found(trial: RaceTrial, property: str) -> bool:
    """Whether races of processes alone find a violation of a property."""
    kinds = {name: KINDS[name] for name in ("write", "read", "pageout")}
    races = (race(trial, kinds, data(seed)) for seed in range(600))
    return any(each.violation is not None and each.violation.property == property for each in races)


def test_the_bytes_decide_everything() -> None:
    """The same sequence gives the same race, on another system and after other races."""
    one, other = race_trial(), race_trial()
    race(other, KINDS_OF_LINUX, data(1))

    assert race(one, KINDS_OF_LINUX, data(2)) == race(other, KINDS_OF_LINUX, data(2))


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
def test_a_race_is_repeated_by_its_parts_and_slices(which: Profile) -> None:
    """Commands, answers and who goes on when are all that it consists of."""
    trial, kinds = race_trial(which), KINDS.of(which.operations)
    for seed in range(6):
        raced = race(trial, kinds, data(seed))
        end = trial.v.snapshot()
        course = Course(trial)
        course.begin()
        course.follow(raced.parts, raced.slices)

        assert course.race.slices == raced.slices
        assert trial.v.snapshot() == end


def test_operations_are_in_flight_at_the_same_time() -> None:
    """Of two, three and of four tasks, and the system's own work beside them."""
    trial = race_trial()
    raced = [race(trial, KINDS_OF_LINUX, data(seed)) for seed in range(40)]
    tasks = {len({part.actor for part in each.parts if part.actor < TASKS}) for each in raced}

    assert {2, 3, 4} <= tasks
    assert any(part.actor >= TASKS for each in raced for part in each.parts)
    assert sum(len(each.slices) for each in raced) > sum(len(each.parts) for each in raced)


def test_a_race_ends_at_its_number_of_commands_or_with_its_bytes() -> None:
    trial = race_trial()
    before = trial.commands
    race(trial, KINDS_OF_LINUX, data(3))

    most = COMMANDS + 2 * TASKS + max(len(each) for each in OPENINGS)
    assert 0 < trial.commands - before <= most
    assert race(trial, KINDS_OF_LINUX, b"").parts == ()


def test_an_update_in_two_steps_is_lost() -> None:
    assert found(race_trial(LOST_COUNT), "ZS-1")


def test_locks_that_are_taken_in_two_orders_are_a_deadlock() -> None:
    assert found(race_trial(CROSSED), "PROGRESS")


def test_points_that_never_fail_do_not() -> None:
    trial, points = race_trial(), frozenset({"alloc_folio", "xa_store", "compress"})
    for seed in range(60):
        race(trial, KINDS_OF_LINUX, data(seed), never=points)

    assert trial.failed
    assert not points & {fault for _, _, fault in trial.failed}


class TestSchedulers:
    def test_by_priority_the_same_one_goes_until_the_order_changes(self) -> None:
        scheduler = Priorities(Draws(bytes(64)), 3, 0)
        first = scheduler.pick([0, 1, 2])

        assert [scheduler.pick([0, 1, 2]) for _ in range(50)] == [first] * 50
        assert scheduler.pick([each for each in (0, 1, 2) if each != first]) != first

    def test_at_a_change_the_one_whose_turn_it_is_falls_back(self) -> None:
        scheduler = Priorities(Draws(bytes([0, 0, 0, 5]) + bytes(64)), 2, 1)
        picked = [scheduler.pick([0, 1]) for _ in range(20)]

        assert len(set(picked)) == 2
        assert sum(one != other for one, other in pairwise(picked)) == 1

    def test_nobody_runs_alone_for_ever(self) -> None:
        scheduler = Priorities(Draws(bytes(64)), 2, 0)

        assert {scheduler.pick([0, 1]) for _ in range(1000)} == {0, 1}

    def test_anybody_can_be_next(self) -> None:
        scheduler = Even(Draws(data(1)), 0)

        assert {scheduler.pick([0, 3, 5]) for _ in range(60)} == {0, 3, 5}

    def test_lazily_the_same_one_goes_on_mostly(self) -> None:
        scheduler = Even(Draws(data(1)), 224)
        picked = [scheduler.pick([0, 1]) for _ in range(200)]

        assert 1 <= sum(one != other for one, other in pairwise(picked)) < 40

    def test_in_turn_everybody_goes_one_step(self) -> None:
        scheduler = InTurn()

        assert [scheduler.pick([4, 0, 2]) for _ in range(5)] == [0, 2, 4, 0, 2]


def test_outcomes_are_told_apart() -> None:
    assert len(Outcome) == 4
