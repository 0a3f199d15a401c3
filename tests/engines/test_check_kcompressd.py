"""Random runs of a discipline of kcompressd fill its queue, empty it and stop its thread."""

from __future__ import annotations

import pytest

from refmodel.engines.check import check
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile

ONLY_WITH_BUGS = {
    "kswapd_writepage.publish",
    "kcompressd_swapout.store: reclaim fails",
    "kcompressd_swapout.offer",
}
"""Goals that are reached without a lock for producers, or without the reserves of memory."""

QUEUES = ("kswapd", "kcompressd", "shrink_lru", "lru_add")


@pytest.mark.parametrize("name", ["kcompressd-b", "kcompressd-c"])
def test_random_runs_reach_all_of_the_queue_but_what_only_bugs_reach(name: str) -> None:
    result = check(without_known_bugs(profile(name)), steps=70_000, compressors=("tokens",), races=False)

    assert result.verdict == "not refuted"
    left = {goal.text for goal in result.coverage.unreached if goal.operation.startswith(QUEUES)}
    assert left <= ONLY_WITH_BUGS
