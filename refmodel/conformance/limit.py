"""The pool limit: a share of the guest's memory, which no trace records.

How many pages the pool may have shows in what the kernel did: a store that was refused says that the
limit was reached, a run of the worker says when it was content.  All limits that fit what was seen so
far are kept as an interval; an operation that contradicts the one in use is tried again with the others.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from refmodel.conformance.trace_file import Op
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_limits import total_pages

UNLIMITED = 1 << 40
"""A memory size under which no recorded pool is ever full, in pages."""


def set_limit(v: KernelView, pages: int) -> None:
    """Give the guest so much memory that the pools may have ``pages`` pages under the present percentage."""
    percent = v[v.at.zswap].max_pool_percent
    sizes = attrs.evolve(v.cfg.sizes, totalram_pages=-(-pages * 100 // percent))
    v.cfg = attrs.evolve(v.cfg, sizes=sizes)


class LimitSearch:
    """The limits, in pages of the pool, that fit a trace so far."""

    def __init__(self) -> None:
        """Know nothing."""
        self.low, self.high = 0, 0

    @property
    def known(self) -> bool:
        """Whether the pool was ever seen full."""
        return self.high > 0

    def first_hit(self, v: KernelView, op: Op, excess: Callable[[int], int]) -> None:
        """Find the interval of limits that explain the first refusals.

        excess: refusals of the model minus recorded ones under a limit; it falls as the limit grows.
        """
        now = total_pages(v)
        bound = now + 16 * op.record.get("n", 1) + 16
        self.low = self._first(now, bound, lambda limit: excess(limit) <= 0)
        self.high = self._first(self.low, bound, lambda limit: excess(limit) < 0) - 1

    def _first(self, low: int, high: int, holds: Callable[[int], bool]) -> int:
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if holds(middle) else (middle + 1, high)
        return low

    def narrow(self, fits: Callable[[int], bool]) -> bool:
        """Keep the limits of the interval that fit; return whether there is one."""
        fitting = [limit for limit in range(self.low, self.high + 1) if fits(limit)]
        if fitting:
            self.low, self.high = fitting[0], fitting[-1]
        return bool(fitting)
