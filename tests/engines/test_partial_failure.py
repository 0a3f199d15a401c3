"""Stores that fail half-way: the goals are declared, each is reached, and nothing is left."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import attrs
import pytest

from refmodel.engines.failure_stage import Outcome
from refmodel.engines.partial_failure import (
    CannotStore,
    Laboratory,
    NoGoal,
    Progress,
    Result,
    fail_everywhere,
)
from refmodel.engines.replay import replay_token
from refmodel.engines.store_failures import Goal, Injected
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_entry import change_pool_ref
from refmodel.kernel.zswap_store_batch import ZswapStoreV14
from refmodel.kernel.zswap_store_pages import ZswapStorePagesV14
from refmodel.machine import Next, step
from refmodel.museum import exhibit, without_known_bugs
from refmodel.profiles import Profile, UnknownPreset, profile

POSTINGS = (
    "batching-v4",
    "batching-v6",
    "batching-v8",
    "batching-v9",
    "batching-v13",
    "batching-v14-insert-first",
)


def intended(name: str) -> Profile:
    """Return a profile without its known bugs."""
    return without_known_bugs(profile(name))


@cache
def laboratory(name: str = "batching-v14") -> Laboratory:
    """Return the systems of a profile, as it was intended."""
    return Laboratory(intended(name), "batches")


@cache
def whole(name: str) -> Result:
    """Return what becomes of all goals of a profile."""
    return fail_everywhere(intended(name))


def goals(name: str, text: str) -> list[Goal]:
    """Return the goals of a profile whose row has a text in it."""
    return [goal for goal in laboratory(name).goals if text in goal.row.text]


def ending_of(row: str, outcomes: tuple[Outcome, ...]) -> set[str]:
    return {each.ending for each in outcomes if row in each.goal.row.text}


# --- what is declared -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("linux-6.18", 133),
        ("linux-7.3", 133),
        ("vswap-v6", 37),
        ("batching-v4", 218),
        ("batching-v6", 218),
        ("batching-v8", 218),
        ("batching-v9", 218),
        ("batching-v10", 236),
        ("batching-v11", 236),
        ("batching-v12", 284),
        ("batching-v13", 284),
        ("batching-v14", 284),
        ("batching-v14-insert-first", 284),
    ],
)
def test_the_goals_of_a_profile_are_a_known_number(name: str, declared: int) -> None:
    numbers = [goal.number for goal in laboratory(name).goals]

    assert numbers == list(range(1, declared + 1))


def test_every_page_of_every_batch_is_a_place_at_which_an_insertion_can_fail() -> None:
    """For both kinds of compressor, with older entries at none, at all and at every other slot."""
    found = goals("batching-v14", "xa_store")
    places = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]

    assert len(found) == 8 * 2 * 3
    assert [(goal.batch, goal.position) for goal in found[:8]] == places
    assert [goal.failures for goal in found[:8]] == [(Injected("xa_store", page),) for page in range(8)]


def test_a_single_entry_is_asked_for_only_where_the_batch_could_not_be_allocated_at_once() -> None:
    found = goals("batching-v14", "alloc_entry fails")

    assert found[4].failures == (Injected("alloc_bulk", 1), Injected("alloc_entry", 1))
    assert goals("batching-v9", "alloc_entry fails")[4].failures == (Injected("alloc_entry", 4),)


def test_batches_are_as_long_as_the_profile_makes_them() -> None:
    """v6 publishes a folio whole, or page by page; v4 has batches for compressors that have them."""
    assert {goal.path.batches for goal in laboratory("batching-v14").goals} == {(3, 3, 2)}
    assert {(g.path.call, g.path.batches) for g in laboratory("batching-v6").goals} == {
        (1, (1,) * 8),
        (3, (8,)),
    }
    assert {(g.path.call, g.path.in_batches) for g in laboratory("batching-v4").goals} == {
        (1, False),
        (3, True),
    }


def test_a_step_that_nothing_leads_to_is_no_goal_and_says_why() -> None:
    left = {(each.what, each.call): each.why for each in laboratory("batching-v4").left}

    assert left["zswap_store.publish: xa_store fails", 3].startswith("the folio is stored in batches")
    assert left["zswap_store_pages.publish: xa_store fails", 1].startswith("the folio is stored page by page")
    text = "zswap_store.alloc_lru: alloc_lru fails, nothing is stored, over older entries"
    assert left[text, 3] == "they have made the lists"
    assert ("older entries", 1) in {(each.what, each.call) for each in laboratory("vswap-v6").left}


def test_a_goal_is_told_in_one_line() -> None:
    goal = goals("batching-v14", "xa_store")[4]

    assert goal.text == (
        "zswap_store_pages.publish: xa_store fails, at 1.1, 1 page a call, "
        "none of the slots with an older entry"
    )
    second = attrs.evolve(goal, second=Injected("compress", 2))
    assert second.text.endswith("; then compress fails, its number 3 of the store")


# --- what becomes of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linux-7.3", "batching-v14", "vswap-v6"])
def test_every_goal_is_reached_and_no_failure_leaves_anything(name: str) -> None:
    result = whole(name)

    assert [each.goal.text for each in result.outcomes if not each.reached] == []
    assert [(each.goal.text, each.wrong) for each in result.outcomes if each.wrong is not None] == []
    assert result.fine


@pytest.mark.parametrize("name", POSTINGS)
def test_no_posting_leaves_anything_as_it_was_intended(name: str) -> None:
    result = fail_everywhere(intended(name), "toy")

    assert [(each.goal.text, each.wrong) for each in result.outcomes if not each.fine] == []


def test_failures_refuse_the_folio_but_for_those_that_something_else_stands_in_for() -> None:
    outcomes = whole("batching-v14").outcomes

    assert ending_of("alloc_bulk fails", outcomes) == {"stored"}
    assert ending_of("writeback is allowed", outcomes) == {"stored"}
    assert ending_of("the CPU came after the pool", outcomes) == {"stored"}
    for row in (
        "xa_store",
        "alloc_entry",
        "alloc_object",
        "writeback is forbidden",
        "limit",
        "full",
        "disabled",
    ):
        assert ending_of(row, outcomes) == {"refused"}


def test_a_second_failure_leaves_nothing_either() -> None:
    result = fail_everywhere(intended("batching-v14"), "toy", pairs=True)
    points = Counter(tuple(each.point for each in pair.goal.injected) for pair in result.pairs)

    assert [(pair.goal.text, pair.wrong) for pair in result.pairs if not pair.fine] == []
    assert points["alloc_bulk", "xa_store"] > 0
    assert points["alloc_bulk", "alloc_bulk"] > 0
    assert points["compress", "compress"] > 0


def test_two_pages_of_one_call_are_counted_twice() -> None:
    """A call attempts every page, and each that fails moves the counter (BT-15)."""
    room = laboratory()
    first = next(g for g in goals("batching-v14", "writeback is forbidden") if g.path.call == 3)
    room.run(first)
    pair = room.following(first)[0]

    assert pair.injected == (Injected("compress", 0), Injected("compress", 1))
    assert pair.counted == {"reject_compress_fail": 2}
    assert room.run(pair).fine


def test_a_token_repeats_what_became_of_a_goal() -> None:
    outcome = laboratory().run(goals("batching-v14", "xa_store")[4])
    timeline = replay_token(outcome.token)
    steps = [
        step
        for step in timeline.moves[-1].steps
        if (step.operation, step.step) == ("ZswapStorePagesV14", "publish")
    ]

    assert timeline.violation is None
    assert [answer.index for step in steps for answer in step.answers] == [0, 0, 0, 0, 1]


def test_older_entries_at_every_other_slot_are_made_by_hand() -> None:
    """No commands lead there, so there is no token; the goal can be run by its number."""
    goal = next(each for each in goals("batching-v14", "xa_store") if each.old == "some")
    outcome = laboratory().run(goal)

    assert outcome.fine
    assert outcome.by_hand == "the entries of the slots 8, 10, 12, 14 were taken out by hand"
    assert not outcome.token
    assert fail_everywhere(intended("batching-v14"), only=goal.number).outcomes[0].goal == goal


def test_progress_is_told_after_each_goal() -> None:
    told: list[Progress] = []
    fail_everywhere(intended("vswap-v6"), "toy", progress=told.append)

    assert [each.done for each in told] == list(range(1, told[-1].declared + 1))


# --- what cannot be run ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["linux-6.1", "linux-6.12"])
def test_a_profile_that_stores_single_pages_is_refused_with_the_nearest_that_does_not(name: str) -> None:
    with pytest.raises(
        CannotStore, match=r"folio of 8 pages.*nearest profile in which it does is linux-6.18"
    ):
        fail_everywhere(intended(name))


@attrs.define
class NeverCompresses(ZswapStorePagesV14):
    """Reach for an entry that is not there."""

    @step
    def compress(self, v: KernelView) -> Next:
        """Look at it."""
        raise LookupError("zswap entry 0: never made")


def test_a_store_that_breaks_by_itself_is_refused() -> None:
    with pytest.raises(CannotStore, match="breaks off although nothing fails; try refmodel check"):
        fail_everywhere(planted(zswap_store_pages=NeverCompresses))


def test_a_preset_with_huge_folios_is_refused() -> None:
    with pytest.raises(CannotStore, match="256 pages; expected at most 16, as those of the preset batches"):
        fail_everywhere(intended("batching-v14"), "real")


def test_a_preset_or_a_goal_that_does_not_exist_is_named() -> None:
    with pytest.raises(UnknownPreset, match="'huge'"):
        fail_everywhere(intended("batching-v14"), "huge")
    with pytest.raises(NoGoal, match="goal 285: batching-v14 has 1 to 284"):
        fail_everywhere(intended("batching-v14"), only=285)


# --- planted bugs ---------------------------------------------------------------------------------------------


@attrs.define
class LeavesAnObject(ZswapStorePagesV14):
    """Forget the object of the page that was not inserted."""

    @step
    def store_pages_failed(self, v: KernelView) -> Next:
        """Go on without it."""
        return self.free_bulk


@attrs.define
class LeavesAnEntry(ZswapStorePagesV14):
    """Give back all entries of the batch but the last."""

    @step
    def free_bulk(self, v: KernelView) -> Next:
        """Stop one short."""
        self.put_entries(v, self.entries[self.done : -1])
        return self.failed(v)


@attrs.define
class KeepsReference(ZswapStoreV14):
    """Do not give back the store's reference to the pool."""

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Go on with it."""
        return self.reject


@attrs.define
class DropsTwo(ZswapStoreV14):
    """Give back one reference to the pool too many, which only the present state shows."""

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Give back two."""
        change_pool_ref(v, self.pool, -1)
        return ZswapStoreV14.put_pool(self, v)


