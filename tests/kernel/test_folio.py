"""References to folios: whoever has one keeps the folio in memory, and the last one frees it."""

from __future__ import annotations

import pytest

from refmodel.kernel.folio import (
    alloc_folio,
    get_folio,
    isolate_folio,
    live_folio,
    put_folio,
    putback_folio,
)
from tests.kernel.toy import Toy


def test_a_fresh_folio_belongs_to_its_allocator_alone() -> None:
    """Nobody else can find it: it is on no LRU list."""
    toy = Toy("linux-6.12")
    number = alloc_folio(toy.v, (1,), 0, ("A",))

    assert toy.folio(number).refs == 1
    assert toy.folio(number).nid == 1
    assert not isolate_folio(toy.v, number)


def test_the_last_reference_frees_a_folio_that_is_neither_mapped_nor_cached() -> None:
    toy = Toy("linux-6.12")
    number = alloc_folio(toy.v, (0,), 0, ("A",))
    get_folio(toy.v, number)
    put_folio(toy.v, number)
    assert toy.folio(number).refs == 1
    put_folio(toy.v, number)

    with pytest.raises(LookupError, match=f"folio {number}: used after it was freed"):
        live_folio(toy.v, number)


def test_a_mapped_folio_needs_no_reference() -> None:
    toy = Toy("linux-6.12")
    toy.write(0, "A")

    with pytest.raises(LookupError, match="a reference is given back that nobody took"):
        put_folio(toy.v, 1)


def test_one_reclaim_has_a_folio_at_a_time() -> None:
    toy = Toy("linux-6.12")
    toy.write(0, "A")

    assert isolate_folio(toy.v, 1)
    assert not isolate_folio(toy.v, 1)
    putback_folio(toy.v, 1)
    assert (toy.folio(1).refs, toy.folio(1).lru) == (0, True)


def test_a_folio_that_is_gone_is_passed_by() -> None:
    """Reclaim may have heard of a folio that was freed before it comes."""
    toy = Toy("linux-6.12")

    assert not isolate_folio(toy.v, 5)
    assert toy.run(toy.ops.shrink_folio(folio=5)) == ()
