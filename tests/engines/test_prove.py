"""Proofs: what CrossHair says of a condition, and what is believed of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines import prove as engine
from refmodel.engines import symbolic
from refmodel.engines.contract import load
from refmodel.engines.prove import TooShort, bite, prove
from refmodel.engines.symbolic import NoCrossHair

HEAD = '''\
"""Contracts of a test."""

from refmodel.engines.contract import breaks
from refmodel.kernel import limit_decisions
'''


def module(tmp_path: Path, pre: str, post: str, more: str = "") -> Path:
    """Write a module with one contract about a share of the memory."""
    path = tmp_path / "shares.py"
    path.write_text(
        f"{HEAD}\n\ndef share(totalram: int, percent: int) -> int:\n"
        f'    """A share.\n\n    Source: a test\n    Requirement: Z1\n{more}\n'
        f'    pre: {pre}\n    post: {post}\n    """\n'
        "    return limit_decisions.limit_pages(totalram, percent)\n\n\n"
        "@breaks(share, limit_decisions.limit_pages)\n"
        "def nothing(totalram: int, max_pool_percent: int) -> int:\n"
        '    """Nothing."""\n    return -1\n'
    )
    return path


SHARES = "0 <= totalram <= 1000 and 0 <= percent <= 100"


def test_a_condition_that_holds_within_its_bounds_is_confirmed(tmp_path: Path) -> None:
    proof = prove([str(module(tmp_path, SHARES, "0 <= _ <= totalram"))], jobs=1)

    assert [each.verdict for each in proof.answers] == ["confirmed"]
    assert proof.verdict == "confirmed"


def test_a_condition_that_does_not_hold_is_refuted_with_inputs_that_were_tried(tmp_path: Path) -> None:
    path = module(tmp_path, SHARES, "_ != 333")
    proof = prove([str(path)], jobs=1)
    (answer,) = proof.answers
    inputs = {name: int(value) for name, value in answer.inputs}

    assert proof.verdict == "refuted"
    assert inputs["totalram"] * inputs["percent"] // 100 == 333 == int(answer.returned)
    assert load(path)[0].broken(inputs) == ("_ != 333",)


def test_bounds_that_no_input_meets_are_no_proof(tmp_path: Path) -> None:
    proof = prove([str(module(tmp_path, "totalram < 0 < totalram", "_ == 5"))], jobs=1)

    assert proof.verdict == "could not run"
    assert "Unable to meet precondition" in proof.answers[0].reason


def test_a_time_that_decides_nothing_is_called_too_short(tmp_path: Path) -> None:
    with pytest.raises(TooShort, match="decided none of 1; try --seconds 12"):
        prove([str(module(tmp_path, SHARES, "_ <= totalram"))], seconds=1e-6, jobs=1)


def test_a_counterexample_that_does_not_repeat_is_not_believed(tmp_path: Path) -> None:
    (contract,) = load(module(tmp_path, SHARES, "_ <= totalram"))
    answer = symbolic._replayed(
        contract, "_ <= totalram", "false when calling share(4, 50) (which returns 9)", 0
    )
    unread = symbolic._replayed(contract, "_ <= totalram", "false for some input", 0)

    assert answer.verdict == unread.verdict == "could not run"
    assert "did not repeat" in answer.reason
    assert answer.inputs == (("totalram", "4"), ("percent", "50"))


def test_what_a_contract_says_is_open_leaves_nothing_undecided(tmp_path: Path) -> None:
    wide, hard = "0 <= totalram < 2**50 and 0 <= percent < 2**50", "totalram & percent <= totalram"
    path = str(module(tmp_path, wide, hard, "    Open: nobody knows\n"))
    easy = "pool_limits.between_the_marks_nothing_changes"
    proof = prove([path, easy], seconds=0.5, jobs=1)

    assert [each.verdict for each in proof.answers] == ["no counterexample", "confirmed"]
    assert proof.verdict == "confirmed"


def test_a_twin_that_breaks_a_condition_is_refuted_with_inputs(tmp_path: Path) -> None:
    (tooth,) = bite([str(module(tmp_path, SHARES, "0 <= _ <= totalram"))], jobs=1)

    assert tooth.twin.name == "nothing"
    assert [each.condition for each in tooth.broken] == ["0 <= _ <= totalram"]


def test_without_crosshair_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(NoCrossHair, match=r"pip install 'refmodel\[contracts\]'"):
        engine.prove()
