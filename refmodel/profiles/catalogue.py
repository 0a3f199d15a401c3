"""All profiles by name."""

from __future__ import annotations

import difflib
from functools import reduce

from refmodel.profiles.batching import POSTINGS, PROPOSALS
from refmodel.profiles.combine import SIGN, CannotCombine, combine, fit
from refmodel.profiles.iaa_profiles import IAA_PROFILES
from refmodel.profiles.kcompressd_profiles import KCOMPRESSD_PROFILES
from refmodel.profiles.linux import LINUX_6_1, LINUX_6_12, LINUX_6_18, LINUX_7_3
from refmodel.profiles.profile import Profile, UnknownProfile
from refmodel.profiles.vswap import VSWAP_V6
from refmodel.profiles.zram_profiles import ZRAM_PROFILES

_RELEASES = (LINUX_6_1, LINUX_6_12, LINUX_6_18, LINUX_7_3)

PROFILES = {made.name: made for made in (*_RELEASES, VSWAP_V6, *POSTINGS, *PROPOSALS)}
"""The releases in their order, then the patch series, then what one of them only announces."""

NAMED = {**PROFILES, **IAA_PROFILES, **KCOMPRESSD_PROFILES, **ZRAM_PROFILES}
"""Those, and the profiles with IAA devices, kcompressd or zram, which stand on some of them and are asked for by
name."""


def combinations() -> dict[str, Profile]:
    """Return every two profiles that go together, as one, by name."""
    pairs = ((one, other) for one in PROFILES.values() for other in PROFILES.values() if one is not other)
    found = (profile(f"{one.name}{SIGN}{other.name}") for one, other in pairs if fit(one, other, PROFILES))
    return {made.name: made for made in found}


def profile(name: str) -> Profile:
    """Return a profile by name, or several joined by "+" as one, named in the order of ``PROFILES``.

    Raises UnknownProfile, naming the profiles that exist and the nearest one, and CannotCombine.
    """
    if name in NAMED:
        return NAMED[name]
    parts = name.split(SIGN)
    if len(parts) > 1 and all(part in PROFILES for part in parts):
        ordered = [made for part, made in PROFILES.items() if part in parts]
        return reduce(lambda one, other: combine(one, other, PROFILES), ordered)
    if (
        len(parts) > 1
        and all(part in NAMED for part in parts)
        and not KCOMPRESSD_PROFILES.keys().isdisjoint(parts)
    ):
        raise CannotCombine(_why_alone(parts))
    near = difflib.get_close_matches(name, NAMED, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownProfile(f"profile {name!r}: expected one of {', '.join(NAMED)}{hint}")


def _why_alone(parts: list[str]) -> str:
    """Return why a discipline of kcompressd goes with none of the other profiles, and what works instead."""
    own = next(part for part in parts if part in KCOMPRESSD_PROFILES)
    other = next((part for part in parts if part != own), own)
    base = KCOMPRESSD_PROFILES[own].base
    if other in (own, base):
        why = f"{own} has all of {other} in it"
    elif other in KCOMPRESSD_PROFILES:
        why = "each says what waits and what protects it, and a system has one discipline"
    else:
        why = f"kcompressd was posted by itself, never for {other}; here it stands on {base}"
    return f"profiles {' and '.join(parts)}: {why}; {own} works"
