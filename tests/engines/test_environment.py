"""Environments answer choice points and note what they answered."""

import pytest

from refmodel.engines.environment import Drawn, Draws, Exhausted, Scripted
from refmodel.machine import ChoicePoint
from refmodel.machine.choice import NoAnswer

FAULT = ChoicePoint("fault", "Something fails.", fault=True)
NODE = ChoicePoint("node", "Which node.")
FAILS = (False, True)


class TestEnvironment:
    def test_a_single_option_is_no_choice(self) -> None:
        """Nothing is drawn for it and nothing noted."""
        environment = Scripted([1])

        assert environment.choose(NODE, (7,)) == 7
        assert environment.answers == []
        assert environment.choose(NODE, (7, 8)) == 8

    def test_only_failures_are_faults(self) -> None:
        """Another option than the first is a fault where the point is one."""
        environment = Scripted([1, 1, 0])
        environment.choose(NODE, (0, 1))
        environment.choose(FAULT, FAILS)
        environment.choose(FAULT, FAILS)

        assert environment.faults == [FAULT]
        assert environment.answers == [1, 1, 0]

    def test_an_open_choice_has_no_answer_here(self) -> None:
        """Results that only a record knows cannot be made up."""
        with pytest.raises(NoAnswer, match="choice node: open"):
            Scripted().choose(NODE, None)


class TestScripted:
    def test_where_the_script_ends_nothing_unusual_happens(self) -> None:
        """Dropping answers means the first option."""
        environment = Scripted([2])

        assert [environment.choose(NODE, (5, 6, 7)) for _ in range(3)] == [7, 5, 5]

    def test_an_answer_that_does_not_fit_is_the_first_option(self) -> None:
        """A script for another state is still a script."""
        assert Scripted([5]).choose(NODE, (8, 9)) == 8

    def test_following_another_script_begins_anew(self) -> None:
        """Answers are noted for each command."""
        environment = Scripted([1])
        environment.choose(NODE, (0, 1))
        environment.follow([0])
        environment.choose(NODE, (0, 1))

        assert environment.answers == [0]


class TestDraws:
    def test_numbers_come_from_the_bytes_in_their_order(self) -> None:
        """One byte for up to 256 values, three for more."""
        draws = Draws(bytes([3, 200, 1, 2, 3]))

        assert [draws.below(2), draws.below(256), draws.below(70_000)] == [1, 200, 0x010203]

    def test_the_end_of_the_sequence_is_told(self) -> None:
        """A walk that lives on it is over."""
        with pytest.raises(Exhausted):
            Draws(b"").byte()


class TestDrawn:
    def test_zero_bytes_are_the_usual_answers(self) -> None:
        """So shrinking bytes takes the unusual away."""
        environment = Drawn(Draws(bytes(8)), rate=256 - 1)

        assert environment.choose(FAULT, FAILS) is False
        assert environment.choose(NODE, (4, 5)) == 4

    def test_faults_come_at_their_rate(self) -> None:
        """Bytes from 256 - rate on are failures."""
        environment = Drawn(Draws(bytes([253, 254, 255])), rate=2)

        assert [environment.choose(FAULT, FAILS) for _ in range(3)] == [False, True, True]

    def test_a_fault_with_several_answers_takes_one_of_the_failures(self) -> None:
        """The first option is what happens without a fault."""
        environment = Drawn(Draws(bytes([255, 1])), rate=2)

        assert environment.choose(FAULT, ("fine", "late", "never")) == "never"

    def test_points_that_never_fail_take_the_first_option(self) -> None:
        """No byte is used for them."""
        environment = Drawn(Draws(bytes([255])), rate=256, never=frozenset(["fault"]))

        assert environment.choose(FAULT, FAILS) is False
        assert environment.draws.byte() == 255

    def test_a_command_comes_to_its_end_without_bytes(self) -> None:
        """Where the sequence has ended the first option is taken."""
        assert Drawn(Draws(b""), rate=256).choose(FAULT, FAILS) is False
