"""Disciplines of kcompressd: each stands by itself, and says so where somebody combines it."""

from __future__ import annotations

import pytest

from refmodel.profiles import profile
from refmodel.profiles.combine import CannotCombine
from refmodel.profiles.kcompressd_profiles import KCOMPRESSD_PROFILES
from refmodel.profiles.linux import LINUX_6_18


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "kcompressd-b+batching-v14",
            "profiles kcompressd-b and batching-v14: kcompressd was posted by itself, never for batching-v14; "
            "here it stands on linux-6.18; kcompressd-b works",
        ),
        ("linux-7.3+kcompressd-a", "never for linux-7.3; here it stands on linux-6.18; kcompressd-a works"),
        ("vswap-v6+kcompressd-c", "never for vswap-v6; here it stands on linux-6.18; kcompressd-c works"),
        ("kcompressd-c+iaa-v14", "never for iaa-v14"),
        ("linux-6.18+kcompressd-b", "kcompressd-b has all of linux-6.18 in it; kcompressd-b works"),
        ("kcompressd-b+kcompressd-b", "kcompressd-b has all of kcompressd-b in it"),
        ("kcompressd-a+kcompressd-b", "a system has one discipline; kcompressd-a works"),
    ],
)
def test_a_discipline_with_a_profile_that_it_was_never_posted_for_is_refused(name: str, said: str) -> None:
    with pytest.raises(CannotCombine, match=said.replace("+", r"\+")):
        profile(name)


@pytest.mark.parametrize("name", KCOMPRESSD_PROFILES)
def test_a_discipline_changes_only_what_it_says_on_its_kernel(name: str) -> None:
    made = KCOMPRESSD_PROFILES[name]
    assert (made.base, made.kernel) == (LINUX_6_18.name, LINUX_6_18.kernel)
    assert made.operations.zswap_store is LINUX_6_18.operations.zswap_store
    assert made.operations.shrink_folio is LINUX_6_18.operations.shrink_folio
