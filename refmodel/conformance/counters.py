"""Counters: what the model says of them, under the names that a trace uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.state import MemcgCounters
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_limits import total_pages
from refmodel.kernel.zswap_store import ZswapStore61
from refmodel.machine import Place

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


Reader = Callable[[], dict[str, int]]
"""Returns the values of counters at this moment."""


def reader(v: KernelView, names: Iterable[str]) -> Reader:
    """Return a function that reads the model's values of exact counters, by their names in a trace.

    Names of the form ``cg.wK.ev.X`` and those in ``NOT_MODELLED`` are left out.
    """
    places: dict[str, Place[int]] = {}
    computed: dict[str, Callable[[], int]] = {}
    for name in names:
        group, _, rest = name.partition(".")
        if name in NOT_MODELLED or ".ev." in name:
            continue
        if name == "zs.pool_total_size":
            computed[name] = lambda: shown_pool_pages(v) * PAGE_SIZE
        elif group in ("vm", "zs", "mt"):
            row = v.at.mthp[MTHP_ORDER] if group == "mt" else getattr(v.at, group)
            places[name] = getattr(row, rest)
        elif group == "cg":
            computed[name] = partial(_swap_bytes, v, memcg.subtree(v, int(rest.partition(".")[0][1:]) + 1))

    def read() -> dict[str, int]:
        found = {name: v[place] for name, place in places.items()}
        found.update((name, value()) for name, value in computed.items())
        return found

    return read


def _swap_bytes(v: KernelView, group: list[int]) -> int:
    """Return what a cgroup and those below it have of the swap device, in bytes."""
    return sum(v[v.at.mc[number].swap] for number in group) * PAGE_SIZE


def counters(v: KernelView, names: Iterable[str]) -> dict[str, int]:
    """Return the model's values of exact counters once, as ``reader`` reads them."""
    return reader(v, names)()


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
