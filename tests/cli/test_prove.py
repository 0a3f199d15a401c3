"""``refmodel prove``, and ``refmodel check --contracts``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runner import refmodel_command

NAME = "pool_limits.a_full_pool_refuses"

WRONG = '''
"""A contract that does not hold."""

from refmodel.kernel import limit_decisions


def it_is_never_7(totalram: int) -> int:
    """Half of the memory is never 7 pages.

    Source: nowhere
    Requirement: Z1

    pre: 0 <= totalram <= 100
    post: _ != 7
    """
    return limit_decisions.limit_pages(totalram, 50)
'''


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "sevens.py"
    path.write_text(WRONG)
    return path


def test_a_contract_is_shown_with_its_bounds_and_what_became_of_each_condition() -> None:
    result = refmodel_command("prove", NAME, "--jobs", "1")

    assert result.exit_code == 0
    assert "  Pools at their limit refuse every store; pools at the threshold accept it." in result.stdout
    assert "0 <= threshold <= limit <= PAGES" in result.stdout
    assert "confirmed over all paths in 0" in result.stdout
    assert "1 contracts, 2 conditions: 2 confirmed over all paths" in result.stdout


def test_a_refuted_condition_is_shown_with_its_inputs(wrong: Path) -> None:
    result = refmodel_command("prove", str(wrong), "--jobs", "1")

    assert result.exit_code == 1
    assert "refuted in 0" in result.stdout
    assert "it returns 7" in result.stdout


def test_json_has_verdicts_bounds_and_inputs(wrong: Path) -> None:
    result = refmodel_command("prove", str(wrong), "--json", "--jobs", "1")
    data = json.loads(result.stdout)
    (contract,) = data["contracts"]
    (condition,) = contract["conditions"]

    assert (data["verdict"], data["refuted"], data["confirmed"]) == ("refuted", 1, 0)
    assert contract["bounds"] == ["0 <= totalram <= 100"]
    assert condition["inputs"]["totalram"] in ("14", "15")


def test_teeth_are_shown_with_the_inputs_that_give_wrong_versions_away() -> None:
    result = refmodel_command("prove", NAME, "--teeth", "--jobs", "1")

    assert result.exit_code == 0
    assert "  A store that finds the pools exactly at" in result.stdout
    assert "2 of 2 wrong versions refuted" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["pool_limit"], 2, "pool_limit: no contract of that name; did you mean pool_limits?"),
        (["nowhere.py"], 2, "nowhere.py: cannot be imported: FileNotFoundError"),
        ([NAME, "--seconds", "0.000001", "--jobs", "1"], 3, "decided none of 2; try --seconds 12"),
        (
            [NAME, "--teeth", "--seconds", "0.000001", "--jobs", "1"],
            3,
            "decided none of 2 wrong versions; try --seconds 12",
        ),
        (["--diff", "versions.nothing"], 2, "versions.nothing: no contract of that name; did you mean"),
        (["--seconds", "0"], 2, "0.0 is not in the range x>0"),
    ],
)
def test_a_mistake_takes_one_line(arguments: list[str], code: int, said: str) -> None:
    result = refmodel_command("prove", *arguments)

    assert result.exit_code == code
    assert said in result.stderr.strip().splitlines()[-1]


def test_a_contract_of_ones_own_has_no_teeth_and_compares_nothing_unless_it_says_so(wrong: Path) -> None:
    teeth = refmodel_command("prove", str(wrong), "--teeth")
    diff = refmodel_command("prove", str(wrong), "--diff")

    assert (teeth.exit_code, diff.exit_code) == (2, 2)
    assert "no wrong versions; write one and mark it with breaks(contract, decision)" in teeth.stderr
    assert "it_is_never_7 is no comparison; expected Versions: A and B" in diff.stderr


def test_a_file_may_have_the_name_of_an_area(tmp_path: Path) -> None:
    path = tmp_path / "pool_limits.py"
    path.write_text(WRONG)
    result = refmodel_command("prove", str(path), NAME, "--jobs", "1", "--json")
    names = [each["name"] for each in json.loads(result.stdout)["contracts"]]

    assert names == ["pool_limits.it_is_never_7", NAME]


def test_without_crosshair_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = refmodel_command("prove", NAME)

    assert result.exit_code == 2
    assert result.stderr.strip() == (
        "refmodel: crosshair is not installed; install it with: pip install 'refmodel[contracts]'"
    )


def test_contracts_can_be_checked_with_random_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    from refmodel.engines import contract

    few = contract.chosen(["pool_limits"])
    monkeypatch.setattr(contract, "chosen", lambda names: few)
    fine = refmodel_command("check", "--contracts")
    with few[3].twins[0].in_place():
        broken = refmodel_command("check", "--contracts", "--json")

    assert (fine.exit_code, broken.exit_code) == (0, 1)
    assert fine.stdout.strip() == "8 contracts, 400 inputs: none refuted"
    assert json.loads(broken.stdout)[3]["broken"] == "implies(cur >= limit, _)"


def test_a_backend_without_contracts_is_refused() -> None:
    result = refmodel_command("check", "--backend", "crosshair")

    assert result.exit_code == 2
    assert (
        "--backend is about the inputs of contracts, add --contracts; a run branches at every step"
        in result.stderr
    )


def test_versions_are_compared_and_the_first_difference_is_shown() -> None:
    result = refmodel_command(
        "prove", "--diff", "versions.which_queue_is_next_after_an_unbind", "--jobs", "1"
    )
    data = json.loads(refmodel_command("prove", "--diff", "versions.which_queue_is_next", "--json").stdout)

    assert result.exit_code == 0
    assert "  first for cursor=1, queues=1: 0 in iaa-6.12, 2 in iaa-v9" in result.stdout
    assert "1 comparisons, 1 as expected" in result.stdout
    assert (data[0]["found"], data[0]["inputs"]) == ("alike", {})
    assert data[0]["versions"] == ["iaa-6.12", "iaa-v9"]


def test_two_questions_at_a_time_are_refused() -> None:
    result = refmodel_command("prove", "--diff", "--teeth")

    assert result.exit_code == 2
    assert "--diff and --teeth ask different questions" in result.stderr
