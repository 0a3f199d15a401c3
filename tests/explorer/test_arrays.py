"""A search that keeps states in arrays finds what one without them finds."""

from __future__ import annotations

import pytest

from refmodel.engines.exploration import explore
from refmodel.engines.explorer.search import Bounds, Reductions
from refmodel.engines.explorer.workers import able
from refmodel.engines.scope_file import load_scope
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from refmodel.resources import specs_dir
from tests.explorer.scope import NOTHING, at_rest_up_to_names, parts, search_of

pytest.importorskip("numpy", reason="the extra speed is not installed")

NEVER = 1 << 60


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Use arrays from the first state on, in portions of few states."""
    monkeypatch.setattr("refmodel.engines.explorer.search.ARRAYS", 1)
    monkeypatch.setattr("refmodel.engines.explorer.search.MANY", 1)
    monkeypatch.setattr("refmodel.engines.explorer.arrays.expander.PORTION", 700)
    return monkeypatch


def reductions_of(scope: tuple[int, int, int], actors: bool, merge: bool, names: bool) -> Reductions:
    """Return some reductions."""
    return Reductions(actors, merge, parts(*scope)[3] if names else None)


@pytest.mark.parametrize("actors", [False, True])
@pytest.mark.parametrize("merge", [False, True])
@pytest.mark.parametrize("names", [False, True])
@pytest.mark.parametrize("scope", [(1, 2, 2), (2, 2, 1), (2, 1, 2), (3, 1, 1)])
def test_every_level_has_as_many_states(
    early: pytest.MonkeyPatch, scope: tuple[int, int, int], actors: bool, merge: bool, names: bool
) -> None:
    """With every reduction by itself and together; transitions and states at rest are the same, too."""
    chosen = reductions_of(scope, actors, merge, names)
    arrays = search_of(scope, chosen).run()
    assert arrays.visited.in_arrays
    early.setattr("refmodel.engines.explorer.search.ARRAYS", NEVER)
    plain = search_of(scope, chosen).run()
    assert not plain.visited.in_arrays
    assert [len(level) for level in arrays.visited.levels] == [len(level) for level in plain.visited.levels]
    assert arrays.transitions == plain.transitions
    assert at_rest_up_to_names(arrays) == at_rest_up_to_names(plain)


@pytest.mark.parametrize("bug", [1, 2, 3, 4])
@pytest.mark.parametrize("reductions", [NOTHING, "all"])
def test_a_planted_bug_is_found_at_the_same_depth(
    early: pytest.MonkeyPatch, bug: int, reductions: Reductions | str
) -> None:
    arrays = search_of((1, 2, 2, bug), reductions, judged=True).run().found
    early.setattr("refmodel.engines.explorer.search.ARRAYS", NEVER)
    plain = search_of((1, 2, 2, bug), reductions, judged=True).run().found
    assert arrays is not None
    assert plain is not None
    assert (arrays.kind, str(arrays.what), arrays.depth) == (plain.kind, str(plain.what), plain.depth)


@pytest.mark.usefixtures("early")
@pytest.mark.skipif(not able(2), reason="this system cannot fork")
def test_counts_do_not_depend_on_the_number_of_processes(early: pytest.MonkeyPatch) -> None:
    alone = search_of((2, 2, 2), "all").run()
    early.setattr("refmodel.engines.explorer.search.PAYS", 200)
    together = search_of((2, 2, 2), "all", jobs=3).run()
    assert [len(level) for level in together.visited.levels] == [len(level) for level in alone.visited.levels]
    assert together.transitions == alone.transitions


@pytest.mark.usefixtures("early")
def test_a_full_memory_stops_the_search() -> None:
    search = search_of((2, 2, 2), NOTHING, bounds=Bounds(megabytes=1)).run()
    assert search.full
    assert not search.complete


def test_levels_that_arrays_do_not_expand_may_lie_between(early: pytest.MonkeyPatch) -> None:
    """What a step depends on may become known while a small level is expanded without them."""
    early.setattr("refmodel.engines.explorer.search.MANY", 300)
    assert len(search_of((2, 2, 2), "all").run().visited) == 14_309


@pytest.mark.parametrize(
    ("scope", "of"),
    [
        ("batch", "batching-v14"),
        ("iaa-batches", "iaa-v9"),
    ],
)
def test_a_shipped_scope_has_as_many_states(early: pytest.MonkeyPatch, scope: str, of: str) -> None:
    """Renamed folios, waiting, claims and the system's own work included."""
    file = load_scope(specs_dir() / "scopes" / f"{scope}.toml")
    subject = without_known_bugs(profile(of))
    arrays = explore(file.scope, subject, goals=file.goals_of(subject))
    early.setattr("refmodel.engines.explorer.search.ARRAYS", NEVER)
    plain = explore(file.scope, subject, goals=file.goals_of(subject))
    assert (arrays.verdict, arrays.states, arrays.transitions, arrays.depth) == (
        plain.verdict,
        plain.states,
        plain.transitions,
        plain.depth,
    )
