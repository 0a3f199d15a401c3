"""Batches of b jobs on N descriptors: k of them can wait for each other for ever exactly if k(b - 1) >= N."""

from __future__ import annotations

import pytest

from refmodel.engines.exploration import explore
from refmodel.engines.iaa_hold_and_wait import can_hang, scope
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile

SMALL = [(k, b, n) for k in (1, 2) for b in (2, 3) for n in (1, 2, 3, 4) if (k, b) != (2, 3) or n < 3]
"""Batches, jobs of each, descriptors: both sides of the bound, as far as an exploration takes a second."""


@pytest.mark.parametrize(("batches", "jobs", "entries"), SMALL)
def test_sleeping_batches_hang_exactly_where_the_formula_says(batches: int, jobs: int, entries: int) -> None:
    found = explore(scope(batches, jobs, entries), without_known_bugs(profile("iaa-v5")))
    assert found.verdict == ("refuted" if can_hang(batches, jobs, entries) else "holds")
    if found.counterexample is not None:
        assert found.counterexample.violation.property == "PROGRESS"


@pytest.mark.parametrize("name", ["iaa-v8", "iaa-v9", "iaa-v13", "iaa-v14"])
@pytest.mark.parametrize(("batches", "jobs", "entries"), [(1, 3, 1), (2, 2, 1), (2, 2, 2)])
def test_batches_that_try_again_never_hang(name: str, batches: int, jobs: int, entries: int) -> None:
    """Everything was seen on the side of the bound on which sleeping batches hang."""
    found = explore(scope(batches, jobs, entries, tries=1), without_known_bugs(profile(name)))
    assert found.verdict == "holds"


def test_single_jobs_never_hang() -> None:
    """Who holds nothing while it waits keeps nobody from going on: mainline has no batches."""
    assert not any(can_hang(batches, 1, entries) for batches in range(1, 300) for entries in range(1, 129))


@pytest.mark.parametrize(("entries", "least"), [(128, 19), (64, 10)])
def test_so_many_batches_of_eight_hang_a_whole_queue(entries: int, least: int) -> None:
    assert can_hang(least, 8, entries)
    assert not can_hang(least - 1, 8, entries)
