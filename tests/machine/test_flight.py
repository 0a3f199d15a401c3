"""An operation in flight is plain data, and equal flights have equal futures."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from refmodel.machine import Call, Layout, Next, Operation, Return, View, Wait, step
from refmodel.machine.flight import Landed, advance, describe_frame, take_off
from refmodel.machine.liveness import live_fields

LAYOUT = Layout()
LOCK = LAYOUT.one("lock", False)
TOTAL = LAYOUT.one("total", 0)


@attrs.define
class Double(Operation):
    """Return twice a number."""

    number: int

    @step
    def compute(self, v: Any) -> Next:
        """Multiply."""
        return Return(2 * self.number)


@attrs.define
class AddDouble(Operation):
    """Add twice a number to the total, under the lock."""

    number: int
    scratch: int = 0

    @step
    def lock(self, v: Any) -> Next:
        """Take the lock."""
        if v[LOCK]:
            return Wait("the lock")
        v[LOCK] = True
        self.scratch = self.number
        return self.ask

    @step
    def ask(self, v: Any) -> Next:
        """Have it doubled."""
        return Call(Double(self.scratch), then=self.add)

    @step
    def add(self, v: Any) -> Next:
        """Add and unlock."""
        v[TOTAL] += self.result
        v[LOCK] = False
        return Return(v[TOTAL])


@attrs.define
class Loops(Operation):
    """Count down; the note is written before it is read in every round."""

    left: int
    note: int = 0

    @step
    def round(self, v: Any) -> Next:
        """Write a note."""
        self.note = self.left
        self.left -= 1
        return self.read

    @step
    def read(self, v: Any) -> Next:
        """Read the note."""
        return self.round if self.note > 1 else Return()


def run(view: View, operation: Operation) -> Any:
    flight: Any = take_off(operation)
    while isinstance(flight, tuple):
        flight = advance(view, flight)
    return flight


def test_a_flight_runs_to_its_value() -> None:
    view = View(LAYOUT.initial)
    assert run(view, AddDouble(4)) == Landed(8)
    assert view[TOTAL] == 8


def test_a_called_operation_stands_before_its_caller() -> None:
    view = View(LAYOUT.initial)
    flight: Any = advance(view, advance(view, take_off(AddDouble(4))))  # type: ignore[arg-type]  # in flight
    assert [describe_frame(frame) for frame in flight] == ["Double.compute", "AddDouble.add"]


def test_a_step_that_waits_gives_back_what_it_waits_for() -> None:
    view = View(LAYOUT.initial)
    view[LOCK] = True
    assert advance(view, take_off(AddDouble(4))) == Wait("the lock")


def test_advancing_leaves_the_flight_as_it_was() -> None:
    flight = take_off(AddDouble(4))
    before = repr(flight)
    advance(View(LAYOUT.initial), flight)
    assert repr(flight) == before


def test_flights_that_differ_in_what_no_step_reads_any_more_are_equal() -> None:
    view = View(LAYOUT.initial)
    flights = []
    for number in (4, 5):
        view.restore(LAYOUT.initial)
        flights.append(advance(view, advance(view, take_off(AddDouble(number)))))  # type: ignore[arg-type]
    callers = [flight[1:] for flight in flights]  # type: ignore[index]  # in flight
    assert callers[0] == callers[1]


def test_a_variable_matters_until_its_last_reader() -> None:
    live = live_fields(AddDouble)
    assert live["lock"] == {"number"}
    assert live["ask"] == {"scratch"}
    assert live["add"] == {"result"}


def test_a_variable_that_is_written_before_it_is_read_does_not_matter() -> None:
    assert live_fields(Loops) == {"round": {"left"}, "read": {"left", "note"}}


def test_a_step_must_name_what_follows() -> None:
    @attrs.define
    class Lost(Operation):
        @step
        def go(self, v: Any) -> Next:
            return 7  # type: ignore[return-value]

    with pytest.raises(TypeError, match=r"Lost\.go returned 7: expected a step"):
        advance(View(LAYOUT.initial), take_off(Lost()))
