"""Reclaim of live kernels: what comes between two visits is followed at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.conformance.validator import validate

DATA = Path(__file__).parent / "data"


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        # The second walk of the shrinker writes a page to the disk, and tells of itself after that.
        ("reclaim-walks-between-visits-7.3", "linux-7.3"),
        # The worker begins after the first visit: what it writes back comes before what is visited next.
        ("reclaim-worker-between-visits-6.12", "linux-6.12"),
    ],
)
def test_what_runs_between_two_visits_is_followed_there(name: str, kernel: str) -> None:
    """Every page, content and counter follows."""
    verdict = validate(DATA / f"{name}.jsonl.gz", kernel, "counters")
    assert verdict.verdict == "accepted", verdict.rejection
