"""The order of folios on LRU lists, where a scope asks for it (mm/swap.c, mm/vmscan.c, mm/mm_inline.h).

Without it reclaim is told which folio it comes by.  With it a scan takes the coldest.  There is one set of lists, as if
all anonymous memory were one cgroup's on one node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import attrs

from refmodel.machine import Layout, Place, evolve

if TYPE_CHECKING:
    from refmodel.kernel.state import Folio
    from refmodel.kernel.table import KernelView

Kind = Literal["classic", "generations"]

LISTS: dict[Kind, int] = {"classic": 2, "generations": 3}
"""How many lists there are: inactive and active; or the oldest generation, the youngest but one, and the youngest.

Generations that lie between are left out, and none grows older (how fast they do is UNVERIFIED).
"""

PAGEVEC_SIZE = 31
"""Folios that a CPU gathers before it moves them to the cold end (Linux 6.12.117)."""


@attrs.frozen
class LruLists:
    """Lists of a system.

    kind: which.  batch: folios that a CPU gathers before it moves them to the cold end, ``PAGEVEC_SIZE`` in the kernel.

    Raises ValueError for a batch that no kernel has.
    """

    kind: Kind = "classic"
    batch: int = 1

    def __attrs_post_init__(self) -> None:
        """Refuse lists that the model does not have."""
        if self.kind not in LISTS:
            raise ValueError(f"lists {self.kind!r}: expected {' or '.join(LISTS)}")
        if not 1 <= self.batch <= PAGEVEC_SIZE:
            raise ValueError(f"batch of {self.batch} folios: expected 1 to {PAGEVEC_SIZE}")


@attrs.frozen
class LruPlaces:
    """Places of the lists; without them the rows are empty.

    list: folios, the coldest first; list 0 is scanned.
    rotating: folios that wait to be moved to the cold end, with a reference each (one CPU's batch).
    all_writing: the last pass of kswapd met nothing but folios under writeback (PGDAT_WRITEBACK).
    """

    list: Sequence[Place[tuple[int, ...]]]
    rotating: Sequence[Place[tuple[int, ...]]]
    all_writing: Sequence[Place[bool]]


def describe_lists(layout: Layout, lists: LruLists | None) -> LruPlaces:
    """Lay out the lists, which are empty."""
    there = lists is not None
    return LruPlaces(
        list=layout.row("reclaim.list", LISTS[lists.kind] if lists else 0, ()),
        rotating=layout.row("reclaim.rotating", int(there), ()),
        all_writing=layout.row("reclaim.all_writing", int(there), False),
    )


def add_to_list(v: KernelView, number: int) -> None:
    """Put a folio at the hot end of its list; nothing happens where no order is kept.

    By generations a folio that may not be reclaimed yet is the youngest, and one that is being written out for reclaim
    the youngest but one: only the first becomes active by that.
    """
    if not v.at.reclaim.list:
        return
    folio = v[v.at.folio[number]]
    assert folio is not None
    index = int(folio.active)
    if len(v.at.reclaim.list) == LISTS["generations"]:
        index = _generation(folio)
        if index == 2:
            v[v.at.folio[number]] = evolve(folio, active=True)
    place = v.at.reclaim.list[index]
    v[place] = (*v[place], number)


def _generation(folio: Folio) -> int:
    writing = folio.dirty or folio.writeback
    if folio.reclaim and writing and not folio.active:
        return 1
    return 2 if folio.active or folio.locked or folio.rmap or writing else 0


def take_off_list(v: KernelView, number: int) -> None:
    """Take a folio off the list that it is on."""
    for place in v.at.reclaim.list:
        if number in v[place]:
            v[place] = tuple(each for each in v[place] if each != number)


def move_to_cold_end(v: KernelView, number: int) -> None:
    """Make a folio the next that a scan takes; it is active no longer (lru_move_tail)."""
    take_off_list(v, number)
    folio = v[v.at.folio[number]]
    assert folio is not None
    v[v.at.folio[number]] = evolve(folio, active=False)
    place = v.at.reclaim.list[0]
    v[place] = (number, *v[place])


def activate(v: KernelView, number: int) -> None:
    """Mark a folio active, which says where it is put back; nothing happens where no order is kept."""
    folio = v[v.at.folio[number]]
    if v.at.reclaim.list and folio is not None:
        v[v.at.folio[number]] = evolve(folio, active=True)


def coldest(v: KernelView, number: int) -> tuple[int, ...]:
    """Return the folios that a scan takes next, so many at most, coldest first.

    A list is looked at when those before it are empty, which stands for what moves folios from one to the next.
    """
    return tuple(folio for place in v.at.reclaim.list for folio in v[place])[:number]
