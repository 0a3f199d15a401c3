"""What mutants of decisions have to survive: contracts with many random inputs.

Not part of the suite; ``python -m tests.mutation.score`` runs it, once for each mutant.
"""

from __future__ import annotations

import pytest

from refmodel.engines.contract import Contract, chosen
from refmodel.engines.contract_inputs import try_inputs

EXAMPLES = 150
"""Inputs for each contract."""


@pytest.mark.parametrize("contract", chosen(()), ids=lambda each: each.name)
def test_a_contract_holds_for_many_inputs(contract: Contract) -> None:
    assert try_inputs(contract, examples=EXAMPLES).broken == ""
