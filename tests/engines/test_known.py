"""Profiles that a token can name."""

from refmodel.engines.known import known_profiles
from refmodel.museum import EXHIBITS
from refmodel.profiles import PROFILES


def test_every_profile_and_every_exhibit_is_known() -> None:
    known = known_profiles()

    assert set(PROFILES) <= set(known)
    assert {exhibit.profile.name for exhibit in EXHIBITS} <= set(known)
    assert all(profile.name == name for name, profile in known.items())
