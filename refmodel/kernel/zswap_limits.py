"""How much the pools of zswap may hold, and the hysteresis of a full one (mm/zswap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refmodel.kernel import limit_decisions

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def total_pages(v: KernelView) -> int:
    """Return the pages that all pools on the list hold, old pools included (zswap_total_pages)."""
    return sum(v[v.at.pool_pages[pool]] for pool in v[v.at.pool_list])


def max_pages(v: KernelView) -> int:
    """Return the limit of the pools in pages: ``max_pool_percent`` of the memory, rounded down."""
    return limit_decisions.limit_pages(v.cfg.sizes.totalram_pages, v[v.at.zswap].max_pool_percent)


def accept_pages(v: KernelView) -> int:
    """Return the pages at which a full pool accepts again (zswap_accept_thr_pages)."""
    return limit_decisions.threshold_pages(max_pages(v), v[v.at.zswap].accept_threshold_percent)


def accept_pages_61(v: KernelView) -> int:
    """Return the pages below which a full pool accepts again in 6.1, which rounds in another order."""
    params = v[v.at.zswap]
    return limit_decisions.threshold_pages_61(
        v.cfg.sizes.totalram_pages, params.max_pool_percent, params.accept_threshold_percent
    )


def limit_hit(v: KernelView) -> bool:
    """Whether the pool limit refuses a store; moves the hysteresis bit.

    The bit is set at a store that finds the pool full and cleared at a store that finds it at or
    below the accept threshold: nothing else moves it (zswap_check_limits, 6.12.117; Z1).
    """
    cur, limit, full = total_pages(v), max_pages(v), v[v.at.reached_full]
    if cur >= limit:
        v[v.at.zs.pool_limit_hit] += 1
    stays = limit_decisions.stays_full(cur, limit, accept_pages(v), full)
    if stays != full:
        v[v.at.reached_full] = stays
    return stays
