"""Folios that must exist, and the operations that are about one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from refmodel.kernel.state import Folio, FolioFlags
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


class FolioOperation(Operation):
    """An operation on one folio that exists for its whole length."""

    folio: int

    def the_folio(self, v: KernelView) -> Folio:
        """Return the folio."""
        return live_folio(v, self.folio)

    def change(self, v: KernelView, **fields: Unpack[FolioFlags]) -> None:
        """Set flags of the folio."""
        v[v.at.folio[self.folio]] = evolve(self.the_folio(v), **fields)
