"""A search finds exactly the states, transitions and levels that there are, and the shortest way to a bug."""

from __future__ import annotations

import pytest

from refmodel.engines.explorer.actors import Actors, Program, Start
from refmodel.engines.explorer.packing import Widened
from refmodel.engines.explorer.path import way_to
from refmodel.engines.explorer.search import Bounds, Reductions, Search
from tests.explorer.protocol import Violation
from tests.explorer.scope import (
    NOTHING,
    all_reductions,
    at_rest_up_to_names,
    counters_of,
    parts,
    search_of,
)

SMALL, MIDDLE = (1, 2, 2), (2, 2, 2)
BUGS = {
    1: "decompressed an entry that is gone",
    2: "stored/charge counter differs from the number of live entries",
    3: "shrinker met an incoherent entry",
    4: "page lost",
}


@pytest.mark.parametrize(
    ("scope", "counts"),
    [((1, 1, 1), (56, 78, 18)), (SMALL, (1_647, 3_784, 46)), (MIDDLE, (132_099, 362_540, 80))],
)
def test_without_reductions_every_state_is_visited_once(
    scope: tuple[int, int, int], counts: tuple[int, int, int]
) -> None:
    """TLA+, Promela and Python texts of the protocol agree on these numbers."""
    search = search_of(scope).run()
    assert search.complete
    assert (len(search.visited), search.transitions, search.depth) == counts


@pytest.mark.parametrize(
    ("scope", "actors", "merge", "names", "states"),
    [
        (SMALL, True, False, False, 852),
        ((2, 2, 1), False, False, True, 1_806),
        (MIDDLE, True, False, True, 33_277),
        (SMALL, True, True, True, 522),
        (MIDDLE, True, True, True, 14_309),
    ],
)
def test_each_reduction_leaves_the_known_number_of_states(
    scope: tuple[int, int, int], actors: bool, merge: bool, names: bool, states: int
) -> None:
    """Orbits under renaming, and what is left when steps that commute are merged."""
    renaming = parts(*scope)[3] if names else None
    search = search_of(scope, Reductions(actors, merge, renaming)).run()
    assert search.complete
    assert len(search.visited) == states


@pytest.mark.parametrize(("scope", "resting"), [(SMALL, 43), (MIDDLE, 349)])
def test_reductions_keep_every_state_at_rest(scope: tuple[int, int, int], resting: int) -> None:
    """Up to the names of slots, the states in which no operation is under way are the same."""
    names = all_reductions(parts(*scope)[0]).names
    expected = at_rest_up_to_names(search_of(scope).run())
    assert len(expected) == resting
    each = (
        (Reductions(True, False), Reductions(False, True), Reductions(False, False, names))
        if scope == SMALL
        else ()
    )
    for reductions in (*each, Reductions(names=names)):
        assert at_rest_up_to_names(search_of(scope, reductions).run()) == expected


@pytest.mark.parametrize(("bug", "depth"), [(1, 22), (2, 7), (3, 3), (4, 15)])
def test_a_planted_bug_is_found_at_its_shortest_depth(bug: int, depth: int) -> None:
    """The depth counts the transitions before the one that fails."""
    found = search_of((*SMALL, bug), NOTHING, judged=True).run().found
    assert found is not None
    assert (str(found.what), found.depth) == (BUGS[bug], depth)
    assert found.kind == ("step" if isinstance(found.what, Violation) else "state")


@pytest.mark.parametrize("bug", [1, 2, 3, 4])
def test_reductions_keep_the_verdict(bug: int) -> None:
    """Merged steps make ways shorter, and no bug hides behind them."""
    found = search_of((*MIDDLE, bug), "all", judged=True).run().found
    assert found is not None
    assert str(found.what) == BUGS[bug]


