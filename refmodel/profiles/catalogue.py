"""All profiles by name."""

from __future__ import annotations

import difflib

from refmodel.profiles.linux import LINUX_6_1, LINUX_6_12, LINUX_6_18, LINUX_7_3
from refmodel.profiles.profile import Profile
from refmodel.profiles.vswap import VSWAP_V6

PROFILES = {made.name: made for made in (LINUX_6_1, LINUX_6_12, LINUX_6_18, LINUX_7_3, VSWAP_V6)}
"""The releases in their order, then the patch series."""


class UnknownProfile(LookupError):
    """There is no profile of that name."""


def profile(name: str) -> Profile:
    """Return a profile by name.

    Raises UnknownProfile, naming the profiles that exist and the nearest one.
    """
    if name in PROFILES:
        return PROFILES[name]
    near = difflib.get_close_matches(name, PROFILES, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise UnknownProfile(f"profile {name!r}: expected one of {', '.join(PROFILES)}{hint}")
