"""Random walks."""

import random

import pytest

from refmodel.engines.command import Command
from refmodel.engines.commands import KINDS
from refmodel.engines.environment import Scripted
from refmodel.engines.walk import BYTES, walk
from refmodel.profiles import PROFILES, Profile, profile
from tests.engines.simple import LINUX, NO_COUNT, trial


def data(seed: int) -> bytes:
    return random.Random(seed).randbytes(BYTES)


def test_the_bytes_decide_everything() -> None:
    """The same sequence gives the same walk, on another system and after other walks."""
    one, other = trial(), trial()
    kinds = KINDS.of(LINUX.operations)
    walk(other, kinds, data(1))

    assert walk(one, kinds, data(2)) == walk(other, kinds, data(2))


@pytest.mark.parametrize("which", PROFILES.values(), ids=PROFILES)
def test_a_walk_is_repeated_by_its_moves(which: Profile) -> None:
    """Commands and answers are all that it consists of."""
    made = trial(which)
    for seed in range(5):
        walked = walk(made, KINDS.of(which.operations), data(seed))
        end = made.v.snapshot()
        made.reset()
        environment = Scripted()
        for move in walked.moves:
            environment.follow(move.answers)
            made.do(move.command, environment)

        assert made.v.snapshot() == end


def test_a_walk_ends_with_the_violation() -> None:
    made, kinds = trial(NO_COUNT), KINDS.of(NO_COUNT.operations)
    failed = [walked for seed in range(20) if (walked := walk(made, kinds, data(seed))).violation]

    assert failed
    assert {walked.violation.property for walked in failed if walked.violation} == {"ZS-1"}


def test_a_walk_ends_with_its_bytes_or_at_its_length() -> None:
    made, kinds = trial(), KINDS.of(LINUX.operations)

    assert walk(made, kinds, b"").moves == ()
    assert 0 < len(walk(made, kinds, data(3)[:120]).moves) < 20
    assert len(walk(made, kinds, data(3), length=7).moves) == 7


def test_nothing_happens_after_the_kernel_has_stopped() -> None:
    """6.12 stops where data are damaged; the walk ends there and nothing is broken."""
    which = profile("linux-6.12")
    made, kinds = trial(which), KINDS.of(which.operations)
    for seed in range(300):
        walked = walk(made, kinds, data(seed))
        assert walked.violation is None
        if made.halted:
            return
    pytest.fail("no walk met damaged data")


def test_points_that_never_fail_do_not() -> None:
    made, kinds = trial(), KINDS.of(LINUX.operations)
    points = frozenset({"alloc_folio", "xa_store", "compress"})
    for seed in range(40):
        walk(made, kinds, data(seed), never=points)

    assert not points & {fault for _, _, fault in made.failed}


def test_walks_reach_what_zswap_does() -> None:
    """Most steps within a few dozen walks."""
    made, kinds = trial(), KINDS.of(LINUX.operations)
    for seed in range(60):
        walk(made, kinds, data(seed))
    ran = {f"{cls.__name__}.{step.__name__}" for cls, step in made.reached}

    assert {"ZswapStore73.count", "ZswapLoad73.erase", "ZswapWriteback73.write"} <= ran
    assert Command("read", (0, 0)).name in kinds
