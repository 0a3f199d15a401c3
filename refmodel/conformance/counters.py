"""Counters: what the model says of them, under the names that a trace uses."""

from __future__ import annotations

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.state import MemcgCounters
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_limits import total_pages
from refmodel.kernel.zswap_store import ZswapStore61

MTHP_ORDER = 4
"""The order of the ``mt.`` counters: folios of 64 KiB."""

NOT_MODELLED = {
    "vm.swap_ra": "readahead is off in every recording",
    "vm.swap_ra_hit": "readahead is off in every recording",
    "mt.split_failed": "splitting a locked folio of the model's own does not fail",
}
"""Recorded counters that nothing is said about, with the reason."""

PAGES = frozenset({"zswapped", "zswap_incomp", "swapcached"})
"""Per-cgroup statistics that are kept in pages and shown in bytes."""


def shown_pool_pages(v: KernelView) -> int:
    """Return the pages of all pools as debugfs shows them: 6.1 shows what it added up last."""
    if issubclass(v.ops.zswap_store, ZswapStore61):
        return v[v.at.pool_total_size]
    return total_pages(v)


def counters(v: KernelView, names: list[str]) -> dict[str, int]:
    """Return the model's values of exact counters, by their names in a trace.

    Names of the form ``cg.wK.ev.X`` and those in ``NOT_MODELLED`` are left out.
    """
    values: dict[str, int] = {}
    for name in names:
        group, _, rest = name.partition(".")
        if name in NOT_MODELLED or ".ev." in name:
            continue
        if group == "vm":
            values[name] = v[getattr(v.at.vm, rest)]
        elif name == "zs.pool_total_size":
            values[name] = shown_pool_pages(v) * PAGE_SIZE
        elif group == "zs":
            values[name] = v[getattr(v.at.zs, rest)]
        elif group == "mt":
            values[name] = v[getattr(v.at.mthp[MTHP_ORDER], rest)]
        elif group == "cg":
            worker, _, _ = rest.partition(".")
            values[name] = memcg.stat(v, int(worker[1:]) + 1, "swap") * PAGE_SIZE
    return values


_STATISTICS = frozenset(field.name for field in attrs.fields(MemcgCounters)) - {"swap"}


def cgroup_statistics(v: KernelView, names: list[str]) -> dict[str, int]:
    """Return the model's per-cgroup statistics by their names in a ``settle`` line (``w0.zswpin``).

    Statistics of reclaim and refaults are not modelled and are left out.
    """
    values: dict[str, int] = {}
    for name in names:
        worker, _, item = name.partition(".")
        number = int(worker[1:]) + 1
        if item == "memory.zswap.current":
            values[name] = memcg.stat(v, number, "zswap")
        elif item == "memory.swap.current":
            values[name] = memcg.stat(v, number, "swap") * PAGE_SIZE
        elif item in _STATISTICS:
            values[name] = memcg.stat(v, number, item) * (PAGE_SIZE if item in PAGES else 1)
    return values
