"""Every change of what backs a virtual entry: those of the table are reached, no other one happens."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from refmodel.kernel import choices
from refmodel.kernel.page_io import ACTIVATE
from refmodel.kernel.vswap_state import Backing
from refmodel.machine import Execution
from tests.kernel.programs import random_program
from tests.kernel.vswap_toy import VswapToy

Scenario = Callable[[VswapToy], int]
"""Runs something and returns the entry that is to be looked at."""


def stored(toy: VswapToy) -> int:
    """Return the entry of page 0, stored in zswap."""
    toy.write(0, "A")
    toy.out(0)
    return toy.slot(0)


def on_device(toy: VswapToy) -> int:
    """Return the entry of page 0, written to the device."""
    toy.write(0, "A")
    toy.to_device(0)
    return toy.slot(0)


def zero(toy: VswapToy) -> int:
    """Return the entry of page 0, which is full of zeroes."""
    toy.write(0, 0)
    toy.out(0)
    return toy.slot(0)


def stuck(toy: VswapToy) -> int:
    """Return the entry of page 0, which zswap refused and the device had no room for."""
    toy.write(0, "A")
    toy.fail(choices.ALLOC_ENTRY)
    toy.fail(choices.ALLOC_SLOT)
    toy.out(0)
    return toy.slot(0)


def mapped_again(toy: VswapToy, content: Any) -> int:
    """Return the entry of page 0, on the device, cached and written again by its process."""
    entry = on_device(toy)
    assert toy.read(0) == "A"
    assert toy.v[toy.v.at.swap_cache[entry]]
    toy.write(0, content)
    return entry


def cached_over_zswap(toy: VswapToy) -> int:
    """Return the folio of page 0 that a second process mapped before reclaim could drop it."""
    toy.write(0, "A")
    folio = toy.v[toy.v.at.pte[0][0]].folio
    toy.run(toy.ops.fork(process=0))
    reclaim = Execution(toy.ops.shrink_folio(folio=folio))
    while reclaim.at[1] != "after_pageout":
        reclaim.advance(toy.v)
    toy.observe(reclaim.at[0].start())
    assert toy.read(0) == "A"
    while not reclaim.over:
        reclaim.advance(toy.v)
    assert toy.backing(0, mm=2) is Backing.ZSWAP
    return folio


def cached_over_zero(toy: VswapToy) -> int:
    """Return the folio of page 0, full of zeroes, that was read ahead."""
    zero(toy)
    toy.willneed(0)
    return toy.descriptor(0).folio


def alloc(toy: VswapToy) -> int:
    """AL: a folio gets an entry."""
    return stuck(toy)


def zero_from_folio(toy: VswapToy) -> int:
    """WO3: a page of zeroes is swapped out."""
    return zero(toy)


def zero_from_slot(toy: VswapToy) -> int:
    """WO3: a page with a slot became zeroes."""
    entry = mapped_again(toy, 0)
    toy.out(0)
    return entry


def zero_from_zswap(toy: VswapToy) -> int:
    """WO3: a stored page became zeroes while it was cached."""
    folio = cached_over_zswap(toy)
    entry = toy.slot(0, mm=2)
    toy.redirty_shared(folio, 0)
    toy.write_out(folio)
    return entry


def zero_from_zero(toy: VswapToy) -> int:
    """WO3: a page of zeroes is written out again."""
    toy.write_out(cached_over_zero(toy))
    return toy.slot(0)


def folio_from_zswap(toy: VswapToy) -> int:
    """WO4: a stored page was written again, and nobody takes it."""
    folio = cached_over_zswap(toy)
    entry = toy.slot(0, mm=2)
    toy.redirty_shared(folio, "B")
    toy.enable(False)
    toy.fail(choices.ALLOC_SLOT)
    assert toy.write_out(folio) == ACTIVATE
    return entry


def folio_from_zero(toy: VswapToy) -> int:
    """WO4: a page of zeroes was written again, and nobody takes it."""
    cached_over_zero(toy)
    folio = toy.redirty(0, "B")
    toy.enable(False)
    toy.fail(choices.ALLOC_SLOT)
    assert toy.write_out(folio) == ACTIVATE
    return toy.slot(0)


def folio_from_mixed_slots(toy: VswapToy) -> int:
    """WO4: swapoff took one slot of a large folio and failed; the rest cannot be written again as a whole."""
    toy.allow_order(1)
    toy.write(0, "A")
    toy.write(1, "B")
    toy.to_device(0, 2)
    raise NotImplementedError
