"""Versions of decisions side by side: alike over all paths, or different and where first."""

from __future__ import annotations

from pathlib import Path

import pytest

from refmodel.engines.compare_decisions import Comparison, compare, comparisons
from refmodel.engines.contract import NoContract

MODULE = '''
"""A comparison of a test."""


def {name}(number: int) -> tuple[int, int]:
    """A number and its square.

    Source: a test
    Requirement: Z1
    Versions: the number and its square
    Expect: {expect}

    pre: {bounds}
    post: _[0] == _[1]
    """
    return number, number * number
'''


def found(tmp_path: Path, name: str, bounds: str, expect: str) -> Comparison:
    """Compare a number with its square."""
    path = tmp_path / f"{name}.py"
    path.write_text(MODULE.format(name=name, bounds=bounds, expect=expect))
    (comparison,) = compare([str(path)], jobs=1)
    return comparison


def test_what_is_alike_is_so_for_all_inputs(tmp_path: Path) -> None:
    comparison = found(tmp_path, "ones", "0 <= number <= 1", "alike")

    assert (comparison.found, comparison.expected, comparison.inputs) == ("alike", True, ())


def test_what_differs_does_so_for_the_smallest_input(tmp_path: Path) -> None:
    comparison = found(tmp_path, "more", "0 <= number <= 1000", "alike")

    assert (comparison.found, comparison.expected) == ("different", False)
    assert comparison.inputs == (("number", "2"),)
    assert (comparison.first, comparison.second) == ("2", "4")


def test_two_versions_mean_all_comparisons_of_them() -> None:
    both = comparisons(["iaa-6.12", "iaa-v9"])

    assert {each.versions for each in both} == {("iaa-6.12", "iaa-v9")}
    assert (len(both), len(comparisons(["iaa-v9"]))) == (4, 5)
    with pytest.raises(NoContract, match=r"linux-6.1 and iaa-v9: no comparison of these; there are"):
        comparisons(["linux-6.1", "iaa-v9"])


def test_a_comparison_says_what_it_compares() -> None:
    assert all(len(each.versions) == 2 for each in comparisons([]))


@pytest.mark.parametrize("area", ["shortcuts", "versions"])
def test_comparisons_that_come_along_are_as_they_expect(area: str) -> None:
    compared = compare([area])

    assert [each.contract.name for each in compared if not each.expected] == []
