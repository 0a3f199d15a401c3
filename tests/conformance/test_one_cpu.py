"""One processor for two processes that take turns."""

from __future__ import annotations

import os
import subprocess
import sys

from refmodel.conformance.one_cpu import one_cpu


def test_a_process_and_those_that_it_starts_stay_on_one_cpu_until_the_end() -> None:
    before = os.sched_getaffinity(0)
    ask = [sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))"]
    with one_cpu(1):
        mine = os.sched_getaffinity(0)
        child = subprocess.run(ask, capture_output=True, text=True, check=True).stdout

    assert len(mine) == 1
    assert mine <= before
    assert child.split() == [str(*mine)]
    assert os.sched_getaffinity(0) == before


def test_processors_are_counted_round() -> None:
    """Several searches share those that there are."""
    available = sorted(os.sched_getaffinity(0))
    with one_cpu(len(available)):
        assert os.sched_getaffinity(0) == {available[0]}
