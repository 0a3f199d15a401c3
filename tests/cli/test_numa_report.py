"""``refmodel numa-report``."""

import builtins
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.runner import refmodel_command


def test_what_goes_where_and_three_figures_are_printed() -> None:
    result = refmodel_command("numa-report")

    assert result.exit_code == 0
    assert "128 pages in zswap, 64 on each of 2 nodes; CPUs: 4." in result.stdout
    assert "batching-v12, bulk from the CPU's node  page   CPU    CPU   CPU" in result.stdout
    assert "batching-v12, bulk from the CPU's node   0   32   64   96   128  f P" in result.stdout
    assert "batching-v12, bulk from any node        64   64   64   64    64  (N-1)/N P" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 100


def test_the_same_as_json_has_each_node_by_itself() -> None:
    data = json.loads(
        refmodel_command("numa-report", "--profile", "batching-v12", "--cpus", "1", "--json").stdout
    )

    first = data["placements"][0]["mixes"][0]
    assert first["out_of_reach"] == first["closed_form"]["out_of_reach"] == 64
    assert [node["out_of_reach"] for node in first["by_node"]] == [0, 64]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--profile", "linux-6.1"), "profile linux-6.1: it has no LRU lists of nodes"),
        (("--profile", "batching-v1"), "profile 'batching-v1': expected one of"),
        (("--nodes", "1"), "1 nodes: expected 2 or more"),
        (("--pages", "10"), "10 pages a node: expected a multiple of 64; 64 works"),
        (("--plot", "x.txt"), "--plot x.txt: expected an ending of .svg, .pdf, .png"),
        (("--plot", "nowhere/x.svg"), "--plot nowhere/x.svg: no such directory"),
    ],
)
def test_what_cannot_be_gets_one_line(arguments: tuple[str, ...], said: str) -> None:
    result = refmodel_command("numa-report", *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_the_figures_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = refmodel_command("numa-report", "--profile", "linux-7.3", "--plot", str(tmp_path / "a.svg"))

    assert result.exit_code == 0
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is measured before."""
    import_ = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "refmodel.report" and "numa_plot" in rest[2]:
            raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")
        return import_(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    result = refmodel_command("numa-report", "--plot", str(tmp_path / "a.svg"))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "pip install refmodel[plots]" in result.stderr
