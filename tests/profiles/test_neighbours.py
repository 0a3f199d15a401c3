"""Which profiles are read side by side."""

from refmodel.profiles import PROFILES
from refmodel.profiles.neighbours import NEIGHBOURS


def test_each_profile_but_the_first_has_one_neighbour_before_it() -> None:
    first, *others = PROFILES

    assert sorted(after for _, after in NEIGHBOURS) == sorted(others)
    assert all(before in PROFILES and before != after for before, after in NEIGHBOURS)
    assert NEIGHBOURS[0][0] == first
