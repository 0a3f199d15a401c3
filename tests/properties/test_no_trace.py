"""What a store that failed may not leave, one planted trace after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from refmodel.engines.failure_stage import Stage
from refmodel.engines.setting import BATCHES
from refmodel.engines.store_failures import USUAL, Injected, Old
from refmodel.kernel.state import ZswapEntry
from refmodel.kernel.table import KernelView
from refmodel.machine import evolve
from refmodel.museum import without_known_bugs
from refmodel.profiles import profile
from refmodel.properties.no_trace import no_trace, without_older_entries

FAILURE = Injected("xa_store", 4)
COUNTED = {"reject_alloc_fail": 1}


@cache
def stage_with(old: Old) -> Stage:
    """Return a stage of the last posting."""
    return Stage(without_known_bugs(profile("batching-v14")), "batches", BATCHES, old, USUAL, ())


def failed(old: Old = "all") -> Stage:
    """Return a stage after a store whose fifth insertion failed, with the system as that left it."""
    stage = stage_with(old)
    assert stage.store(FAILURE) == "refused"
    stage.trial.v.restore(stage.window.after)
    return stage


@pytest.mark.parametrize("old", ["none", "all", "some"])
def test_a_store_that_fails_leaves_nothing(old: Old) -> None:
    stage = failed(old)

    assert no_trace(stage.trial.v, stage.window.before, stage.window.folio, COUNTED) is None


def test_older_entries_are_gone_with_everything_that_they_held() -> None:
    stage = failed()
    v, before = stage.trial.v, stage.window.before
    left = without_older_entries(v, before, stage.window.folio)

    assert before[v.at.zs.stored_pages] == 11
    assert left[v.at.zs.stored_pages] == 3
    assert left[v.at.objects_used].bit_count() == before[v.at.objects_used].bit_count() - 8
    assert left[v.at.pool_ref[1]] == before[v.at.pool_ref[1]] - 8
    assert left[v.at.mc[1].zswap] == before[v.at.mc[1].zswap] - 8 * 1024


def test_a_counter_moves_by_what_the_failure_is_counted_with_and_by_no_more() -> None:
    stage = failed()
    arguments = stage.trial.v, stage.window.before, stage.window.folio

    assert no_trace(*arguments, {}) == "zs.reject_alloc_fail is 1 after the store; expected 0"
    assert (
        no_trace(*arguments, {"reject_alloc_fail": 2})
        == "zs.reject_alloc_fail is 1 after the store; expected 2"
    )
    wrong = no_trace(*arguments, {**COUNTED, "reject_kmemcache_fail": 1})
    assert wrong == "zs.reject_kmemcache_fail is 0 after the store; expected 1"


def _leave_entry_in_tree(v: KernelView) -> None:
    v[v.at.tree[8]] = 9


def _leave_metadata(v: KernelView) -> None:
    v[v.at.entries_used] |= 1 << 20


def _leave_object(v: KernelView) -> None:
    v[v.at.objects_used] |= 1 << 20


def _leave_page_of_the_pool(v: KernelView) -> None:
    v[v.at.pool_pages[1]] += 1


def _leave_charge(v: KernelView) -> None:
    v[v.at.mc[1].zswap] += 1024


def _leave_charge_of_the_parent(v: KernelView) -> None:
    v[v.at.mc[0].zswapped] += 1


def _leave_reference(v: KernelView) -> None:
    v[v.at.pool_ref[1]] += 1


def _leave_count(v: KernelView) -> None:
    v[v.at.zs.stored_pages] += 1


def _count_as_swapped_out(v: KernelView) -> None:
    v[v.at.vm.zswpout] += 3


def _turn_list(v: KernelView) -> None:
    first, *others = v[v.at.lru[1][0]] + (20,)
    v[v.at.lru[1][0]] = (*others, first)


def _list_on_the_other_node(v: KernelView) -> None:
    v[v.at.lru[1][1]] = (9,)


def _keep_context(v: KernelView) -> None:
    v[v.at.ctx_locked[1][0]] = True


def _clear_mark_of_a_neighbour(v: KernelView) -> None:
    entry = v[v.at.entry[1]]
    assert isinstance(entry, ZswapEntry)
    v[v.at.entry[1]] = evolve(entry, referenced=False)


@pytest.mark.parametrize(
    ("plant", "place"),
    [
        (_leave_entry_in_tree, "tree[8]"),
        (_leave_metadata, "entries_used"),
        (_leave_object, "objects_used"),
        (_leave_page_of_the_pool, "pool_pages[1]"),
        (_leave_charge, "memcg[1].zswap"),
        (_leave_charge_of_the_parent, "memcg[0].zswapped"),
        (_leave_reference, "pool_ref[1]"),
        (_leave_count, "zs.stored_pages"),
        (_count_as_swapped_out, "vm.zswpout"),
        (_turn_list, "lru[1][0]"),
        (_list_on_the_other_node, "lru[1][1]"),
        (_keep_context, "ctx_locked[1][0]"),
        (_clear_mark_of_a_neighbour, "entry[1]"),
    ],
)
def test_a_trace_is_found_wherever_it_is(plant: Callable[[KernelView], None], place: str) -> None:
    stage = failed()
    plant(stage.trial.v)
    wrong = no_trace(stage.trial.v, stage.window.before, stage.window.folio, COUNTED)

    assert wrong is not None
    assert wrong.startswith(f"{place} is ")


def test_lists_that_a_cgroup_was_given_and_the_place_in_a_zspage_are_no_trace() -> None:
    stage = failed()
    v = stage.trial.v
    v[v.at.lru_ready[2]] = not v[v.at.lru_ready[2]]
    v[v.at.zs_class[1][5]] = "another order"

    assert no_trace(v, stage.window.before, stage.window.folio, COUNTED) is None
