"""Searches that share programs, each with an implementation of its own."""

from __future__ import annotations

from multiprocessing import get_context
from typing import Any

import attrs
import pytest

from refmodel.conformance.boundary import BadTarget, Line
from refmodel.conformance.conform import Conformance, Progress, Share, conform
from refmodel.conformance.conform_jobs import merged, search
from refmodel.profiles import profile
from refmodel.resources import specs_dir
from tests.conformance.served import Served

OVER = get_context("spawn").Event
STORE = f"python:{specs_dir() / 'examples' / 'store.py'}:Store"


class Recorded(Served):
    """The model, with the programs that it was given."""

    programs: tuple[list[Line], ...] = ()

    def exchange(self, command: Line) -> Any:
        if command["op"] == "reset":
            self.programs += ([],)
        elif command["op"] != "hello":
            self.programs[-1].append(command)
        return super().exchange(command)


def part_of(target: Served, share: Share | None, runs: int) -> Conformance:
    return conform(target, "served", profile("linux-7.3"), seconds=600, runs=runs, share=share)


def test_two_searches_run_what_one_would() -> None:
    """Every second program each; together they have exercised the same."""
    alone, *pair = Recorded(), Recorded(), Recorded()
    over = OVER()
    whole = part_of(alone, None, 6)
    parts = [part_of(target, Share(number, 2, over), 3) for number, target in enumerate(pair)]

    assert pair[0].programs == alone.programs[0::2]
    assert pair[1].programs == alone.programs[1::2]
    together = merged(parts)
    assert attrs.evolve(together, seconds=0) == attrs.evolve(whole, seconds=0)


def test_a_search_ends_when_another_has_found_a_divergence() -> None:
    over = OVER()
    over.set()

    found = part_of(Served(), Share(1, 2, over), 9)
    assert (found.verdict, found.runs) == ("undecided", 0)


def test_of_two_divergences_the_one_of_the_earlier_program_is_told() -> None:
    """Both were met before either could stop; which process was faster does not matter."""

    def wrong(command: Line, answer: Line) -> Line:
        return {**answer, "crc": 1} if command["op"] == "read" else answer

    late, early = (part_of(Served(change=wrong), Share(0, 2, OVER()), 9) for _ in range(2))
    late = attrs.evolve(late, runs=late.runs + 1)

    assert late.shrunk
    assert merged([late, early]).shrunk is early.shrunk
    assert merged([early, late]).shrunk is early.shrunk
    assert merged([early, late]).runs == early.runs + late.runs


def test_processes_find_a_fault_together() -> None:
    told: list[Progress] = []
    found = search(f"{STORE} stale", None, 5.0, jobs=2, seconds=60, progress=told.append)

    assert found.verdict == "refuted"
    assert found.shrunk
    assert len(found.shrunk.program) <= 8
    assert told[-1].commands


def test_what_keeps_an_implementation_from_starting_is_told_as_from_one_process() -> None:
    with pytest.raises(BadTarget, match="nowhere"):
        search("python:nowhere.py:Store", None, 5.0, jobs=2, progress=lambda known: None)
