"""Page contents by number."""

import zlib
from collections.abc import Callable

import pytest

from refmodel.engines.contents import PALETTE, page, token
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import ZERO_PAGE, is_zero, same_filled_word
from refmodel.kernel.state import Content


def test_every_number_is_a_page_of_its_own() -> None:
    """Two numbers below a thousand never stand for the same bytes, nor for the same token."""
    assert len({page(number) for number in range(500)}) == 500
    assert len({token(number) for number in range(500)}) == 500
    assert {len(page(number)) for number in range(50)} == {PAGE_SIZE}


def test_number_zero_is_the_page_of_zeroes() -> None:
    """Shrinking ends at the plainest page."""
    assert page(0) == ZERO_PAGE
    assert is_zero(token(0))


@pytest.mark.parametrize("make", [page, token])
def test_the_palette_has_pages_that_are_filled_with_one_word_and_pages_that_are_not(
    make: Callable[[int], Content],
) -> None:
    """The branches of a store for same-filled pages are met."""
    words = [same_filled_word(make(number)) for number in range(PALETTE)]

    assert words[1] == 1
    assert words[6] == 2
    assert words[2] is words[3] is words[4] is None


def test_the_palette_has_good_poor_and_hopeless_ratios() -> None:
    """Text compresses well, half random bytes to about a half, random bytes not at all."""
    text, noise, mixed = (len(zlib.compress(page(number))) for number in (2, 3, 4))

    assert text < PAGE_SIZE / 3 < mixed < PAGE_SIZE
    assert noise > PAGE_SIZE
