"""Reading contracts: what they say, what breaks them, and what is wrong with a module of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines.contract import BadContract, NoContract, chosen, load
from refmodel.kernel import limit_decisions

GOOD = '''
"""Contracts of a test."""

from refmodel.engines.contract import breaks
from refmodel.kernel import limit_decisions


def halves(number: int, parts: tuple[int, ...]) -> int:
    """Half of a number
    is not more than the number.

    Source: a test
    Requirement: Z1

    pre: 0 <= number <= 10
    post: _ <= number
    post: implies(len(parts) > 0, parts[0] == 0)
    """
    return limit_decisions.limit_pages(number, 50)


@breaks(halves, limit_decisions.limit_pages)
def doubles(totalram: int, max_pool_percent: int) -> int:
    """Doubles it."""
    return 2 * totalram + 1
'''


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "halving.py"
    path.write_text(GOOD)
    return path


def test_a_contract_says_what_holds_for_which_inputs_and_where_that_is_from(good: Path) -> None:
    (contract,) = load(good)

    assert contract.name == "halving.halves"
    assert contract.sentence == "Half of a number is not more than the number."
    assert contract.facts == {"Source": "a test", "Requirement": "Z1"}
    assert contract.bounds == ("0 <= number <= 10",)
    assert contract.conditions == ("_ <= number", "implies(len(parts) > 0, parts[0] == 0)")


def test_what_is_implied_is_looked_at_only_where_it_matters(good: Path) -> None:
    (contract,) = load(good)

    assert contract.admits({"number": 4, "parts": ()})
    assert not contract.admits({"number": 11, "parts": ()})
    assert contract.broken({"number": 4, "parts": ()}) == ()
    assert contract.broken({"number": 4, "parts": (1,)}) == ("implies(len(parts) > 0, parts[0] == 0)",)


def test_a_twin_stands_in_for_the_decision_until_it_is_taken_away(good: Path) -> None:
    (contract,) = load(good)
    (twin,) = contract.twins

    assert (twin.name, twin.sentence) == ("doubles", "Doubles it.")
    with twin.in_place():
        assert contract.broken({"number": 4, "parts": ()}) == ("_ <= number",)
    assert limit_decisions.limit_pages(4, 50) == 2


def test_random_inputs_can_be_larger_than_those_of_a_proof(tmp_path: Path) -> None:
    path = tmp_path / "wide.py"
    wide = GOOD.replace("<= number <= 10", "<= number <= MOST").replace(
        "Z1\n", "Z1\n    Random: MOST = 100\n"
    )
    path.write_text(wide + "\n\nMOST = 10\n")
    (contract,) = load(path)
    given = {"number": 50, "parts": ()}

    assert contract.sizes == {"MOST": 100}
    assert not contract.admits(given)
    with contract.widened():
        assert contract.admits(given)
    assert not contract.admits(given)


def test_an_exception_breaks_every_condition(tmp_path: Path) -> None:
    path = tmp_path / "failing.py"
    path.write_text(GOOD.replace("limit_pages(number, 50)", "limit_pages(number, 50) // 0"))
    (contract,) = load(path)

    assert contract.broken({"number": 4, "parts": ()}) == contract.conditions


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (GOOD.replace("import limit_decisions", "import nothing_such"), "cannot be imported: ImportError"),
        (GOOD.replace("post:", "after:"), "no contract in it"),
        (GOOD.replace("    Source: a test\n", ""), "halves does not say its Source"),
        (GOOD.replace("_ <= number", "_ <= "), "halves: _ <=: invalid syntax"),
        (GOOD.replace("_ <= number", "_ <= LIMIT"), "halves: _ <= LIMIT: there is no LIMIT"),
        (GOOD.replace("number: int,", "number,"), "halves does not say the type of number"),
        (GOOD.replace("Z1\n", "Z1\n    Random: MOST = 9\n"), "halves: Random: there is no number MOST"),
        (GOOD.replace("Z1\n", "Z1\n    Random: more\n"), "halves: Random: expected NAME = NUMBER"),
        (GOOD + "raise SystemExit(3)\n", "cannot be imported: SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(tmp_path: Path, wrong: str, said: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(wrong)

    with pytest.raises(BadContract, match=said):
        load(path)


def test_names_are_areas_contracts_and_files(good: Path) -> None:
    area = chosen(["pool_limits"])

    assert {each.area for each in area} == {"pool_limits"}
    assert [each.name for each in chosen([area[2].name, str(good)])] == [area[2].name, "halving.halves"]
    assert len(chosen([])) > len(area)


def test_a_name_of_nothing_names_what_is_near() -> None:
    with pytest.raises(NoContract, match="did you mean pool_limits"):
        chosen(["pool_limit"])
    with pytest.raises(NoContract, match="areas are batches, cgroup_limits"):
        chosen(["xyz"])
