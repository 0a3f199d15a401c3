"""The litmus files that come with the package."""

from functools import cache
from pathlib import Path

import pytest

from refmodel.engines.litmus import Litmus, load_litmus, run_litmus, shipped
from refmodel.profiles import profile
from refmodel.report.litmus_page import reason


@cache
def load(path: Path) -> Litmus:
    """Read a file once."""
    return load_litmus(path)


CASES = [
    pytest.param(path, name, id=f"{path.stem}-{name}") for path in shipped() for name in load(path).profiles
]


def test_there_are_many_and_each_asks_a_question() -> None:
    files = [load(path) for path in shipped()]

    assert len(files) >= 60
    assert all(each.scope.question.endswith("?") and each.source for each in files)


@pytest.mark.parametrize(("path", "name"), CASES)
def test_a_scenario_ends_as_its_file_expects(path: Path, name: str) -> None:
    result = run_litmus(load(path), profile(name))

    assert result.verdict == "as expected", reason(result)
