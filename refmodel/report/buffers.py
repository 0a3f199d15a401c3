"""What the buffers of compression contexts cost in memory: each CPU has its own, in each pool.

The cost of batches is that a context needs a buffer for every page of a call.  All figures are bytes of the
buffers themselves and of pointers to them; what the letters of the series state in addition is kept apart.
"""

from __future__ import annotations

from fractions import Fraction

import attrs

from refmodel.kernel.config import MAX_BATCH, PAGE_SIZE

KIB = 1 << 10
MIB = 1 << 20

FOLIO_PAGES = 512
"""Pages of a folio of 2 MiB."""

POINTER_BYTES = 8

CPUS = 112
"""Cores of the machine that v9 was measured on: two sockets of 56."""


@attrs.frozen
class Buffers:
    """What one context has.

    design: as the tables print it.  compressor: the kind that pays for it.  source: who says so.
    requests: acomp requests.  buffers: how many.  pages: of each buffer.  pointers: further pointers.
    stated: what a letter says for one CPU, in KiB, rounded to a tenth; None where none says anything.
    """

    design: str
    compressor: str
    requests: int
    buffers: int
    pages: int
    source: str
    pointers: int = 0
    stated: Fraction | None = None

    @property
    def bytes(self) -> int:
        """Bytes for one CPU."""
        return self.buffers * self.pages * PAGE_SIZE + self.pointers * POINTER_BYTES

    def total(self, cpus: int) -> int:
        """Return the bytes for so many CPUs, of one pool."""
        return self.bytes * cpus


_V9 = "zswap compression batching v9, 15/19 and 19/19"
_REVIEW = "review of zswap compression batching v4 09/10, December 2024"

DESIGNS = (
    Buffers("linux-6.12", "any", 1, 1, 2, "mm/zswap.c zswap_cpu_comp_prepare(), Linux 6.12.117"),
    Buffers("linux-7.3", "any", 1, 1, 1, "mm/zswap.c zswap_cpu_comp_prepare(), Linux 7.3.4"),
    Buffers("v4 to v9", "batching", MAX_BATCH, MAX_BATCH, 2, _V9, stated=Fraction("64.8")),
    Buffers("v4 to v9", "software", 1, 1, 2, _V9, stated=Fraction("8.2")),
    Buffers("v10, v11", "batching", 1, MAX_BATCH, 2, "zswap compression batching v10, 24/25"),
    Buffers("v10, v11", "software", 1, 1, 2, "zswap compression batching v10, 24/25", pointers=1),
    Buffers("v12 to v14", "batching", 1, MAX_BATCH, 1, "zswap compression batching v12, 23/23"),
    Buffers("v12 to v14", "software", 1, 1, 1, "zswap compression batching v12, 23/23", pointers=1),
    Buffers("8 for everybody", "any", 1, MAX_BATCH, 2, _REVIEW),
    Buffers("a folio of 2 MiB", "any", 1, FOLIO_PAGES, 2, _REVIEW),
    Buffers("the same, one page each", "any", 1, FOLIO_PAGES, 1, _REVIEW),
)
"""What was released, posted and discussed, in that order (A5)."""

_ROUNDING = Fraction(1, 20)


def stated_rest(design: Buffers) -> tuple[Fraction, Fraction] | None:
    """Return what a stated figure leaves for everything but the buffers, in bytes: at least and at most.

    The letters round to a tenth of a KiB.  A KB of theirs has 1,024 bytes: with 1,000 the buffers alone would
    exceed 64.8.  None where nothing is stated.
    """
    if design.stated is None:
        return None
    low, high = (
        (design.stated + error) * KIB - design.buffers * design.pages * PAGE_SIZE
        for error in (-_ROUNDING, _ROUNDING)
    )
    return low, high


def request_bytes() -> tuple[Fraction, Fraction]:
    """Return what one request costs with all that comes with it, in bytes: at least and at most (A5).

    It follows from the two stated figures, which differ in seven buffers and seven requests.  The size of
    struct acomp_req and of its driver's part is not known here otherwise.
    """
    many, one = (design for design in DESIGNS if design.stated is not None)
    of_many, of_one = stated_rest(many), stated_rest(one)
    assert of_many is not None
    assert of_one is not None
    more = many.requests - one.requests
    return (of_many[0] - of_one[1]) / more, (of_many[1] - of_one[0]) / more
