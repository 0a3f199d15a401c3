"""Hunting exhibits."""

import pytest

from refmodel.museum import exhibit
from refmodel.report.hunt import hunt


@pytest.mark.parametrize("id", ["Z06", "Z22", "B01"])
def test_a_bug_is_found_by_random_runs_and_its_program_is_short(id: str) -> None:
    find = hunt(exhibit(id), seconds=60)

    assert find.broken in exhibit(id).breaks
    assert 0 < len(find.program) < find.length


def test_a_hunt_is_the_same_every_time() -> None:
    one, other = (hunt(exhibit("S11"), seconds=60) for _ in range(2))

    assert (one.runs, one.steps, one.program) == (other.runs, other.steps, other.program)


def test_a_bug_that_no_run_meets_is_shown_by_its_own_program() -> None:
    find = hunt(exhibit("Z12"), seconds=0.01)

    assert (find.broken, find.program) == ("", ())
    assert find.shown_by in exhibit("Z12").breaks
    assert find.caught
