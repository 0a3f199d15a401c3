"""The minimiser of races, and the schedules that it leaves behind."""

import random
from itertools import pairwise

import attrs
import pytest

from refmodel.engines.commands import KINDS
from refmodel.engines.race_minimise import MinimisedRace, minimise_race
from refmodel.engines.race_schedule import scheduled
from refmodel.engines.race_trial import Race
from refmodel.engines.races import BYTES, race
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import decode_run, encode_run
from refmodel.profiles import Profile
from tests.engines.racing import CROSSED, END, LOST_COUNT, followed, part, race_trial
from tests.engines.simple import LINUX

OUT = [
    part(0, "write", 0, 0, 1),
    part(0, "write", 0, 1, 1),
    part(0, "pageout", 0, 0, 1),
    part(1, "pageout", 0, 1, 1),
]


def lost() -> Race:
    """Return a race in which an update is lost, found by trying."""
    trial = race_trial(LOST_COUNT)
    for steps in range(1, 80):
        raced = followed(trial, OUT, [(0, END), (1, END), (2, steps), (3, END), (2, END)])
        if raced.violation is not None:
            return raced
    raise AssertionError("no update is lost")


def failing(which: Profile, property: str, number: int) -> list[Race]:
    """Return races that break a property."""
    trial, chance = race_trial(which), random.Random(2)
    kinds = {name: KINDS[name] for name in ("write", "read", "pageout")}
    found: list[Race] = []
    while len(found) < number:
        raced = race(trial, kinds, chance.randbytes(BYTES))
        if raced.violation is not None and raced.violation.property == property:
            found.append(raced)
    return found


def least(which: Profile, raced: Race) -> MinimisedRace:
    return minimise_race(race_trial(which), raced)


def switches(raced: Race) -> int:
    actors = [raced.parts[number].actor for number, _ in raced.slices]
    return sum(one != other for one, other in pairwise(actors))


def test_a_race_that_breaks_nothing_cannot_be_minimised() -> None:
    with pytest.raises(ValueError, match="breaks no property"):
        least(LINUX, followed(race_trial(), OUT, [(0, END)]))


def test_a_race_of_another_profile_cannot_be_minimised() -> None:
    with pytest.raises(ValueError, match="does not break ZS-1"):
        least(LINUX, lost())


def test_parts_that_are_not_needed_go() -> None:
    raced = lost()
    noise = (part(2, "swap_max", 1, "4096"), part(3, "swap_max", 1, "max"))
    moved = tuple((number + 2, steps) for number, steps in raced.slices)
    noisy = attrs.evolve(raced, parts=(*noise, *raced.parts), slices=((0, END), (1, END), *moved))

    assert [each.move.command.name for each in least(LOST_COUNT, noisy).race.parts] == [
        each.move.command.name for each in least(LOST_COUNT, raced).race.parts
    ]


def test_actors_that_are_not_needed_go() -> None:
    """Whoever is idle runs the commands of the others."""
    raced = lost()
    spread = [attrs.evolve(each, actor=actor) for each, actor in zip(raced.parts, (2, 1, 3, 0), strict=False)]

    assert {
        each.actor for each in least(LOST_COUNT, attrs.evolve(raced, parts=tuple(spread))).race.parts
    } == {0, 1}


@pytest.mark.parametrize(
    ("which", "property"), [(LOST_COUNT, "ZS-1"), (CROSSED, "PROGRESS")], ids=["count", "locks"]
)
def test_random_races_become_short(which: Profile, property: str) -> None:
    """Same property, few commands, two actors, few switches, nothing larger than before; and a fixed point."""
    for raced in failing(which, property, 2):
        done = least(which, raced)

        assert done.violation.property == property
        assert len(done.race.parts) <= min(5, len(raced.parts))
        assert len({each.actor for each in done.race.parts}) == 2
        assert switches(done.race) <= min(3, switches(raced))
        assert not any(answer for each in done.race.parts for answer in each.move.answers)
        assert least(which, done.race).race == done.race


@pytest.mark.parametrize(
    ("which", "property"), [(LOST_COUNT, "ZS-1"), (CROSSED, "PROGRESS")], ids=["count", "locks"]
)
def test_a_minimised_race_is_a_schedule_that_breaks_the_same(which: Profile, property: str) -> None:
    """It runs again turn by turn, on a scope with a thread for each task, and so does its token."""
    for raced in failing(which, property, 1):
        trial = race_trial(which)
        done = minimise_race(trial, raced)
        run = scheduled(trial, done.race)
        seen = rerun(decode_run(encode_run(run), {which.name: which}), which)

        assert seen.violation is not None
        assert (seen.violation.property, seen.violation.found) == (property, done.violation.found)
        assert sum(len(thread.commands) for thread in run.scope.threads) == sum(
            each.actor < 4 for each in done.race.parts
        )
        assert [len(turn.steps) for turn in seen.turns] == [steps for _, steps in done.race.slices]


def test_failures_that_a_race_needs_stay_in_its_scope() -> None:
    """All others are left out of it."""
    trial = race_trial()
    parts = [part(0, "write", 0, 0, 2), part(1, "pageout", 0, 0, 1, answers=(0,) * 4 + (1,))]
    raced = followed(trial, parts, [(0, END), (1, END)])
    failed = set(trial.run_faults)
    run = scheduled(trial, raced)

    assert set(run.scope.faults) == failed
    assert rerun(run, LINUX).violation is None


def test_minimising_ends_after_a_bound_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was reached by then breaks the property all the same."""
    (raced,) = failing(LOST_COUNT, "ZS-1", 1)
    whole = least(LOST_COUNT, raced)
    monkeypatch.setattr("refmodel.engines.race_minimise.MOST_STEPS", 100)
    done = least(LOST_COUNT, raced)

    assert done.violation.property == "ZS-1"
    assert done.replays < whole.replays