def test_a_merged_step_that_fails_is_what_was_looked_for() -> None:
    """No search begins again to see a step fail that another one ran on into."""
    search = search_of((*MIDDLE, 1), "all", judged=False).run()
    found = search.found
    assert found is not None
    assert search.restarts == []
    turns = search.fitting(lambda: way_to(search, found))
    assert (found.depth, sum(len(turn.steps) for turn in turns)) == (16, 24)
    assert str(turns[-1].failed) == BUGS[1]


@pytest.mark.parametrize("young", [50, 500, 100_000])
def test_going_ahead_changes_nothing_but_the_time(young: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is met on the way is counted by nobody; it only makes fields wide and assumptions right in time."""
    monkeypatch.setattr("refmodel.engines.explorer.search.YOUNG", young)
    search = search_of(MIDDLE, "all").run()
    assert search.complete
    assert (len(search.visited), search.transitions, search.depth) == (14_309, 44_187, 57)


def test_an_actor_that_begins_late_stays_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first local state has a high number by then; fields are as tight as they can be when it comes."""

    def states(young: int) -> tuple[int, int, int]:
        monkeypatch.setattr("refmodel.engines.explorer.search.YOUNG", young)
        protocol, view, _, _ = parts(2, 2, 2)
        starts = tuple(Start(label, make) for label, make in protocol.starts)
        programs = [Program("task", starts[:-1]), Program("shrinker", starts[-1:])]
        search = Search(view, Actors(programs, [1, 1]), counters=counters_of(protocol), reductions=NOTHING)
        search.run()
        return len(search.visited), search.transitions, search.depth

    assert states(young=2) == states(young=1_000_000)


def test_two_runs_find_the_same_states_in_the_same_order() -> None:
    """Nothing depends on chance."""
    first, second = (list(search_of(SMALL, "all").run().visited.all()) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        (Bounds(states=100), "stopped at the bound of 100 states"),
        (Bounds(depth=5), "stopped at the bound of 5 transitions of a run"),
        (Bounds(seconds=0), "stopped at the bound of 0 seconds"),
        (Bounds(megabytes=1), "stopped at the bound of 1 megabytes of memory"),
    ],
)
def test_a_search_that_reaches_a_bound_says_which(bounds: Bounds, sentence: str) -> None:
    """What was covered until then stays."""
    search = search_of(SMALL, bounds=bounds).run()
    assert not search.complete
    assert search.stopped == sentence
    assert len(search.visited) >= 1


def test_the_memory_bound_holds_within_a_level(monkeypatch: pytest.MonkeyPatch) -> None:
    """A level that does not fit is given up; the levels before it stay."""
    monkeypatch.setattr("refmodel.engines.explorer.search.CHUNK", 5)
    monkeypatch.setattr(Search, "_over", lambda search: False)
    search = search_of(SMALL, bounds=Bounds(megabytes=1_000_000))
    sizes = iter([0] * 100 + [10**13] * 10_000)
    monkeypatch.setattr("refmodel.engines.explorer.search.resident", lambda: next(sizes))
    search.run()
    assert search.stopped == "stopped at the bound of 1,000,000 megabytes of memory"
    assert 1 < len(search.visited) < 1_647


@pytest.mark.parametrize("reductions", [NOTHING, "all"])
def test_what_steps_do_stays_known_when_fields_get_wider(reductions: Reductions | str) -> None:
    """The same states follow, and hardly any model code runs again."""
    search = search_of(SMALL, reductions).run()
    runs, last = search.table.runs, len(search.packing.fields) - 1
    for place in (0, last):
        search.repack(Widened(search.packing.widen(place)))
        search.repack(Widened(search.packing.widen_locals(0)))
    states = list(search.visited.all())
    assert search.successors(states) | {states[0]} == set(states)
    assert search.table.runs <= 1.1 * runs


def test_what_an_idle_actor_never_tried_is_not_left_out() -> None:
    """Acts that depend on the same are joined; what they lead to is not known before they are looked up."""
    table = search_of((1, 1, 1)).table
    starts = [start for act in table.acts[0][0] for start in act[2]]
    table.gather()
    assert table.left_out == []
    assert sorted(start for act in table.acts[0][0] for start in act[2]) == starts
