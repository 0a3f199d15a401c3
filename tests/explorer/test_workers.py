"""Several processes find what one finds."""

from __future__ import annotations

import pytest

from refmodel.engines.explorer.search import Reductions
from refmodel.engines.explorer.workers import able
from tests.explorer.scope import NOTHING, search_of

pytestmark = pytest.mark.skipif(not able(2), reason="this system cannot fork")


@pytest.fixture(autouse=True)
def fork_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork for levels of any size."""
    monkeypatch.setattr("refmodel.engines.explorer.search.PAYS", 200)


@pytest.mark.parametrize("reductions", [NOTHING, "all"])
def test_counts_do_not_depend_on_the_number_of_processes(reductions: Reductions | str) -> None:
    """States, transitions and depth are the same."""
    scope = (1, 2, 2) if reductions is NOTHING else (2, 2, 2)
    alone, together = search_of(scope, reductions).run(), search_of(scope, reductions, jobs=3).run()
    assert together.complete
    assert [len(level) for level in together.visited.levels] == [len(level) for level in alone.visited.levels]
    assert together.transitions == alone.transitions


@pytest.mark.parametrize("bug", [1, 4])
def test_a_bug_is_found_at_the_same_depth(bug: int) -> None:
    """A child that meets something out of the ordinary leaves it to the parent."""
    alone, together = (
        search_of((2, 2, 2, bug), "all", judged=True, jobs=jobs).run().found for jobs in (1, 2)
    )
    assert alone is not None
    assert together is not None
    assert (together.kind, str(together.what), together.depth) == (alone.kind, str(alone.what), alone.depth)
