"""Profiles: for each kernel version or patch series, which steps, options and constants make it up.

A profile stands beside its neighbours and can be compared with them step by step; a preset sets sizes.
"""

from refmodel.profiles.catalogue import NAMED, PROFILES, profile
from refmodel.profiles.presets import PRESETS, UnknownPreset, preset
from refmodel.profiles.profile import Profile, UnknownProfile

__all__ = ["NAMED", "PRESETS", "PROFILES", "Profile", "UnknownPreset", "UnknownProfile", "preset", "profile"]
