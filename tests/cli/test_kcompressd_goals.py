"""``refmodel kcompressd-goals``."""

from __future__ import annotations

import json

import pytest

from refmodel.engines import kcompressd_goals
from refmodel.engines.kcompressd_goals import shipped
from tests.cli.runner import refmodel_command


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Explore the smallest of the scopes only."""
    scopes = [scope for scope in shipped() if scope.name.startswith("kcompressd-refuses")]
    monkeypatch.setattr(kcompressd_goals, "shipped", lambda: iter(scopes))


@pytest.mark.usefixtures("few")
def test_events_reasons_and_what_is_missing_are_printed() -> None:
    result = refmodel_command("kcompressd-goals")
    lines = result.stdout.splitlines()

    assert result.exit_code == 1, "the other scopes are needed for the rest"
    assert lines[0] == "states of a queue and events on kcompressd-b"
    row = next(line for line in lines if line.startswith("zswap refuses a folio"))
    assert row.split()[-3:] == ["6", "12", "18"]
    assert any(line.endswith("  a folio that finds no room is compressed itself") for line in lines)
    assert "not reached: some, awake: a fault needs a waiting folio" in lines
    assert max(map(len, lines)) <= 100


@pytest.mark.usefixtures("few")
def test_cells_come_as_data() -> None:
    data = json.loads(refmodel_command("kcompressd-goals", "--profile", "kcompressd-c", "--json").stdout)

    assert len(data) == 378
    assert data[0] == {
        "queue": "empty",
        "thread": "not started",
        "event": "kswapd brings a folio",
        "reached": None,
        "cannot_be": "the thread of a node is started with it",
    }


def test_a_profile_without_queues_is_refused() -> None:
    result = refmodel_command("kcompressd-goals", "--profile", "linux-6.18")

    assert result.exit_code == 2
    assert "profile linux-6.18: it has no queues; expected one such as kcompressd-b" in result.stderr


def test_a_discipline_together_with_a_series_is_refused() -> None:
    result = refmodel_command("kcompressd-goals", "--profile", "kcompressd-b+batching-v14")

    assert result.exit_code == 2
    assert "kcompressd was posted by itself, never for batching-v14" in result.stderr
    assert "kcompressd-b works" in result.stderr