@attrs.define
class ForgetsFirst(ZswapStoreV14):
    """Unwind from the second page on."""

    @step
    def erase_page(self, v: KernelView) -> Next:
        """Leave the first page alone."""
        self.index = max(self.index, 1)
        return ZswapStoreV14.erase_page(self, v)


@attrs.define
class StirsTheList(ZswapStoreV14):
    """Turn the folio's LRU list while unwinding, which no property forbids."""

    @step
    def reject(self, v: KernelView) -> Next:
        """Put the coldest entry last."""
        place = v.at.lru[1][0]
        v[place] = (*v[place][1:], *v[place][:1])
        return ZswapStoreV14.reject(self, v)


def planted(**operations: type[Any]) -> Profile:
    """Return the last posting with a bug."""
    return intended("batching-v14").with_operations("planted", "A bug.", **operations)


def broken(bug: Profile, row: str) -> set[str]:
    """Return what the goals of a row break, at every page but the first, where the list has been used."""
    room = Laboratory(bug, "batches")
    chosen = [
        goal for goal in room.goals if row in goal.row.text and goal.old != "some" and goal.position == 1
    ]
    wrong = [room.run(goal).wrong for goal in chosen]
    return {each.property for each in wrong if each is not None}


@pytest.mark.parametrize(
    ("bug", "found"),
    [
        (planted(zswap_store_pages=LeavesAnObject), {"ZS-12"}),
        (planted(zswap_store_pages=LeavesAnEntry), {"BT-4"}),
        (planted(zswap_store=KeepsReference), {"ZS-10"}),
        (planted(zswap_store=DropsTwo), {"ZS-10"}),
        (planted(zswap_store=ForgetsFirst), {"ZS-20"}),
        (planted(zswap_store=StirsTheList), {"TRACE"}),
        (exhibit("B02").profile, {"LIVE"}),
        (exhibit("B03").profile, {"ZS-20"}),
    ],
    ids=lambda each: each.name if isinstance(each, Profile) else "",
)
def test_a_planted_bug_is_found(bug: Profile, found: set[str]) -> None:
    assert found <= broken(bug, "xa_store")


