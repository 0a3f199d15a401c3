"""What an observer of a system at rest sees, at three levels, by names that do not depend on internal numbers.

``data``: where each page of each process is, as /proc/PID/pagemap tells it, and its bytes where the swap device
alone has them.  ``counters``: also /proc/vmstat, /proc/swaps, debugfs, the parameters of the module, the statistics
of cgroups that exist and of folio sizes.  ``strict``: also what only a debugger sees: the LRU list of each cgroup
and node, what stands behind each swapped-out page, the state of mapped folios and of pools.

Which slot, entry, handle or folio number something has is for the environment to say and is not looked at.  Only
two kernels that both show a counter can be told apart by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import is_zero
from refmodel.kernel.state import EMPTY_PTE, Content, MthpCounters, Pte, VmCounters, ZswapCounters
from refmodel.kernel.state import MemcgCounters as Statistics
from refmodel.kernel.zswap_entry import entry_to_nid
from refmodel.kernel.zswap_limits import total_pages
from refmodel.properties.promise import zram_content

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Place

Level = Literal["data", "counters", "strict"]

LEVELS: tuple[Level, ...] = ("data", "counters", "strict")
"""Each sees what those before it see, and more."""

SEES: Mapping[Level, str] = {
    "data": "what commands return, where pages are, and what the device holds of them",
    "counters": "data; counters, statistics and parameters that both kernels show",
    "strict": "counters; events in their order, LRU lists, charges, entries, folios and pools",
}
"""What each level compares, in a few words."""

SINCE = {
    "vm.swpin_zero": "6.12", "vm.swpout_zero": "6.12", "vm.zswpwb": "6.12",
    "zs.reject_compress_fail": "6.12", "zs.stored_incompressible_pages": "6.18", "zs.decompress_fail": "6.18",
    "memcg.swpin_zero": "6.12", "memcg.swpout_zero": "6.12", "memcg.zswpwb": "6.12",
    "memcg.pswpin": "6.18", "memcg.pswpout": "6.18", "memcg.zswap_incomp": "7.3",
    "mthp.anon_fault_alloc": "6.12", "mthp.swpout": "6.12", "mthp.swpout_fallback": "6.12", "mthp.split": "6.12",
    "mthp.zswpout": "6.18", "mthp.swpin": "6.18",
    "parameter shrinker_enabled": "6.12", "memory.zswap.writeback": "6.12", "hugepages-*kB/enabled": "6.12",
}  # fmt: skip
"""The first of the recorded kernels that has a counter, a parameter or a file, where that is not 6.1."""

UNTIL = {"zs.same_filled_pages": "6.1", "zs.duplicate_entry": "6.1"}
"""The last of the recorded kernels that shows a counter, where that is not 7.3."""

_PARAMETERS = ("enabled", "compressor", "max_pool_percent", "accept_threshold_percent", "shrinker_enabled")

_NOT_OF_ROOT = ("swap",)
"""Statistics that the root cgroup has no file for."""


def shows(kernel: str, name: str) -> bool:
    """Whether a kernel has a counter, a parameter or a file.  kernel: a version, for example "6.12"."""
    version = _version(kernel)
    return _version(SINCE.get(name, "0.0")) <= version <= _version(UNTIL.get(name, "99.0"))


def event_counters(v: KernelView) -> frozenset[int]:
    """Return the places of counters that only observers read: what happens next does not depend on them."""
    at = v.at
    groups: list[VmCounters | ZswapCounters | Statistics | MthpCounters] = [at.vm, at.zs, *at.mc, *at.mthp]
    places = {place for group in groups for place in attrs.astuple(group)}
    grow = {family.start for family in v.layout.families if family.counter and family.grows}
    return frozenset(places & grow)


class Observer:
    """Looks at one system at rest.

    v: the system.  kernel: its version, which says what it shows.  level: how closely to look.
    """

    def __init__(self, v: KernelView, kernel: str, level: Level) -> None:
        self.v, self.kernel, self.level = v, kernel, level
        self._plain = {} if level == "data" else dict(self._plain_counters())
        self._statistics = self._shown("memcg", Statistics)

    def sees(self) -> dict[str, Any]:
        """Return what there is to see now."""
        seen = dict(self._pages())
        if self.level != "data":
            seen.update(self._counters())
        if self.level == "strict":
            seen.update(self._inside())
        return seen

    # --- data -----------------------------------------------------------------------------------------------

    def _named(self) -> Iterator[tuple[str, Pte]]:
        for mm, row in enumerate(self.v.at.pte):
            for page, place in enumerate(row):
                yield f"page {page} of process {mm}", self.v[place]

    def _pages(self) -> Iterator[tuple[str, Any]]:
        for name, pte in self._named():
            alone = pte.slot and self._is_on_device_only(pte.slot)
            yield name, ("on the device", spelled(self._on_device(pte.slot))) if alone else _where(pte)

    def _is_on_device_only(self, slot: int) -> bool:
        """Whether the next reader of a swapped-out page is given what the device holds."""
        v = self.v
        folio = v[v.at.folio[v[v.at.swap_cache[slot]]]]
        elsewhere = (folio is not None and folio.dirty) or v[v.at.zeromap[slot]] or v[v.at.tree[slot]]
        return not elsewhere and bool(self._block(slot))

    def _on_device(self, slot: int) -> Content:
        if self.v.at.zram.slot:
            return zram_content(self.v, slot)
        return self.v[self.v.at.device[self._block(slot)]]

    def _block(self, slot: int) -> int:
        return self.v[self.v.at.vswap.physical[slot]] if self.v.cfg.options.virtual_swap else slot

    # --- counters -------------------------------------------------------------------------------------------

    def _shown(self, group: str, kind: type[Any]) -> list[str]:
        names = (field.name for field in attrs.fields(kind))
        return [name for name in names if shows(self.kernel, f"{group}.{name}")]

    def _plain_counters(self) -> Iterator[tuple[str, Place[int]]]:
        at = self.v.at
        for group, kind, places in (("vm", VmCounters, at.vm), ("zs", ZswapCounters, at.zs)):
            yield from ((f"{group}.{name}", getattr(places, name)) for name in self._shown(group, kind))
        for order, counters in enumerate(at.mthp):
            names = self._shown("mthp", MthpCounters) if order else ()
            yield from ((f"mthp[{order}].{name}", getattr(counters, name)) for name in names)

    def _counters(self) -> Iterator[tuple[str, Any]]:
        v = self.v
        yield from ((name, v[place]) for name, place in self._plain.items())
        # 6.1 shows what its last store or free added up.
        old = _version(self.kernel) < (6, 12)
        yield "zs.pool_total_size", (v[v.at.pool_total_size] if old else total_pages(v)) * PAGE_SIZE
        device, params = v[v.at.si], v[v.at.zswap]
        yield "slots in use (/proc/swaps)", device.size - device.free if device.on else "off"
        for name in _PARAMETERS:
            if shows(self.kernel, f"parameter {name}"):
                yield f"parameter {name}", getattr(params, name)
        for number, place in enumerate(v.at.memcg):
            if v[place].online:
                yield from self._memcg(number)

    def _memcg(self, number: int) -> Iterator[tuple[str, int]]:
        below = [self.v.at.mc[each] for each in memcg.subtree(self.v, number)]
        for name in self._statistics:
            if number or name not in _NOT_OF_ROOT:
                total = sum(self.v[getattr(counters, name)] for counters in below)
                yield f"memcg[{number}].{name}", total

    # --- everything -----------------------------------------------------------------------------------------

    def _inside(self) -> Iterator[tuple[str, Any]]:
        v = self.v
        for name, pte in self._named():
            if pte.slot:
                yield f"{name} in swap", self._behind(pte.slot)
            elif pte.folio:
                yield f"{name} in memory", self._mapped(pte)
        names = {pte.slot: name for name, pte in self._named() if pte.slot}
        for number, row in enumerate(v.at.lru):
            for nid, place in enumerate(row):
                listed = tuple(self._listed(entry, names) for entry in v[place])
                yield f"LRU list of cgroup {number} on node {nid}, coldest first", listed
                yield f"device reads of cgroup {number} on node {nid}", v[v.at.nr_disk_swapins[number][nid]]
        yield "pools, the current one first", tuple(map(self._pool, v[v.at.pool_list]))
        yield "pools are full", v[v.at.reached_full]
        yield "cursor of the shrink worker", v[v.at.next_shrink]
        yield "shrink work is pending", v[v.at.shrink_work].pending

    def _behind(self, slot: int) -> str:
        """Describe what stands behind a swapped-out page: the record of its slot, then where the bytes are."""
        v = self.v
        record, number = v[v.at.slot[slot]], v[v.at.tree[slot]]
        words = [f"count {record.count}", f"charged to cgroup {record.memcg}"]
        words += ["cached"] * bool(v[v.at.swap_cache[slot]]) + ["zero bit"] * v[v.at.zeromap[slot]]
        return ", ".join([*words, *([self._entry(number)] if number else [])])

    def _entry(self, number: int) -> str:
        entry = self.v[self.v.at.entry[number]]
        if entry is None:
            return "an entry of the past"
        words = [f"{entry.length} bytes", f"node {entry_to_nid(self.v, entry)}", f"objcg {entry.objcg}"]
        return f"entry: {', '.join([*words, *(['referenced'] * entry.referenced)])}"

    def _mapped(self, pte: Pte) -> str:
        folio = self.v[self.v.at.folio[pte.folio]]
        if folio is None:
            return "a folio of the past"
        words = [
            f"page {pte.index} of {len(folio.contents)}",
            f"node {folio.nid}",
            f"cgroup {memcg.folio_memcg(self.v, folio)}",
        ]
        words += [flag for flag in _FOLIO_FLAGS if getattr(folio, flag)]
        return ", ".join([*words, *(f"pte {flag}" for flag in _PTE_FLAGS if getattr(pte, flag))])

    def _listed(self, number: int, names: Mapping[int, str]) -> str:
        entry = self.v[self.v.at.entry[number]]
        return names.get(entry.swpentry, "a page of nobody") if entry is not None else "an entry of the past"

    def _pool(self, number: int) -> str:
        pool, pages = self.v[self.v.at.pool[number]], self.v[self.v.at.pool_pages[number]]
        if pool is None:
            return "a pool of the past"
        ref = self.v[self.v.at.pool_ref[number]]
        return f"{pool.compressor} in {pool.zpool}, {ref} references, {pages} pages{', killed' * pool.killed}"


_FOLIO_FLAGS = ("dirty", "uptodate", "swapbacked", "swapcache", "writeback")
_PTE_FLAGS = ("dirty", "exclusive")


def spelled(value: Any) -> Any:
    """Return a value with one spelling, 0, for the page of zeroes."""
    return 0 if isinstance(value, bytes) and is_zero(value) else value


def _where(pte: Pte) -> str:
    if pte is EMPTY_PTE or pte == EMPTY_PTE:
        return "nowhere"
    if pte.slot:
        return "swapped out"
    if pte.poisoned:
        return "lost"
    return "zero page" if pte.zeropage else "in memory"


def _version(kernel: str) -> tuple[int, ...]:
    return tuple(map(int, kernel.split(".")))
