"""Storing one batch with all insertions first: nothing is accounted before, and a failure puts everything back."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from tests.kernel.batches import Stores
from tests.kernel.toy import LENGTH

INSERT_FIRST = "batching-v14-insert-first"


def storing(pages: int = 4) -> tuple[Stores, int]:
    """Return a system, and a folio in it that is stored as one batch."""
    toy = Stores(INSERT_FIRST, 4, max_batch=4)
    return toy, toy.cached(range(1, pages + 1))


def test_every_page_is_in_the_tree_before_the_first_is_accounted() -> None:
    """After that nothing can fail (B13)."""
    toy, folio = storing()
    toy.store(folio)

    assert toy.order("copy", "xa_store", "account", "charge", "lru_add") == (
        4 * ["copy"] + 4 * ["xa_store"] + 4 * ["account", "charge", "lru_add"]
    )
    assert toy.v[toy.v.at.zs.stored_pages] == 4


def test_older_entries_are_freed_when_the_last_insertion_has_worked() -> None:
    """Until then a failure needs them (B10)."""
    toy, folio = storing(pages=2)
    toy.store(folio)
    toy.store(folio)

    assert toy.order("xa_store", "entry_free", "account", "lru_add") == (
        2 * ["xa_store"] + 2 * ["entry_free", "account", "lru_add"]
    )


@pytest.mark.parametrize("position", range(1, 5))
def test_an_insertion_that_fails_takes_back_those_before_it(position: int) -> None:
    """Last one first; then objects and entries of the whole batch go, for none of them is accounted (B9)."""
    toy, folio = storing()
    first = toy.folio(folio).swap
    toy.fail(choices.XA_STORE, nth=position)

    assert not toy.store(folio)
    assert toy.told("xa_restore", "swp") == list(reversed(range(first, first + position - 1)))
    assert toy.order("account", "charge", "uncharge", "lru_add", "lru_del") == []
    assert len(toy.told("entry_put", "entry")) == 4


def test_a_failure_puts_older_entries_back_for_the_unwinding_to_find() -> None:
    """The unwinding of the folio takes back what they were charged, and nothing that was not (Z11)."""
    toy, folio = storing()
    toy.store(folio)
    old = [toy.v[toy.v.at.tree[slot]] for slot in range(4, 8)]
    running = toy.begin(folio)
    toy.fail(choices.XA_STORE, nth=3)
    toy.until(running, "store_pages_failed")

    assert [toy.v[toy.v.at.tree[slot]] for slot in range(4, 8)] == old
    toy.until(running, "")
    assert toy.told("uncharge", "size") == 4 * [LENGTH]
    assert toy.v[toy.v.at.zs.stored_pages] == 0
