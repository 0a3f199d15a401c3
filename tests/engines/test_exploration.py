"""An exploration sees everything, says so, and gives the shortest run that breaks a property."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from refmodel.engines.exploration import Exploration, explore, make_search, result_of
from refmodel.engines.explorer.search import Bounds, Reductions
from refmodel.engines.interleaving import Interleaving
from refmodel.engines.scope import Scope
from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.kernel.zswap_writeback import ZswapWriteback73
from refmodel.machine import Next, Wait, step
from refmodel.museum import without_known_bugs
from refmodel.profiles import Profile, profile
from tests.engines.simple import KeepsNoCount
from tests.engines.small_scopes import PAGEOUT, READ, SHRINK, WRITE, free

TASKS = free(READ, PAGEOUT, times=2, before=(WRITE,))


@attrs.define
class RetriesForEver(ZswapWriteback73):
    """Writeback looks again and again."""

    turn: int = 0

    @step
    def recheck(self, v: Any) -> Next:
        """Look."""
        v[v.at.next_shrink] = self.turn = -1 - self.turn % 2
        return self.again

    @step
    def again(self, v: Any) -> Next:
        """Look again."""
        v[v.at.next_shrink] = -2 - self.turn
        return self.recheck


def released(name: str) -> Profile:
    return without_known_bugs(profile(name))


@attrs.define
class ClaimsTheLock(ZswapLoad73):
    """A load that claims the page-table lock, which every fault takes."""

    def owns(self, v: Any, step: str) -> Iterator[Any]:
        """Yield what is not the load's."""
        yield v.at.ptl[0]


@attrs.define
class NeverUnlocks(ZswapWriteback73):
    """Writeback waits for something that never comes."""

    @step
    def recheck(self, v: Any) -> Next:
        """Wait."""
        return Wait("a thing that never comes")


def resting_states(scope: Scope, of: Profile, reductions: Reductions) -> tuple[Exploration, set[Any]]:
    """Explore a scope; return the result, and the components of all states at rest."""
    search, judge = make_search(scope, of, reductions=reductions)
    search.run()
    packing = search.packing
    found = set()
    for state in search.visited.all():
        if not any(packing.local(state, actor).flight for actor in range(packing.actors)):
            found.add(tuple(packing.components(state)))
    return result_of(scope, of, search, judge, (), 0.0), found


@pytest.mark.parametrize("name", ["linux-6.1", "linux-6.12", "linux-6.18", "linux-7.3", "vswap-v6"])
def test_a_reduction_changes_neither_verdict_nor_states_at_rest_nor_what_is_reached(name: str) -> None:
    of = released(name)
    plain, resting = resting_states(TASKS, of, Reductions(actors=False, merge=False))
    assert plain.verdict == "holds"
    for reductions in (Reductions(actors=True, merge=False), Reductions(actors=False), Reductions()):
        reduced, found = resting_states(TASKS, of, reductions)
        assert reduced.verdict == plain.verdict
        assert found == resting
        assert set(reduced.steps) == set(plain.steps)
        assert reduced.states < plain.states


def test_a_wrong_claim_is_found_named_and_not_believed() -> None:
    of = released("linux-7.3")
    wrong = of.with_operations("claims", "claims a lock of all", zswap_load=ClaimsTheLock)
    result, found = resting_states(TASKS, wrong, Reductions())
    assert result.distrusted == ("ClaimsTheLock",)
    assert result.verdict == "holds"
    assert found == resting_states(TASKS, of, Reductions(merge=False))[1]


def test_the_same_scope_has_the_same_size_every_time() -> None:
    sizes = [
        (r.states, r.transitions, r.depth) for r in (explore(TASKS, released("linux-7.3")) for _ in "ab")
    ]
    assert sizes[0] == sizes[1]


def test_depth_first_sees_the_same_states() -> None:
    of = released("linux-7.3")
    breadth, depth = (explore(TASKS, of, order=order) for order in ("breadth", "depth"))
    assert (breadth.states, breadth.transitions) == (depth.states, depth.transitions)
    assert depth.verdict == "holds"
    assert depth.depth >= breadth.depth


def test_depth_first_finds_a_bug_with_a_run_that_runs() -> None:
    of = released("linux-7.3").with_operations("forgetful", "counts too few", zswap_store=KeepsNoCount)
    result = explore(free(WRITE, READ, PAGEOUT), of, order="depth")
    assert result.counterexample is not None
    run = Interleaving(free(WRITE, READ, PAGEOUT), of)
    assert not any(run.take(turn).waited for turn in result.counterexample.schedule)


def test_depth_first_leaves_out_what_is_too_deep() -> None:
    result = explore(TASKS, released("linux-7.3"), order="depth", bounds=Bounds(depth=20))
    assert result.verdict == "not refuted"
    assert result.depth == 20


@pytest.mark.parametrize("merge", [True, False])
def test_a_bug_is_found_with_a_schedule_that_runs(merge: bool) -> None:
    of = released("linux-7.3").with_operations("forgetful", "counts too few", zswap_store=KeepsNoCount)
    scope = free(WRITE, READ, PAGEOUT)
    result = explore(scope, of, reductions=Reductions(merge=merge))
    assert result.verdict == "refuted"
    assert result.counterexample is not None
    assert result.counterexample.violation.property == "ZS-1"
    run = Interleaving(scope, of)
    for turn in result.counterexample.schedule:
        assert not run.take(turn).waited


def test_a_system_in_which_nobody_can_go_on_is_refuted() -> None:
    of = released("linux-7.3").with_operations("stuck", "waits", zswap_writeback_entry=NeverUnlocks)
    result = explore(free(WRITE, PAGEOUT, SHRINK, number=1), of)
    assert result.counterexample is not None
    assert result.counterexample.violation.property == "PROGRESS"


def test_retries_without_end_are_found_where_that_is_asked_for() -> None:
    of = released("linux-7.3").with_operations(
        "retries", "never gives up", zswap_writeback_entry=RetriesForEver
    )
    scope = free(SHRINK, number=1, times=2, before=(WRITE, PAGEOUT))
    assert explore(scope, of).verdict == "holds"
    result = explore(scope, of, livelocks=True)
    assert result.counterexample is not None
    assert result.counterexample.violation.property == "PROGRESS"
    assert explore(scope, released("linux-7.3"), livelocks=True).verdict == "holds"


def test_a_bound_is_named() -> None:
    result = explore(TASKS, released("linux-7.3"), bounds=Bounds(states=500))
    assert result.verdict == "not refuted"
    assert "500 states" in result.why


def test_a_goal_that_is_not_reached_refutes_a_complete_exploration() -> None:
    of = released("linux-7.3")
    assert explore(TASKS, of, goals=["ZswapStore73.publish"]).verdict == "holds"
    missed = explore(TASKS, of, goals=["ZswapWriteback73.back_out"])
    assert missed.verdict == "refuted"
    assert missed.missed == ("ZswapWriteback73.back_out",)


def test_a_budget_bounds_the_failures_of_a_run() -> None:
    of = released("linux-7.3")
    faults = ("alloc_entry", "xa_store")
    none, one, many = (
        explore(free(WRITE, PAGEOUT, number=1, faults=faults, budget=budget), of) for budget in (0, 1, None)
    )
    assert none.failed == ()
    assert (
        set(one.failed)
        == set(many.failed)
        == {
            "ZswapStore73.alloc_entry alloc_entry",
            "ZswapStore73.publish xa_store",
        }
    )


def test_model_code_runs_once_for_many_transitions() -> None:
    result = explore(TASKS, released("linux-7.3"))
    assert result.transitions > 10 * result.runs
