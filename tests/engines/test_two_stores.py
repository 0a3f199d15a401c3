"""Two designs of a store: what a failed insertion costs, what can be seen on the way, where both come to rest."""

from __future__ import annotations

from functools import cache
from typing import Any

import attrs
import pytest

from refmodel.engines.partial_failure import Laboratory
from refmodel.engines.scope import Scope
from refmodel.engines.scope_file import load_scope
from refmodel.engines.two_stores import (
    NOWHERE,
    Cost,
    NotComparable,
    NotFinished,
    compare,
    costs,
    states_at_rest,
    states_between,
)
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_store_pages import ZswapStorePagesV14
from refmodel.kernel.zswap_store_pages_insert_first import ZswapStorePagesInsertFirst
from refmodel.machine import Call, Next, step
from refmodel.museum import exhibit, without_known_bugs
from refmodel.profiles import Profile, profile
from refmodel.resources import specs_dir


def intended(name: str) -> Profile:
    """Return a profile without its known bugs."""
    return without_known_bugs(profile(name))


FIRST, SECOND = intended("batching-v14"), intended("batching-v14-insert-first")


def scope() -> Scope:
    """Return the scope in which the designs are compared."""
    return load_scope(specs_dir() / "scopes" / "insert-first.toml").scope


@cache
def spent() -> dict[tuple[int, int, str], Cost]:
    """Return all costs by batch, position and older entries."""
    return {(cost.batch, cost.position, cost.old): cost for cost in costs(FIRST, SECOND)}


def test_there_is_a_cost_for_each_insertion_of_batches_of_every_length() -> None:
    assert list(spent()) == [
        (batch, position, old)
        for batch in range(1, 9)
        for old in ("none", "all")
        for position in range(NOWHERE, batch)
    ]


@pytest.mark.parametrize("position", range(8))
def test_undoing_grows_five_times_as_fast_where_pages_are_published_one_by_one(position: int) -> None:
    """A page that was published has to be freed in full; one that is only in the tree is taken out."""
    one, other = spent()[8, position, "none"].work

    assert (one.undoing, other.undoing) == (14 + 5 * position, 14 + position)
    assert (one.rewrote - other.rewrote) == 8 * position


@pytest.mark.parametrize("position", range(8))
def test_with_older_entries_undoing_is_the_same_and_what_was_done_in_vain_is_not(position: int) -> None:
    """The unwinding frees eight entries in either design: old ones, or new ones in their place."""
    one, other = spent()[8, position, "all"].work

    assert (one.undoing, other.undoing) == (54, 54 + position)
    assert (one.steps, other.steps) == (49 + 8 * position, 49 + position)


def test_where_nothing_fails_both_change_the_same_and_one_looks_at_each_page_again() -> None:
    for old in ("none", "all"):
        one, other = spent()[8, NOWHERE, old].work
        assert other.steps == one.steps + 8
        assert other.wrote == one.wrote


def test_only_one_design_shows_pages_of_a_batch_on_lists_that_may_fail() -> None:
    """The other shows pages that are in the tree and not accounted, and older entries that are off the tree."""
    one, other = states_between(FIRST), states_between(SECOND)
    only = [seen for seen in one if seen not in other], [seen for seen in other if seen not in one]

    assert (len(set(one) & set(other)), len(only[0]), len(only[1])) == (29, 14, 10)
    assert "LLu., 0 off the tree, 3 counted" in only[0]
    assert "uuLL, 2 off the tree, 4 counted" in only[1]
    assert all("uu" in seen for seen in only[1])
    assert not any("uu" in seen for seen in only[0])


def test_both_come_to_rest_in_the_same_states_where_nobody_else_runs() -> None:
    alone = attrs.evolve(scope(), threads=scope().threads[:1])
    (one, explored), (other, also) = (states_at_rest(each, alone) for each in (FIRST, SECOND))

    assert one == other
    assert (len(one), explored, also) == (38, 842, 738)


# --- what can be got wrong --------------------------------------------------------------------------------------


@attrs.define
class CleansEverything(ZswapStorePagesV14):
    """Interleaved: the clean-up begins at the first page of the batch, not at the one that failed."""

    @step
    def store_pages_failed(self, v: KernelView) -> Next:
        """Forget how far it was."""
        self.done = 0
        return ZswapStorePagesV14.store_pages_failed(self, v)


@attrs.define
class LeavesInTree(ZswapStorePagesInsertFirst):
    """Insert first: what was inserted is left for the unwinding, as in the other design."""

    @step
    def take_back(self, v: KernelView) -> Next:
        """Clean up what was not inserted."""
        self.done = len(self.olds)
        return self.store_pages_failed


@attrs.define
class ForgetsOlder(ZswapStorePagesInsertFirst):
    """Insert first: insertions are undone, and what they had replaced is not put back."""

    @step
    def take_back(self, v: KernelView) -> Next:
        """Leave the place empty."""
        self.olds = (*self.olds[:-1], 0)
        return ZswapStorePagesInsertFirst.take_back(self, v)


@attrs.define
class FreesOlderAtOnce(ZswapStorePagesInsertFirst):
    """Insert first: an older entry is freed when it is replaced, as in the other design."""

    @step
    def publish(self, v: KernelView) -> Next:
        """Insert, then free."""
        following = ZswapStorePagesInsertFirst.publish(self, v)
        old = self.olds[-1] if self.olds else 0
        if following in (self.publish, self.free_old) and old:
            return Call(v.ops.zswap_entry_free(entry=old), then=following)
        return following


@pytest.mark.parametrize(
    ("design", "mistake", "found"),
    [
        (FIRST, CleansEverything, {("none", "LIVE"), ("all", "LIVE")}),
        (SECOND, LeavesInTree, {("none", "ZS-1"), ("all", "ZS-4")}),
        (SECOND, ForgetsOlder, {("all", "ZS-1")}),
        (SECOND, FreesOlderAtOnce, {("all", "LIVE")}),
    ],
)
def test_a_mistake_that_a_design_invites_is_found(
    design: Profile, mistake: type[Any], found: set[tuple[str, str]]
) -> None:
    """One in the posted design; three in the other, two of which show over older entries only."""
    room = Laboratory(design.with_operations("mistake", "A bug.", zswap_store_pages=mistake), "batches")
    goals = [goal for goal in room.goals if "xa_store" in goal.row.text and goal.position == 1]
    wrong = [(goal.old, room.run(goal).wrong) for goal in goals if goal.old != "some"]

    assert {(old, each.property) for old, each in wrong if each is not None} == found


def test_an_exploration_that_finds_something_wrong_has_no_states() -> None:
    alone = attrs.evolve(scope(), threads=scope().threads[:1])
    with pytest.raises(NotFinished, match=r"insert-first on batching-v4\+B02"):
        states_at_rest(exhibit("B02").profile, attrs.evolve(alone, batch=2))


def test_profiles_that_differ_in_more_than_the_store_are_not_compared() -> None:
    with pytest.raises(
        NotComparable, match="expected zswap_store_pages and nothing else; refmodel diff batching-v9"
    ):
        compare(intended("batching-v9"), FIRST, scope())
    with pytest.raises(NotComparable, match="differ in no operation"):
        compare(FIRST, FIRST, scope())
