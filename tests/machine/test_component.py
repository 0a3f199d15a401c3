"""Components: frozen records with a fast copy."""

from __future__ import annotations

import os
import subprocess
import sys

from refmodel.machine import component, evolve


@component
class Point:
    """A component for these tests."""

    x: int
    y: int = 0
    name: str = "p"


def test_a_copy_differs_in_the_named_fields_only() -> None:
    """Fields that are not named keep their values."""
    assert evolve(Point(1, 2), y=5) == Point(1, 5)
    assert evolve(Point(1, 2, "q"), x=0, name="r") == Point(0, 2, "r")


def test_the_original_stays_as_it_is() -> None:
    """A copy shares nothing that could change."""
    before = Point(1, 2)
    evolve(before, x=9)

    assert before == Point(1, 2)


def test_equal_components_have_equal_hashes() -> None:
    """A component can be a member of a set of visited states."""
    assert hash(Point(1, 2)) == hash(Point(1, 2))
    assert len({Point(1, 2), Point(1, 2), Point(2, 1)}) == 2


def test_a_component_has_no_dictionary() -> None:
    """Slots keep components small and their fields declared."""
    assert not hasattr(Point(1), "__dict__")


def test_the_frozen_mode_refuses_a_write() -> None:
    """With REFMODEL_FROZEN=1 a write to a component is an error."""
    program = (
        "from refmodel.kernel.state import Folio\n"
        "folio = Folio(0, 0, (1,))\n"
        "try:\n    folio.nid = 1\nexcept AttributeError as error:\n    print('refused')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "REFMODEL_FROZEN": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == "refused"
