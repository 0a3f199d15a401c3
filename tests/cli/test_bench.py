"""``refmodel bench``."""

import json
from collections.abc import Iterator

import pytest

from refmodel.engines.bench import Figure
from refmodel.report import bench_page
from tests.cli.runner import refmodel_command

FAST = Figure("walks", 25_000, 42_000.4, "steps/s")
SLOW = Figure("minimising", 50, 63.74, "ms", at_most=True)

PAGE = """\
figure      measured       goal  unit
walks         42,000  >= 25,000  steps/s  reached
minimising      63.7      <= 50  ms       missed
"""


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def figures(profile_name: str) -> Iterator[Figure]:
        yield FAST
        yield SLOW

    monkeypatch.setattr(bench_page, "figures", figures)


@pytest.mark.usefixtures("measured")
def test_figures_stand_beside_their_goals() -> None:
    result = refmodel_command("bench")

    assert (result.exit_code, result.stdout) == (0, PAGE)


@pytest.mark.usefixtures("measured")
def test_figures_are_data() -> None:
    fast, slow = json.loads(refmodel_command("bench", "--json").stdout)

    assert (fast["name"], fast["goal"], fast["reached"]) == ("walks", 25_000, True)
    assert (slow["unit"], slow["reached"]) == ("ms", False)


def test_an_unknown_profile_gets_one_line() -> None:
    result = refmodel_command("bench", "--profile", "linux-5")

    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "'linux-5'" in result.stderr


def test_the_largest_trace_is_validated() -> None:
    figure = bench_page.validation()

    assert figure.name == "validating pressure-6.12.jsonl.gz"
    assert figure.measured > 0
