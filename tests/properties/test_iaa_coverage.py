"""Every invariant of the IAA driver is checked somewhere, or says why not."""

from __future__ import annotations

from refmodel.properties import PROPERTIES
from refmodel.properties.iaa_coverage import IN_TABLES, NOT_MODELLED, OTHERWISE


def test_every_invariant_is_accounted_for_once() -> None:
    own = [each.id for each in PROPERTIES if each.id.startswith("IAA-")]
    accounted = [*own, *IN_TABLES, *OTHERWISE, *NOT_MODELLED]
    assert sorted(accounted, key=lambda id: int(id[4:])) == [f"IAA-{number}" for number in range(1, 59)]


def test_what_is_left_is_little_and_says_why() -> None:
    assert len(NOT_MODELLED) == 1
    assert all(reason.endswith(".") for reason in (*OTHERWISE.values(), *NOT_MODELLED.values()))
