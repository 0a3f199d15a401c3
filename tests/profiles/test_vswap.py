"""The profile ``vswap-v6``."""

from __future__ import annotations

import attrs
import pytest

from refmodel.kernel.table import NOT_THERE
from refmodel.profiles import PROFILES, preset, profile


def test_the_series_changes_no_store_or_load_of_zswap() -> None:
    """Compression, loads and the LRU walk are those of the kernel below."""
    ours, base = profile("vswap-v6").operations, profile("linux-6.18").operations
    same = [
        field.name
        for field in attrs.fields(type(base))
        if getattr(ours, field.name) is getattr(base, field.name)
    ]

    assert {"zswap_compress", "zswap_load", "zswap_entry_free", "list_lru_walk", "shrink_worker"} <= set(same)


def test_only_the_series_has_its_operations() -> None:
    """Operations on descriptors exist in no other profile."""
    having = [
        name for name, made in PROFILES.items() if made.operations.vswap_alloc_swap_slot is not NOT_THERE
    ]

    assert having == ["vswap-v6"]


@pytest.mark.parametrize("name", list(PROFILES))
def test_only_the_series_has_places_for_descriptors(name: str) -> None:
    """Elsewhere the rows of virtual swap are empty, and a slot is a block of the device."""
    made = profile(name)
    v = made.system(made.config(preset("toy"), {}))
    entries = 64 if name == "vswap-v6" else 0

    assert len(v.at.vswap.physical) == entries
    assert len(v.at.slot) == (entries or len(v.at.device))


@pytest.mark.parametrize("name", list(PROFILES))
@pytest.mark.parametrize("slots", [0, 5])
def test_a_device_can_be_small_or_absent(name: str, slots: int) -> None:
    """The configuration says how many slots the device has; without any it is not in use."""
    made = profile(name)
    v = made.system(made.config(preset("toy"), {}, device_slots=slots))
    si = v[v.at.si]

    assert (si.on, si.size, si.free, len(v.at.device)) == (slots > 0, slots, slots, slots + 1)
