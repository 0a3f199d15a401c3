"""The arrangements of nodes that profiles have."""

from __future__ import annotations

import pytest

from refmodel.profiles import PROFILES, UnknownProfile
from refmodel.profiles.numa import COMPARED, NoLists, placements


@pytest.mark.parametrize(
    ("name", "nodes"),
    [
        ("linux-6.12", [("CPU", "page", "page", "page")]),
        ("linux-7.3", [("page", "page", "page", "page")]),
        ("batching-v9", [("page", "page", "page", "page")]),
        (
            "batching-v12",
            [("page", "CPU", "CPU", "CPU"), ("page", "any", "any", "any"), ("page", "CPU", "page", "CPU")],
        ),
        ("batching-v13", [("page", "any", "page", "page")]),
    ],
)
def test_a_profile_says_which_node_each_thing_follows(name: str, nodes: list[tuple[str, ...]]) -> None:
    """Bytes, entry, list, and the list that is looked up when the entry leaves."""
    found = [(each.data, each.metadata, each.listed, each.looked_up) for each in placements(name)]
    assert found == nodes


@pytest.mark.parametrize("name", [name for name in PROFILES if name != "linux-6.1"])
def test_every_profile_with_lists_has_an_arrangement(name: str) -> None:
    """Where entries are allocated in bulk and the entry does not name a node, there are three."""
    bulk = name in ("batching-v10", "batching-v11", "batching-v12")
    assert len(placements(name)) == (3 if bulk else 1)


def test_names_of_arrangements_are_unique() -> None:
    names = [each.name for name in COMPARED for each in placements(name)]
    assert len(set(names)) == len(names)


def test_a_kernel_without_lists_has_none() -> None:
    with pytest.raises(
        NoLists, match=r"linux-6\.1: it has no LRU lists of nodes; expected one such as linux-7"
    ):
        placements("linux-6.1")


def test_an_unknown_profile_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UnknownProfile, match="did you mean batching-v12"):
        placements("batching-v12x")
