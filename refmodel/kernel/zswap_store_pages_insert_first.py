"""Storing one batch the other way that the review of the series named: every insertion first, then the books.

In the posted versions a page is inserted into the tree, accounted and listed before the next one is inserted, so a
failed insertion finds pages before it that are published in full.  The review asked for all insertions of a batch
first, and for everything else only when nothing can fail any more (v12 22/23, B13).

Observers are told of one thing that the other design has not: ``xa_restore`` (swp, entry: taken out again).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_store import lru_add
from refmodel.kernel.zswap_store_pages import ZswapStorePagesV14
from refmodel.machine import Call, Next, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ZswapStorePagesInsertFirst(ZswapStorePagesV14):
    """Store a batch; nothing is charged, counted or listed before every page of it is in the tree.

    The older entries that the insertions replace must not be freed before the last insertion either: a failure puts
    them back, because the unwinding of the folio takes charges back for whatever it finds in the tree.
    """

    source: ClassVar[str] = "review of zswap compression batching v12 22/23, October 2025; never posted"
    requirements: ClassVar[tuple[str, ...]] = ("B4", "B7", "B8", "B9", "B10", "B11", "B12", "B13", "Z3")

    olds: tuple[int, ...] = ()
    """For each page that is in the tree the older entry that it replaced, 0 for none."""

    @step
    def publish(self, v: KernelView) -> Next:
        """Put the next entry into the tree, and keep the entry that it replaces: it may have to come back."""
        slot, number = self.first_slot(v) + len(self.olds), self.entries[len(self.olds)]
        if v.fails(choices.XA_STORE):
            v[v.at.zs.reject_alloc_fail] += 1
            v.emit("reject", why="reject_alloc_fail", swp=slot)
            return self.take_back if self.olds else self.store_pages_failed
        place = v.at.tree[slot]
        self.olds += (v[place],)
        v[place] = number
        v.emit("xa_store", swp=slot, entry=number, ret=0)
        return self.publish if len(self.olds) < len(self.entries) else self.free_old

    @step
    def take_back(self, v: KernelView) -> Next:
        """Undo the last insertion: the older entry, or nothing, gets its place back, which takes no memory.

        An entry that is not accounted must not stay: the unwinding of the folio would take back what was never
        charged (Z11).
        """
        slot = self.first_slot(v) + len(self.olds) - 1
        v.emit("xa_restore", swp=slot, entry=v[v.at.tree[slot]])
        v[v.at.tree[slot]] = self.olds[-1]
        self.olds = self.olds[:-1]
        return self.take_back if self.olds else self.store_pages_failed

    @step
    def free_old(self, v: KernelView) -> Next:
        """From here on nothing can fail: free the older entry of the next page (B10)."""
        old = self.olds[self.done]
        return Call(v.ops.zswap_entry_free(entry=old), self.charge) if old else self.charge

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Put the entry on its LRU list, last of all: from here on writeback can see it (B12)."""
        number = self.entries[self.done]
        entry = live_entry(v, number)
        lru_add(v, number, entry, self.lru_node(v, entry))
        self.done += 1
        return self.free_old if self.done < len(self.entries) else self.all_stored
