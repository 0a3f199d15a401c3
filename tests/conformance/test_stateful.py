"""Implementations under rule-based machines of Hypothesis."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from refmodel.conformance.boundary import Line
from refmodel.conformance.stateful import Diverged, machine_for_target
from tests.conformance.served import Served

SETTINGS = settings(
    max_examples=30,
    stateful_step_count=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)


def test_the_model_beside_itself_passes() -> None:
    run_state_machine_as_test(machine_for_target(Served()), settings=settings(SETTINGS, max_examples=5))


def test_a_wrong_counter_is_found_and_named() -> None:
    def change(command: Line, answer: Line) -> Line:
        if command["op"] in ("hello", "reset"):
            return answer
        return {**answer, "counters": {**answer["counters"], "zs.stored_pages": 0}}

    with pytest.raises(Diverged) as diverged:
        run_state_machine_as_test(machine_for_target(Served(change=change)), settings=SETTINGS)
    assert diverged.value.divergence.field == "counter zs.stored_pages"
