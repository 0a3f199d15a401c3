"""The minimiser."""

import random
from typing import Any

import pytest

from refmodel.engines.command import Move
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.minimise import minimise
from refmodel.engines.trial import Trial
from refmodel.engines.violation import Violation
from refmodel.engines.walk import BYTES, walk
from refmodel.properties.property import state_property
from tests.engines.simple import NO_COUNT, STORE, move, trial


def violation_of(moves: tuple[Move, ...]) -> Violation:
    """Run a program; return what it breaks."""
    made, environment = trial(NO_COUNT), Scripted()
    for each in moves:
        environment.follow(each.answers)
        violation = made.do(each.command, environment)
        if violation is not None:
            return violation
    raise AssertionError("the program breaks nothing")


def least(*moves: Move) -> tuple[Move, ...]:
    """Return a minimised program of the profile that counts nothing."""
    return minimise(trial(NO_COUNT), moves, violation_of(moves)).moves


def test_moves_that_are_not_needed_go() -> None:
    noise = (move("fork", 1), move("read", 1, 2), move("swap_max", 1, "4096"), move("swap_max", 1, "max"))

    assert least(*noise, *STORE) == least(*STORE)


def test_moves_that_need_each_other_go_together() -> None:
    """Without the second of them the page is not stored, without the first it changes nothing."""
    program = (move("enabled", 0), move("enabled", 1), *STORE)

    assert [each.command.name for each in least(*program)] == ["write", "pageout"]


def test_arguments_become_the_first_that_do() -> None:
    program = (move("write", 1, 3, 8), move("pageout", 1, 3, 1))

    assert [each.command.arguments for each in least(*program)] == [(0, 0, 1), (0, 0, 1)]


def test_answers_become_the_first_options_where_they_can() -> None:
    program = (move("write", 0, 0, 1, answers=(0, 1)), move("pageout", 0, 0, 1))

    assert [each.answers for each in least(*program)] == [(), ()]


def test_answers_that_are_needed_stay() -> None:
    """All others become the first option."""

    @state_property("FITS", source="test", bug="none")
    def every_entry_fits(index: Any) -> str | None:
        """Every entry can be allocated."""
        failed = index.v[index.v.at.zs.reject_kmemcache_fail]
        return f"{failed} could not" if failed else None

    made = trial(properties=[every_entry_fits])
    position = next(n for n in range(20) if _fails(made, n))
    noise = move("write", 0, 0, 2, answers=(0, 1))
    program = (noise, move("pageout", 0, 0, 1, answers=(*[0] * position, 1)))

    least = minimise(made, program, Violation("FITS", "", "", "")).moves
    assert [each.answers for each in least] == [(), (*[0] * position, 1)]


def _fails(made: Trial, position: int) -> bool:
    """Whether a store in which the choice at a position goes wrong cannot allocate its entry."""
    made.reset()
    made.do(STORE[0].command, Scripted())
    return made.do(STORE[1].command, Scripted((*[0] * position, 1))) is not None


def test_moves_after_the_violation_go() -> None:
    assert least(*STORE, move("read", 0, 0)) == least(*STORE)


def test_a_program_that_breaks_nothing_cannot_be_minimised() -> None:
    violation = violation_of(STORE)

    with pytest.raises(ValueError, match="does not break ZS-1"):
        minimise(trial(NO_COUNT), STORE[:1], violation)


def test_the_result_breaks_the_same_property_and_is_a_fixed_point() -> None:
    """Minimising it again changes nothing."""
    made, kinds = trial(NO_COUNT), KINDS.of(NO_COUNT.operations)
    chance = random.Random(7)
    for _ in range(12):
        walked = walk(made, kinds, chance.randbytes(BYTES))
        if walked.violation is None:
            continue
        once = minimise(made, walked.moves, walked.violation)
        again = minimise(made, once.moves, once.violation)
        assert once.violation.property == walked.violation.property
        assert again.moves == once.moves
        assert len(once.moves) <= 3
