"""Where a store puts bytes, entry and place on a list: the arrangements of a profile on several nodes (Z3).

Four nodes are in play: that of the page, that of the CPU that stores it, that of the memory of the zswap entry, and
that of the LRU list on which the entry is looked for.  Released kernels and postings differ in which follows which.
"""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.profiles.catalogue import profile
from refmodel.profiles.profile import Profile

COMPARED = ("linux-6.12", "linux-7.3", "batching-v9", "batching-v12", "batching-v13")
"""Profiles between which the arrangement changes."""


@attrs.frozen
class Placement:
    """A profile with one arrangement of the nodes.

    name: as tables print it.  profile: with its options set so.
    """

    name: str
    profile: Profile

    @property
    def data(self) -> str:
        """Whose node the compressed bytes are on."""
        return "CPU" if self.profile.options.object_node == "cpu" else "page"

    @property
    def metadata(self) -> str:
        """Whose node the memory of the entry comes from, where memory is not short."""
        if "bulk" not in self.profile.traits:
            return "page"
        return "CPU" if self.profile.options.bulk_node == "cpu" else "any"

    @property
    def listed(self) -> str:
        """Whose node the list is of to which the entry is added."""
        return self.metadata if self.profile.options.lru_node == "memory" else "page"

    @property
    def looked_up(self) -> str:
        """Whose node the list is of that is locked when the entry is taken off."""
        return "page" if self.profile.options.lru_node == "entry" else self.metadata


class NoLists(ValueError):
    """A profile has no LRU lists that belong to nodes."""


def placements(name: str) -> tuple[Placement, ...]:
    """Return the arrangements of a profile: several where it does not say where entries come from.

    Entries that are allocated in bulk come from the CPU's node or from any, and the review of v12 proposes to
    hand the page's node to the addition to the list.
    Raises UnknownProfile, and NoLists for kernels whose allocator picks what is written back.
    """
    found = profile(name)
    if found.operations.shrinker_scan is None:
        raise NoLists(f"profile {name}: it has no LRU lists of nodes; expected one such as {COMPARED[1]}")
    if "bulk" not in found.traits or found.options.lru_node != "memory":
        return (Placement(name, found),)
    return (
        _placement(found, "bulk from the CPU's node", bulk_node="cpu"),
        _placement(found, "bulk from any node", bulk_node="any"),
        _placement(found, "node handed over", bulk_node="cpu", lru_node="caller"),
    )


def _placement(found: Profile, how: str, **options: Any) -> Placement:
    made = attrs.evolve(found, options=attrs.evolve(found.options, **options))
    return Placement(f"{found.name}, {how}", made)
