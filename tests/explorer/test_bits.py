"""Bits are put into states and taken out of them, and the others keep their order."""

from __future__ import annotations

from refmodel.engines.explorer.bits import change_bits, insert_bits, remove_bits, runs_of


def test_inserted_bits_are_zero_and_can_be_taken_out() -> None:
    states = [0b1011, 0b110]
    assert insert_bits(states, 2, 1) == [0b10011, 0b1010]
    assert insert_bits(states, 2, 3) == [0b1000011, 0b100010]
    assert remove_bits(insert_bits(states, 2, 3), 2, 3) == states


def test_positions_that_stand_side_by_side_are_a_run() -> None:
    assert runs_of([9, 8, 7, 4, 2, 1]) == ((7, 3), (4, 1), (1, 2))
    assert runs_of([]) == ()


def test_runs_are_changed_from_the_highest_to_the_lowest() -> None:
    assert change_bits(insert_bits, ((2, 1), (1, 2)), [0b111]) == [0b101001]
    assert change_bits(remove_bits, ((4, 1), (1, 2)), [0b101001]) == [0b111]
