"""Running operations: steps, calls, values, waits, and several in flight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from refmodel.machine import (
    Call,
    ChoicePoint,
    Execution,
    Next,
    Operation,
    Return,
    View,
    Wait,
    WouldBlock,
    run,
    step,
)

COIN = ChoicePoint("coin", "Which side comes up.")
BREAKS = ChoicePoint("breaks", "The thing breaks.", fault=True)


def last_answer(point: ChoicePoint, options: Sequence[Any] | None) -> Any:
    """Answer with the last option: the environment in which everything fails."""
    assert options is not None
    return options[-1]


@attrs.define
class Double(Operation):
    """Double a component."""

    place: int

    @step
    def double(self, v: View) -> Next:
        """Double it."""
        v[self.place] = v[self.place] * 2
        v.emit("doubled", place=self.place)
        return Return(v[self.place])


@attrs.define
class Add(Operation):
    """Double a component until it is large, then add what the coin says."""

    place: int
    rounds: int = 0

    @step
    def begin(self, v: View) -> Next:
        """Begin."""
        return self.grow if v[self.place] < 8 else self.flip

    @step
    def grow(self, v: View) -> Next:
        """Double it in an operation of its own."""
        self.rounds += 1
        return Call(Double(self.place), then=self.begin)

    @step
    def flip(self, v: View) -> Next:
        """Add what the coin says."""
        v[self.place] += v.choose(COIN, (1, 100))
        return Return((self.rounds, self.result))


@attrs.define
class TakeLock(Operation):
    """Take a lock, do something, give it back."""

    place: int

    @step
    def lock(self, v: View) -> Next:
        """Wait for the lock."""
        if v[self.place]:
            return Wait("the lock")
        v[self.place] = True
        return self.unlock

    @step
    def unlock(self, v: View) -> Next:
        """Give it back."""
        v[self.place] = False
        return Return()


def test_an_operation_runs_to_its_end_and_has_a_value() -> None:
    """Steps follow each other, a called operation's value stands in ``result``."""
    view = View([1])

    assert run(view, Add(0)) == (3, 8)
    assert view == [9]


def test_the_environment_answers_choices() -> None:
    """The same operation ends differently under another environment."""
    view = View([8])
    view.choose = last_answer
    run(view, Add(0))

    assert view == [108]


def test_nothing_fails_unless_the_environment_says_so() -> None:
    """``fails`` is a choice between no and yes, no first."""
    view = View([])
    assert not view.fails(BREAKS)
    view.choose = last_answer
    assert view.fails(BREAKS)


def test_an_open_choice_needs_an_environment_that_knows() -> None:
    """Without options there is no default; the error names the point."""
    with pytest.raises(LookupError, match="choice coin: open"):
        View([]).choose(COIN, None)


def test_observers_see_steps_and_events_in_order() -> None:
    """The observer is called after each step, with operation and step."""
    view, steps, events = View([4]), [], []
    view.emit = lambda name, **fields: events.append((name, fields))
    run(view, Add(0), lambda method: steps.append(f"{type(method.__self__).__name__}.{method.__name__}"))

    assert steps == ["Add.begin", "Add.grow", "Double.double", "Add.begin", "Add.flip"]
    assert events == [("doubled", {"place": 0})]


def test_a_sequential_run_that_waits_can_never_go_on() -> None:
    """The error names operation, step, and what it waits for."""
    with pytest.raises(WouldBlock, match=r"TakeLock\.lock waits for the lock") as raised:
        run(View([True]), TakeLock(0))

    assert (raised.value.operation, raised.value.step, raised.value.what) == ("TakeLock", "lock", "the lock")


def test_operations_in_flight_advance_step_by_step() -> None:
    """A waiting step changes nothing and can be tried again."""
    view = View([False])
    first, second = Execution(TakeLock(0)), Execution(TakeLock(0))

    assert first.advance(view)
    assert not second.advance(view)
    assert second.at[1] == "lock"
    assert first.advance(view)
    assert first.over
    assert second.advance(view)
    assert second.advance(view)
    assert second.over


def test_an_execution_gives_the_value_of_a_run() -> None:
    """Step by step or at once, the result is the same."""
    view, execution = View([1]), Execution(Add(0))
    while not execution.over:
        execution.advance(view)

    assert execution.value == (3, 8)
    assert view == [9]


def test_a_step_that_returns_something_else_is_named() -> None:
    """The error says which step returned what, and what was expected."""

    @attrs.define
    class Wrong(Operation):
        """An operation that goes nowhere."""

        @step
        def begin(self, v: View) -> Any:
            """Return nothing that names a step."""
            return 7

    with pytest.raises(TypeError, match=r"Wrong\.begin returned 7: expected a step"):
        run(View([]), Wrong())


def test_a_snapshot_brings_the_whole_state_back() -> None:
    """Snapshots are tuples: hashable, comparable, and not touched by later steps."""
    view = View([1, "a"])
    before = view.snapshot()
    run(view, Add(0))

    assert view.snapshot() != before
    view.restore(before)
    assert view.snapshot() == before
    assert hash(before) == hash((1, "a"))


class TestSteps:
    """What a class knows of its steps."""

    def test_steps_stand_in_the_order_of_the_class_body(self) -> None:
        """The first is where the operation starts."""
        assert Add.step_names == ("begin", "grow", "flip")
        assert Add.first == "begin"

    def test_a_sibling_keeps_the_order_and_replaces_a_step(self) -> None:
        """An overridden step stands where the base has it."""

        class Other(Add):
            """Adds nothing."""

            @step
            def grow(self, v: View) -> Next:
                """Stop at once."""
                return Return("stopped")

        assert Other.step_names == Add.step_names
        assert run(View([1]), Other(0)) == "stopped"

    def test_arguments_and_locals_are_plain_data(self) -> None:
        """An operation can be printed and compared."""
        assert Add(3).locals() == {"place": 3, "rounds": 0}
        assert Add(3) == Add(3)
        assert repr(Add(3)) == "Add(place=3, rounds=0)"


def test_a_step_that_waits_is_tried_again_when_something_was_done_about_it() -> None:
    """Work of the system's own goes on while an operation waits for it."""
    view = View([True])
    done: list[str] = []

    def unlock() -> bool:
        done.append("unlocked")
        view[0] = False
        return True

    run(view, TakeLock(0), while_waiting=unlock)

    assert done == ["unlocked"]


def test_a_step_that_nothing_can_be_done_about_never_goes_on() -> None:
    with pytest.raises(WouldBlock, match=r"TakeLock\.lock waits for the lock"):
        run(View([True]), TakeLock(0), while_waiting=lambda: False)
