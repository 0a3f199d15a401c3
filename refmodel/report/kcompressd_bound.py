"""How fast reclaim can get when compression leaves the scanner: a bound, and what a thread measured under it.

Reclaim of a page takes t1 (scan and unmap), t2 (compress) and t3 (the share of file pages that are reclaimed with it).
One task needs t1 + t2 + t3.  With n threads that compress, the slower of two sides sets the pace: max(t1 + t3, t2/n).
A queue is finite.  Once it is full kswapd compresses by itself and is one server more, and a page takes at least
(t1 + t2 + t3)/(n + 1).
All figures are exact; only printing rounds them.

Source: "Improve Zram by separating compression context from kswapd", 7 to 12 March 2025 (K4, P5).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import attrs

MAX_THREADS = 64
"""Compression threads that a bound is given for, at most; the postings have 1 a node, or 4 in all."""


@attrs.frozen
class Load:
    """What reclaim has to do for a page, and what it may use.

    scan, compress, file: t1, t2, t3 as shares of the time without threads; any unit.
    rate: pages per second without threads.
    rescan: how much longer scanning takes when each page is met once more after its compression, as a share of t1.
    cost: how much dearer the compressor is than the one that the shares hold for.
    cpus: that kswapd and the threads may use together, None for as many as they want.

    Raises ValueError for shares or rates that cannot be.
    """

    scan: Fraction = Fraction(3)
    compress: Fraction = Fraction(7)
    file: Fraction = Fraction(0)
    rate: int = 300_000
    rescan: Fraction = Fraction(0)
    cost: Fraction = Fraction(1)
    cpus: int | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what no reclaim can be."""
        if self.scan <= 0 or self.compress <= 0 or self.file < 0:
            raise ValueError(
                f"shares {self.scan}:{self.compress}:{self.file}: expected scan and compression above 0 and file "
                "pages not below; 3:7 are those of the thread"
            )
        if self.rate <= 0:
            raise ValueError(f"rate of {self.rate} pages per second: expected 1 or more, such as 300000")
        if self.rescan < 0:
            raise ValueError(f"rescan {self.rescan}: expected a share of the scan, 0 or more")
        if self.cost <= 0:
            raise ValueError(f"cost {self.cost}: expected more than 0; 1 is the compressor of the shares")
        if self.cpus is not None and self.cpus < 1:
            raise ValueError(f"{self.cpus} CPUs: expected 1 or more")

    @property
    def unit(self) -> Fraction:
        """Seconds that one share lasts."""
        return 1 / (self.rate * (self.scan + self.compress + self.file))

    @property
    def kswapd(self) -> Fraction:
        """Seconds of a page that stay with kswapd: t1 + t3, and the second look at the page."""
        return (self.scan * (1 + self.rescan) + self.file) * self.unit

    @property
    def compression(self) -> Fraction:
        """Seconds of a page that threads can take over: t2."""
        return self.compress * self.cost * self.unit

    @property
    def synchronous(self) -> Fraction:
        """Pages per second without threads, with this compressor; nobody looks twice."""
        return 1 / ((self.scan + self.file) * self.unit + self.compression)


@attrs.frozen
class Bound:
    """What so many threads can reach, in pages per second.

    threads: n.  apart: kswapd never compresses and its queue is never full.
    inline: kswapd compresses what does not fit into a full queue.
    share: of pages that kswapd then compresses, at least.
    """

    threads: int
    apart: Fraction
    inline: Fraction
    share: Fraction


def bound(load: Load, threads: int) -> Bound:
    """Return the bound for n threads (K4).

    Raises ValueError for a number of threads that is not modelled.
    """
    if not 1 <= threads <= MAX_THREADS:
        raise ValueError(
            f"{threads} threads: expected 1 to {MAX_THREADS}; without any, reclaim is synchronous"
        )
    kswapd, compression = load.kswapd, load.compression
    limits = [1 / kswapd]
    if load.cpus is not None:
        limits.append(load.cpus / (kswapd + compression))
    apart = min(*limits, threads / compression)
    inline = min(*limits, (threads + 1) / (kswapd + compression))
    share = max(Fraction(0), (compression - threads * kswapd) / ((threads + 1) * compression))
    return Bound(threads, apart, inline, share)


@attrs.frozen
class Figure:
    """A figure of the thread, as a multiple of the rate that was measured without threads.

    name: as it was said.  factor: of that rate.  only: threads that it was said of, None for any number.
    """

    name: str
    factor: Fraction
    only: int | None = None


FIGURES = (
    Figure("300 000 a second before", Fraction(1)),
    Figure("over 800 000 a second after", Fraction(8, 3)),
    Figure('"over 260%" of what it was', Fraction(26, 10)),
    Figure('"over 260%" more than it was', Fraction(36, 10)),
    Figure('"over 260%", 1 thread a node', Fraction(26, 10), only=1),
)
"""What the letters of March and April 2025 say of pgsteal_anon with LZ4 (P5).  Whether the letter of April, which
repeats the figure for one thread a node, measured it with one is UNVERIFIED."""


@attrs.frozen
class Verdict:
    """Whether a figure fits under the bound.

    rate: pages per second that it means.  apart, inline: the fewest threads that reach it, None for no number.
    """

    figure: Figure
    rate: Fraction
    apart: int | None
    inline: int | None

    @property
    def fits(self) -> bool:
        """Whether some number of threads, or the one that it was said of, reaches it."""
        return self.inline is not None


def verdicts(load: Load, threads: int = MAX_THREADS, figures: Iterable[Figure] = FIGURES) -> list[Verdict]:
    """Return for every figure of the thread how many threads it needs, of at most so many (P5)."""
    return [_verdict(load, threads, figure) for figure in figures]


def _verdict(load: Load, threads: int, figure: Figure) -> Verdict:
    rate = figure.factor * load.rate
    if rate <= load.synchronous:
        return Verdict(figure, rate, 0, 0)
    counts = range(1, threads + 1) if figure.only is None else (figure.only,)
    bounds = [bound(load, n) for n in counts]
    apart = next((each.threads for each in bounds if each.apart >= rate), None)
    inline = next((each.threads for each in bounds if each.inline >= rate), None)
    return Verdict(figure, rate, apart, inline)


def dearest(load: Load, threads: int, rate: Fraction) -> tuple[Fraction, Fraction] | None:
    """Return how dear a compressor can be with which n threads still reach a rate; None when none can.

    rate: pages per second.  The pair is for kswapd that never compresses and for one that does, as multiples of the
    compressor of the shares.  ZSTD was measured at about the rate of LZ4: so it costs no more than this (P5).
    """
    if rate > 1 / load.kswapd:
        return None
    lz4 = load.compress * load.unit
    inline = ((threads + 1) / rate - load.kswapd) / lz4
    apart = threads / rate / lz4
    if load.cpus is not None:
        limit = (load.cpus / rate - load.kswapd) / lz4
        apart, inline = min(apart, limit), min(inline, limit)
    return (apart, inline) if min(apart, inline) > 0 else None