@pytest.mark.parametrize(
    ("name", "row", "found"),
    [
        ("batching-v4", "zswap_store_pages.publish", {"LIVE"}),
        ("batching-v10", "alloc_entry fails", {"LIVE"}),
        ("batching-v13", "alloc_entry fails", {"LIVE"}),
        ("batching-v14", "alloc_entry fails", set()),
    ],
)
def test_defects_of_the_postings_are_found_where_they_are(name: str, row: str, found: set[str]) -> None:
    """HB-1 is at insertions of v4, HB-3 at the fall-back of v10 to v13."""
    assert broken(profile(name), row) == found


def test_a_cpu_that_came_after_the_pool_stops_the_kernel_in_some_postings() -> None:
    """HB-6: v9 to v12 have no context for it."""
    room = Laboratory(profile("batching-v12"), "batches")
    outcome = room.run(next(goal for goal in room.goals if "came after" in goal.row.text))

    assert outcome.reached
    assert outcome.ending == "broken off"
    assert outcome.wrong is not None
    assert outcome.wrong.property == "BUG"


def test_a_failure_that_does_not_happen_is_not_reached() -> None:
    goal = goals("batching-v14", "xa_store")[0]
    later = attrs.evolve(goal, failures=(Injected("xa_store", 99),))
    elsewhere = attrs.evolve(goal, batch=1)

    assert [laboratory().run(each).reached for each in (goal, later, elsewhere)] == [True, False, False]
