"""The index of a state: what the properties look at, collected in one pass.

Each property is then a comparison.  Rows are read as slices and tables of live objects through their
maps of used numbers, so a check costs what is stored, plus one look at every slot and every page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.state import EMPTY_PTE, FREE_SLOT, Content, Folio, Pte, SwapSlot, ZsObject, ZswapEntry

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Place

T = TypeVar("T")


def row(v: KernelView, places: Sequence[Place[T]]) -> list[T]:
    """Return the components of a row of places, which lie side by side."""
    components: list[Any] = v
    return components[places[0] : places[-1] + 1]


def grid(v: KernelView, rows: Sequence[Sequence[Place[T]]]) -> list[T]:
    """Return the components of a grid of places, row after row."""
    components: list[Any] = v
    return components[rows[0][0] : rows[-1][-1] + 1]


class Index:
    """What is where in one state.

    v: the state.
    entries, objects, folios: what exists, by number.
    places: where objects lie, by pool and size class: bit n is set while one lies in zspage n (zbud: in
        buddy n).
    stored: (slot, entry number) of every entry in a tree.
    lists: (memcg, node, entry numbers) of every LRU list that is not empty.
    slots: swap map entry of each slot.  used: slots that are not free, ascending.
    swap_cache: folio in the swap cache of each slot, or 0.
    parked: slots in a return cache (6.1, 6.12).
    pages: (number, page-table entry, what was last written) of every page that is anywhere or not zero;
        pages are numbered process after process.
    """

    __slots__ = (
        "entries",
        "folios",
        "lists",
        "objects",
        "pages",
        "parked",
        "places",
        "slots",
        "stored",
        "swap_cache",
        "used",
        "v",
    )

    v: KernelView
    entries: dict[int, ZswapEntry]
    objects: dict[int, ZsObject]
    folios: dict[int, Folio]
    places: dict[tuple[int, int], int]
    stored: list[tuple[int, int]]
    lists: list[tuple[int, int, tuple[int, ...]]]
    slots: list[SwapSlot]
    used: list[int]
    swap_cache: list[int]
    parked: list[int]
    pages: list[tuple[int, Pte, Content]]

    def __init__(self, v: KernelView) -> None:
        """Index a state."""
        at = v.at
        self.v = v
        self.entries = _live(v, at.entries_used, at.entry)
        self.objects = _live(v, at.objects_used, at.zs_object)
        self.folios = _live(v, at.folios_used, at.folio)
        self.places = {}
        for stored in self.objects.values():
            where = stored.pool, stored.size_class
            self.places[where] = self.places.get(where, 0) | 1 << stored.zspage
        self.slots = row(v, at.slot)
        self.used = [s for s, slot in enumerate(self.slots) if slot is not FREE_SLOT and slot != FREE_SLOT]
        self.swap_cache = row(v, at.swap_cache)
        self.parked = [slot for returned in row(v, at.slot_cache) for slot in returned]
        tree = row(v, at.tree)
        self.stored = [(slot, entry) for slot, entry in enumerate(tree) if entry] if any(tree) else []
        lists = grid(v, at.lru)
        nodes = v.cfg.sizes.nodes
        listed = enumerate(lists) if any(lists) else ()
        self.lists = [(i // nodes, i % nodes, numbers) for i, numbers in listed if numbers]
        written = zip(grid(v, at.pte), grid(v, at.truth), strict=True)
        self.pages = [
            (i, pte, truth.content)
            for i, (pte, truth) in enumerate(written)
            if pte is not EMPTY_PTE or truth.content is not ZERO_PAGE
        ]

    def page_name(self, number: int) -> str:
        """Return the name of a page by its number in ``pages``."""
        mm, page = divmod(number, len(self.v.at.pte[0]))
        return f"page {page} of process {mm}"


def _live(v: KernelView, used: Place[int], places: Sequence[Place[Any]]) -> dict[int, Any]:
    """Return what exists, by number: the numbers whose bit is set, ascending; number 0 never exists."""
    found: dict[int, Any] = {}
    rest = v[used]
    if rest == 1:
        return found
    rest &= ~1
    while rest:
        lowest = rest & -rest
        rest ^= lowest
        number = lowest.bit_length() - 1
        record = v[places[number]]
        if record is not None:
            found[number] = record
    return found
