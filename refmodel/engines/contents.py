"""Page contents by number: what the commands of a run write.

A number names the same content in every run and on every machine, so a token of a failure carries numbers
instead of pages.  Five shapes take turns, each with variants: (nearly) zero, one repeated word, text, random
bytes, half random.  They meet the branches of a store: the zero map, same-filled pages, a good ratio, a page
that does not compress, a page that nearly does not.
"""

from __future__ import annotations

import random
from functools import lru_cache

from refmodel.kernel.config import PAGE_SIZE, Config
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.state import Content

SHAPES = 5
"""Numbers that are equal modulo this have the same shape."""

PALETTE = 2 * SHAPES
"""Numbers below this are what walks write: two variants of each shape."""

_WORDS = ("page", "folio", "swap", "slot", "entry", "pool", "node", "cgroup", "charge", "shrink")


def content(cfg: Config, number: int) -> Content:
    """Return a page content by its number, as the current compressor's kind demands: bytes or a token."""
    symbolic = isinstance(cfg.codecs[cfg.compressor], Symbolic)
    return token(number) if symbolic else page(number)


def token(number: int) -> Content:
    """Return a token: 0 is the zero page, negative ones are filled with one word, others are ordinary."""
    shape, variant = number % SHAPES, number // SHAPES
    return -1 - variant if shape == 1 else number


@lru_cache(maxsize=256)
def page(number: int) -> bytes:
    """Return a page of bytes."""
    shape, variant = number % SHAPES, number // SHAPES
    chance = random.Random(number)
    if shape == 0:
        return bytes(PAGE_SIZE - 2) + (variant % 65536).to_bytes(2, "little")
    if shape == 1:
        return (variant + 1).to_bytes(8, "little") * (PAGE_SIZE // 8)
    if shape == 2:
        words = (_WORDS[chance.getrandbits(16) % len(_WORDS)] for _ in range(PAGE_SIZE))
        return " ".join(words).encode()[:PAGE_SIZE]
    if shape == 3:
        return chance.randbytes(PAGE_SIZE)
    return chance.randbytes(PAGE_SIZE // 2) + bytes(PAGE_SIZE // 2)
