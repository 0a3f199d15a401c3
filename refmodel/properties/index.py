"""The index of a state: what the properties look at, collected in one pass.

Each property is then a comparison.  Rows are read as slices and tables of live objects through their
maps of used numbers, so a check costs what is stored, plus one look at every slot and every page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    queued: folios that wait in queues of kcompressd.
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
        "queued",
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
    queued: tuple[int, ...]
    pages: list[tuple[int, Pte, Content]]

    def __init__(self, v: KernelView) -> None:
        """Index a state."""
        self.v = v
        for name, collect in COLLECTORS.items():
            setattr(self, name, collect(self))

    def page_name(self, number: int) -> str:
        """Return the name of a page by its number in ``pages``."""
        mm, page = divmod(number, len(self.v.at.pte[0]))
        return f"page {page} of process {mm}"


class LazyIndex(Index):
    """An index that collects only what a property looks at, so that what the property depends on is known."""

    __slots__ = ()

    def __init__(self, v: KernelView) -> None:
        """Index a state when somebody asks."""
        self.v = v

    def __getattr__(self, name: str) -> Any:
        if name not in COLLECTORS:
            raise AttributeError(name)
        found = COLLECTORS[name](self)
        setattr(self, name, found)
        return found


# --- what an index collects -----------------------------------------------------------------------------------


def _places(index: Index) -> dict[tuple[int, int], int]:
    taken: dict[tuple[int, int], int] = {}
    for stored in index.objects.values():
        where = stored.pool, stored.size_class
        taken[where] = taken.get(where, 0) | 1 << stored.zspage
    return taken


def _used(index: Index) -> list[int]:
    return [s for s, slot in enumerate(index.slots) if slot is not FREE_SLOT and slot != FREE_SLOT]


def _parked(index: Index) -> list[int]:
    return [slot for returned in row(index.v, index.v.at.slot_cache) for slot in returned]


def _stored(index: Index) -> list[tuple[int, int]]:
    tree = row(index.v, index.v.at.tree)
    return [(slot, entry) for slot, entry in enumerate(tree) if entry] if any(tree) else []


def _lists(index: Index) -> list[tuple[int, int, tuple[int, ...]]]:
    lists = grid(index.v, index.v.at.lru)
    nodes = index.v.cfg.sizes.nodes
    listed = enumerate(lists) if any(lists) else ()
    return [(i // nodes, i % nodes, numbers) for i, numbers in listed if numbers]


def _queued(index: Index) -> tuple[int, ...]:
    v = index.v
    return tuple(folio for place in v.at.kcompressd.queue for folio in v[place].fifo)


def _pages(index: Index) -> list[tuple[int, Pte, Content]]:
    v = index.v
    written = zip(grid(v, v.at.pte), grid(v, v.at.truth), strict=True)
    return [
        (i, pte, truth.content)
        for i, (pte, truth) in enumerate(written)
        if pte is not EMPTY_PTE or truth.content is not ZERO_PAGE
    ]


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


COLLECTORS: dict[str, Callable[[Any], Any]] = {
    "entries": lambda index: _live(index.v, index.v.at.entries_used, index.v.at.entry),
    "objects": lambda index: _live(index.v, index.v.at.objects_used, index.v.at.zs_object),
    "folios": lambda index: _live(index.v, index.v.at.folios_used, index.v.at.folio),
    "places": _places,
    "slots": lambda index: row(index.v, index.v.at.slot),
    "used": _used,
    "swap_cache": lambda index: row(index.v, index.v.at.swap_cache),
    "parked": _parked,
    "stored": _stored,
    "lists": _lists,
    "pages": _pages,
    "queued": _queued,
}
"""How each part of an index is collected, in an order in which the parts that a part needs come before it."""
