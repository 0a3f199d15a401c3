"""What else could have happened at a turn."""

import attrs
import pytest

from refmodel.engines.forks import Fork, forks
from refmodel.engines.rerun import rerun
from refmodel.engines.schedule_token import decode_run, encode_run
from refmodel.engines.token import BadToken
from tests.engines.scheduled import BROKEN, DEADLOCK, GRABBING, SCOPE, TWINS, run_of
from tests.engines.simple import LINUX, NO_COUNT, Raising, with_write


def said(found: list[Fork]) -> list[tuple[str, str | None, str]]:
    """Return who, what it begins, and the step of each fork."""
    return [(fork.record.actor, fork.record.label, fork.step) for fork in found]


def test_the_other_actors_and_the_other_starts_are_forks() -> None:
    found, _ = forks(run_of(LINUX, TWINS, ()), LINUX, 1)

    assert said(found) == [
        (task, label, step)
        for task in ("task 1", "task 2")
        for label, step in (
            ("write(mm=0, page=0, content=2)", "WritePage.access"),
            ("pageout(mm=0, page=0, nr=1)", "MadvisePageout618.lock"),
            ("read(mm=0, page=0)", "ReadPage.access"),
        )
    ]


def test_the_other_answers_are_forks() -> None:
    scope = attrs.evolve(SCOPE, faults=("alloc_folio",))
    found, _ = forks(run_of(LINUX, scope), LINUX, 2)
    answers = [
        [(each.choice, each.index) for each in fork.record.steps[0].answers]
        for fork in found
        if fork.record.actor == "writer"
    ]

    assert answers == [[("alloc_folio", 0)], [("alloc_folio", 1)]]
    assert [fork.taken for fork in found] == [True, False, False]


def test_each_fork_can_be_continued_from() -> None:
    found, _ = forks(BROKEN, NO_COUNT, 3)

    for fork in found:
        again = decode_run(encode_run(fork.run), {NO_COUNT.name: NO_COUNT})
        assert rerun(again, NO_COUNT).turns[-1].actor == fork.record.actor


def test_exactly_one_fork_is_the_one_that_the_run_takes() -> None:
    for number in range(1, len(BROKEN.schedule) + 1):
        found, _ = forks(BROKEN, NO_COUNT, number)
        assert [fork.run.schedule[-1].actor for fork in found if fork.taken] == [
            BROKEN.schedule[number - 1].actor
        ]


def test_a_fork_says_what_its_step_breaks() -> None:
    planted = with_write(Raising)
    found, _ = forks(run_of(planted, order=()), planted, 1)

    assert [fork.violation.property if fork.violation else None for fork in found] == ["LIVE", None]


def test_who_has_to_wait_is_no_fork() -> None:
    found, waiting = forks(DEADLOCK, GRABBING, 3)

    assert found == []
    assert [each.name for each in waiting] == ["task 1", "task 2"]


@pytest.mark.parametrize("number", [0, len(BROKEN.schedule) + 2])
def test_a_turn_that_does_not_exist_is_refused(number: int) -> None:
    with pytest.raises(BadToken, match=f"turn {number}: expected 1 to {len(BROKEN.schedule) + 1}"):
        forks(BROKEN, NO_COUNT, number)
