"""Profiles that a token can name: kernels and series without their known bugs, and the exhibits of the museum."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from refmodel.museum import EXHIBITS, without_known_bugs
from refmodel.profiles import NAMED
from refmodel.profiles.catalogue import combinations

if TYPE_CHECKING:
    from refmodel.profiles import Profile


@cache
def known_profiles() -> Mapping[str, Profile]:
    """Return the profiles by name, with the combinations of two."""
    exhibits = {exhibit.profile.name: exhibit.profile for exhibit in EXHIBITS}
    named = {**NAMED, **combinations()}
    return {**exhibits, **{name: without_known_bugs(profile) for name, profile in named.items()}}
