"""``refmodel failures``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.runner import refmodel_command

CHANGE = """\
import attrs

from refmodel.kernel.zswap_store_batch import ZswapStoreV14
from refmodel.machine import step


@attrs.define
class KeepsReference(ZswapStoreV14):
    '''Store a folio; a failure keeps the reference to the pool.'''

    @step
    def put_pool(self, v):
        '''Go on with it.'''
        return self.reject


BASE = "batching-v14"
CHANGES = {"zswap_store": KeepsReference}
"""


def test_a_table_has_a_row_for_each_failing_step_and_the_totals_stand_below() -> None:
    result = refmodel_command("failures", "--preset", "toy")
    lines = result.stdout.splitlines()

    assert result.exit_code == 0
    assert "compressor of 3 pages a call, batches of 3, 1" in lines
    row = next(line for line in lines if line.startswith("zswap_store_pages.publish: xa_store fails"))
    assert row.split()[-4:] == ["ok"] * 4
    assert "batching-v14, toy: 158 goals declared, 158 reached, 158 left no trace" in lines


def test_one_goal_is_told_step_by_step() -> None:
    result = refmodel_command("failures", "--preset", "toy", "--goal", "11")

    assert result.exit_code == 0
    assert result.stdout.startswith("goal 11: zswap_store_pages.alloc_entries: alloc_entry fails, at 1.0")
    assert "  1  max_pool_percent(value='50')" in result.stdout
    assert "ZswapStorePagesV14.alloc_entries   <- fails" in result.stdout
    assert "reached; the store: refused; all is as it has to be" in result.stdout
    assert "refmodel failures --profile batching-v14 --preset toy --goal 11" in result.stdout


def test_the_token_of_a_goal_can_be_replayed() -> None:
    told = refmodel_command("failures", "--profile", "linux-7.3", "--preset", "toy", "--goal", "3")
    token = told.stdout.split("refmodel replay ")[1].split()[0]
    result = refmodel_command("replay", token)

    assert result.exit_code == 0
    assert "alloc_entry" in result.stdout


def test_a_defect_of_a_posting_is_shown_at_its_place_and_makes_the_exit_code_1() -> None:
    result = refmodel_command("failures", "--profile", "batching-v10", "--preset", "toy", "--known-bugs")
    row = next(line for line in result.stdout.splitlines() if "alloc_entry fails" in line)

    assert result.exit_code == 1
    assert row.split()[-4:] == ["ok", "LIVE", "LIVE", "ok"]
    assert ": its handle is freed before it was set" in result.stdout
    assert "more of which something is wrong" in result.stdout
    assert "--preset toy --known-bugs --goal " in result.stdout


def test_a_change_of_ones_own_is_let_fail_too(tmp_path: Path) -> None:
    file = tmp_path / "keeps_reference.py"
    file.write_text(CHANGE, encoding="utf-8")
    result = refmodel_command("failures", "--with", str(file), "--preset", "toy", "--goal", "30")

    assert result.exit_code == 1
    assert "ZS-10: " in result.stdout
    assert f"refmodel failures --preset toy --with {file} --goal 30" in result.stdout.replace("\n", "")


def test_json_has_every_goal() -> None:
    result = refmodel_command("failures", "--profile", "vswap-v6", "--preset", "toy", "--pairs", "--json")
    data = json.loads(result.stdout)

    assert (data["declared"], data["reached"], data["no_trace"]) == (21, 21, 21)
    assert [goal["number"] for goal in data["goals"]] == list(range(1, 22))
    assert {goal["ending"] for goal in data["goals"]} == {"stored", "refused"}
    assert data["no_goals"][0]["why"] == "they are released before the folio is stored again"
    assert len(data["pairs"][0]["failures"]) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--profile", "linux-6.12"), "the nearest profile in which it does is linux-6.18"),
        (("--profile", "linux-9"), "profile 'linux-9': expected one of"),
        (("--preset", "real"), "expected at most 16, as those of the preset batches"),
        (("--preset", "huge"), "preset 'huge': expected one of"),
        (("--preset", "toy", "--goal", "0"), "goal 0: batching-v14 has 1 to 158"),
        (("--against", "batching-v13"), "expected zswap_store_pages and nothing else"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(arguments: tuple[str, ...], words: str) -> None:
    result = refmodel_command("failures", *arguments)

    assert result.exit_code == 2
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
