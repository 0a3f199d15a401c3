"""Folios that must exist, references to them, and the operations that are about one.

A folio that an operation has found may be unmapped, dropped from the swap cache and freed by others before
its next step.  So whoever keeps a folio over a step takes a reference in the step that finds it, and gives it
back in the end; the last reference frees a folio that nothing maps and no slot has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from refmodel.kernel import choices
from refmodel.kernel.lru_lists import add_to_list, take_off_list
from refmodel.kernel.state import Content, Folio, FolioFlags
from refmodel.kernel.table import lowest_free
from refmodel.machine import Operation, evolve

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def live_folio(v: KernelView, number: int) -> Folio:
    """Return a folio that must exist.

    Raises LookupError when it was freed: a use after free, which no correct run reaches.
    """
    folio = v[v.at.folio[number]]
    if folio is None:
        raise LookupError(f"folio {number}: used after it was freed")
    return folio


def alloc_folio(
    v: KernelView,
    nodes: tuple[int, ...],
    memcg: int,
    contents: tuple[Content, ...],
    *,
    locked: bool = False,
    uptodate: bool = True,
) -> int:
    """Allocate a folio on one of some nodes; return its number, or 0 without memory for it.

    A system has so many folios (``Sizes.folios``); with all of them in use an allocation fails.  The caller
    has the only reference, and reclaim cannot find the folio yet (folio_alloc_mpol).
    """
    number = lowest_free(v[v.at.folios_used])
    if number == len(v.at.folio) or v.fails(choices.ALLOC_FOLIO):
        return 0
    nid = v.choose(choices.FOLIO_NODE, nodes) if len(nodes) > 1 else nodes[0]
    v[v.at.folios_used] |= 1 << number
    v[v.at.folio[number]] = Folio(nid, memcg, contents, locked=locked, uptodate=uptodate, refs=1, lru=False)
    return number


def get_folio(v: KernelView, number: int) -> None:
    """Take a reference to a folio (folio_get): it is not freed before ``put_folio``."""
    folio = live_folio(v, number)
    v[v.at.folio[number]] = evolve(folio, refs=folio.refs + 1)


def put_folio(v: KernelView, number: int) -> None:
    """Give a reference back (folio_put); the last one frees a folio that is neither mapped nor cached.

    Raises LookupError when there is no reference to give back, which no correct run reaches.
    """
    folio = live_folio(v, number)
    if not folio.refs:
        raise LookupError(f"folio {number}: a reference is given back that nobody took")
    if folio.refs == 1 and not folio.rmap and not folio.swapcache:
        take_off_list(v, number)
        v[v.at.folio[number]] = None
        v[v.at.folios_used] &= ~(1 << number)
    else:
        v[v.at.folio[number]] = evolve(folio, refs=folio.refs - 1)


def lock_folio(v: KernelView, number: int) -> None:
    """Lock a folio that is unlocked, as the caller has seen in this step."""
    v[v.at.folio[number]] = evolve(live_folio(v, number), locked=True)


def unlock_folio(v: KernelView, number: int) -> None:
    """Unlock a folio that the caller has locked."""
    v[v.at.folio[number]] = evolve(live_folio(v, number), locked=False)


def isolate_folio(v: KernelView, number: int) -> bool:
    """Take a folio off its LRU list and a reference to it; return whether it was on one.

    At most one reclaim has a folio: whoever comes second, or finds it freed, passes it by (folio_isolate_lru).
    """
    folio = v[v.at.folio[number]]
    if folio is None or not folio.lru:
        return False
    v[v.at.folio[number]] = evolve(folio, refs=folio.refs + 1, lru=False)
    take_off_list(v, number)
    return True


def list_folio(v: KernelView, number: int) -> None:
    """Put a folio on its LRU list (folio_add_lru): reclaim can find it."""
    v[v.at.folio[number]] = evolve(live_folio(v, number), lru=True)
    add_to_list(v, number)


def putback_folio(v: KernelView, number: int) -> None:
    """Put an isolated folio back on its LRU list and give the reference back (folio_putback_lru)."""
    list_folio(v, number)
    put_folio(v, number)


class FolioOperation(Operation):
    """An operation on one folio that exists for its whole length: its caller has a reference."""

    folio: int

    def the_folio(self, v: KernelView) -> Folio:
        """Return the folio.

        Raises LookupError when it was freed although the caller has a reference, which no correct run reaches.
        """
        return v[v.at.folio[self.folio]] or live_folio(v, self.folio)

    def change(self, v: KernelView, **fields: Unpack[FolioFlags]) -> None:
        """Set flags of the folio."""
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), **fields)
