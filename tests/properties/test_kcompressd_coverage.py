"""Every invariant of kcompressd is checked somewhere, or says why not."""

from __future__ import annotations

from refmodel.properties import PROPERTIES
from refmodel.properties.kcompressd_coverage import NOT_MODELLED, OTHERWISE


def test_every_invariant_is_accounted_for_once() -> None:
    own = [each.id for each in PROPERTIES if each.id.startswith("KC-") and each.id[3:].isdigit()]
    accounted = [*own, *OTHERWISE, *NOT_MODELLED]
    assert sorted(accounted, key=lambda id: int(id[3:])) == [f"KC-{number}" for number in range(1, 26)]


def test_what_is_left_says_why() -> None:
    assert all(reason.endswith(".") for reason in (*OTHERWISE.values(), *NOT_MODELLED.values()))
