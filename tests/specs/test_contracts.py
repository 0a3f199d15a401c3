"""The contracts that come with the package: all are proved, and each notices wrong versions."""

from __future__ import annotations

import pytest

from refmodel.engines.contract import Contract, chosen
from refmodel.engines.contract_inputs import try_inputs
from refmodel.engines.prove import bite, prove

CONTRACTS = chosen(())

CONDITIONS, CONFIRMED = 373, 372
"""How many there are, and how many of them are confirmed over all paths: these may only rise."""


def test_every_condition_is_confirmed_unless_its_contract_says_why_it_is_open() -> None:
    proof = prove()
    is_open = {each.name for each in CONTRACTS if "Open" in each.facts}
    left = [each for each in proof.answers if each.verdict != "confirmed"]

    assert proof.verdict == "confirmed", left
    assert len(proof.answers) >= CONDITIONS
    assert len(proof.with_verdict("confirmed")) >= CONFIRMED
    assert {each.contract for each in left} <= is_open
    assert len(left) <= 0.05 * len(proof.answers)


def test_every_twin_is_refuted_and_every_condition_refutes_one() -> None:
    teeth = bite(seconds=3)
    needed = {(each.name, condition) for each in CONTRACTS for condition in each.conditions}
    bitten = {(tooth.contract.name, each.condition) for tooth in teeth for each in tooth.broken}

    assert [tooth.twin.name for tooth in teeth if not tooth.broken] == []
    assert needed - bitten == set()


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.name)
def test_a_contract_holds_for_random_inputs(contract: Contract) -> None:
    tried = try_inputs(contract, examples=10)

    assert tried.broken == "", tried


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.name)
def test_a_contract_says_what_and_where_and_has_twins(contract: Contract) -> None:
    assert contract.sentence.endswith(".")
    assert contract.facts["Source"]
    assert contract.facts["Requirement"]
    assert contract.twins
    assert all(twin.sentence.endswith(".") for twin in contract.twins)
