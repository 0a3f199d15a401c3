"""Every invariant of kcompressd is checked somewhere."""

from __future__ import annotations

from refmodel.properties import PROPERTIES
from refmodel.properties.kcompressd_coverage import OTHERWISE


def test_every_invariant_is_accounted_for_once() -> None:
    own = [each.id for each in PROPERTIES if each.id.startswith("KC-") and each.id[3:].isdigit()]
    accounted = [*own, *OTHERWISE]
    assert sorted(accounted, key=lambda id: int(id[3:])) == [f"KC-{number}" for number in range(1, 26)]


def test_what_checks_the_others_is_said() -> None:
    assert all(reason.endswith(".") for reason in OTHERWISE.values())
