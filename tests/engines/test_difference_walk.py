"""Random scenarios on two profiles."""

from __future__ import annotations

from refmodel.engines.command import Command
from refmodel.engines.difference_pair import Act, Answered, make_pairs, retold
from refmodel.engines.difference_search import Clock
from refmodel.engines.difference_walk import Walks, shortened
from tests.engines.simple import LINUX, NO_COUNT

WRITE, OUT = Command("write", (0, 1, 7)), Command("pageout", (0, 1, 1))
ACTS = [
    Act(Command("zswap_max", (1, "8192"))),
    Act(Command("write", (0, 0, 2))),
    Act(WRITE, (Answered("folio_node", 1, 1),)),
    Act(Command("write", (1, 3, 4))),
    Act(OUT),
    Act(Command("read", (0, 1))),
]


def test_a_walk_that_tells_is_shortened() -> None:
    pairs = make_pairs(LINUX, NO_COUNT, "toy", "counters")
    told = Walks(pairs, 0, Clock(None, None)).run(200)

    assert told is not None
    assert [act.command.name for act in told.scenario.acts][:1] == ["write"]
    assert len(told.scenario.acts) == 2
    assert retold(told.scenario, LINUX, NO_COUNT, "counters") == told.sights


def test_the_same_seed_gives_the_same_scenario() -> None:
    found = [
        Walks(make_pairs(LINUX, NO_COUNT, "toy", "counters"), 3, Clock(None, None)).run(200) for _ in range(2)
    ]

    assert found[0] == found[1] is not None


def test_equal_profiles_are_not_told_apart() -> None:
    walks = Walks(make_pairs(LINUX, LINUX, "toy", "strict"), 0, Clock(None, None))

    assert walks.run(12) is None
    assert walks.number == 12


def test_what_does_not_matter_is_left_out_and_arguments_become_simple() -> None:
    told = shortened(make_pairs(LINUX, NO_COUNT, "toy", "counters")[0], ACTS)

    assert told is not None
    # The content 0 is the page of zeroes, which zswap never sees; 1 is the simplest that it stores.
    assert told.scenario.acts == (Act(Command("write", (0, 0, 1))), Act(Command("pageout", (0, 0, 1))))


def test_commands_after_which_both_look_the_same_cannot_be_shortened() -> None:
    assert shortened(make_pairs(LINUX, LINUX, "toy", "strict")[0], ACTS) is None
