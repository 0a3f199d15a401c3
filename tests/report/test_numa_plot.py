"""The picture of entries on the lists of the wrong node."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from refmodel.engines.numa import Hosts, Row, measure
from refmodel.profiles.numa import placements

numa_plot = pytest.importorskip("refmodel.report.numa_plot")
"""Needs the extra ``plots``."""


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Return figures of three placements, two of which are alike."""
    chosen = (*placements("linux-7.3"), *placements("batching-v12")[:1], *placements("batching-v13"))
    return [measure(each, Hosts()) for each in chosen]


def test_the_same_figures_give_the_same_file(rows: list[Row], tmp_path: Path) -> None:
    for name in ("one.svg", "other.svg"):
        numa_plot.draw(rows, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "other.svg").read_bytes()


def test_text_is_text_and_placements_that_are_alike_share_a_line(rows: list[Row], tmp_path: Path) -> None:
    numa_plot.draw(rows, tmp_path / "a.svg")
    texts = [
        each.text for each in ElementTree.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")
    ]
    for row in rows:
        assert texts.count(row.placement.name) == 1
    assert [row.placement.name for _, row in numa_plot._groups(rows)] == [
        "linux-7.3",
        "batching-v12, bulk from the CPU's node",
    ]


@pytest.mark.parametrize("ending", [".pdf", ".png"])
def test_other_endings_are_drawn_too(rows: list[Row], tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a{ending}"
    numa_plot.draw(rows, path)
    assert path.stat().st_size > 1000
