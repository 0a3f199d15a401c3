"""Random inputs of contracts: they keep to the preconditions, and find what is wrong."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refmodel.engines.contract import Contract, chosen
from refmodel.engines.contract_inputs import NoBackend, inputs, smallest_inputs, try_inputs


@cache
def contract(name: str) -> Contract:
    """Return a contract that comes with refmodel."""
    return chosen([name])[0]


@given(st.data())
def test_inputs_are_those_that_the_preconditions_admit(data: st.DataObject) -> None:
    chain = contract("batches.a_page_is_in_the_buffer_of_its_place")
    drawn = data.draw(inputs(chain))

    assert 1 <= drawn["answered"] <= drawn["called"] <= 8
    assert drawn["called"] - drawn["answered"] <= drawn["stored"] < drawn["called"]


@given(st.data())
def test_bounds_of_lengths_and_elements_are_kept(data: st.DataObject) -> None:
    drawn = data.draw(inputs(contract("zbud_pages.a_free_undoes_an_allocation")))

    assert len(drawn["first"]) == len(drawn["last"]) <= 2
    assert set(drawn["first"]) <= {0, 30}
    assert set(drawn["last"]) <= {0, 20}


@given(st.data())
def test_elements_beside_each_other_are_as_the_preconditions_want_them(data: st.DataObject) -> None:
    pools = data.draw(inputs(contract("steps_of_entries.work_is_queued_once_and_last")))["pools"]
    inuse = data.draw(inputs(contract("size_classes.a_free_takes_one_object")))["inuse"]
    phases = data.draw(inputs(contract("steps_of_descriptors.taking_a_descriptor_keeps_the_credits")))[
        "phases"
    ]

    assert len(set(pools)) == len(pools)
    assert inuse == tuple(sorted(inuse, reverse=True))
    assert len(phases) == 2


def test_hypothesis_tries_larger_inputs_than_a_proof_and_crosshair_does_not() -> None:
    held = contract("steps_of_clusters.a_cluster_counts_what_it_hands_out")
    assert held.sizes == {"CLUSTER": 512}
    with held.twins[0].in_place():
        (bitmap, _) = try_inputs(held, examples=200).given

    assert try_inputs(held, examples=200).broken == ""
    assert bitmap == ("bitmap", "0")


def test_a_contract_that_holds_is_tried_with_as_many_inputs_as_asked_for() -> None:
    tried = try_inputs(contract("pool_limits.a_full_pool_refuses"), examples=20)

    assert (tried.inputs, tried.broken) == (20, "")


def test_a_wrong_version_is_found_and_its_inputs_are_small() -> None:
    held = contract("pool_limits.a_full_pool_refuses")
    with held.twins[0].in_place():
        tried = try_inputs(held, examples=500)
        smallest = smallest_inputs(held)

    assert tried.broken == "implies(cur >= limit, _)"
    assert smallest == {"cur": 0, "limit": 0, "threshold": 0, "full": False}
    assert smallest_inputs(held, examples=50) is None


def test_the_smallest_inputs_are_the_first_in_the_order_of_the_parameters() -> None:
    (shares,) = chosen(["versions.where_a_full_pool_accepts_again"], "comparisons")
    (groups,) = chosen(["versions.which_group_a_zspage_is_in"], "comparisons")

    assert smallest_inputs(shares) == {"totalram": 3, "percent": 50, "accept": 67}
    assert smallest_inputs(groups) == {"inuse": 7, "objs": 9}


def test_the_same_seed_tries_the_same_inputs() -> None:
    held = contract("pool_limits.a_full_pool_refuses")
    with held.twins[0].in_place():
        assert try_inputs(held, seed=3) == try_inputs(held, seed=3)


def test_a_backend_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(NoBackend, match="hypothesis-crosshair is not installed"):
        try_inputs(contract("pool_limits.a_full_pool_refuses"), backend="crosshair")
