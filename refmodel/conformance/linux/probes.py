"""Dynamic probes in the kernel under test, and what they print as events of a trace.

Kernels with type information take function probes whose arguments have names; 6.1 takes probes on registers only,
and there a return probe has no arguments, so an entry probe ``NAME_e`` goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from refmodel.conformance.boundary import Line

if TYPE_CHECKING:
    from refmodel.conformance.linux.machine import Machine

TRACING = "/sys/kernel/tracing"
_GROUP = "refmodel"

_FOLIO = "swp=folio->swap.val flags={flags} order=folio->_flags_1"
_SCAN = "nid=sc->nid memcg=sc->memcg"
_LISTED = "lru=lru swp=-40($arg2):u64 nid=nid memcg=memcg"

_SINCE_6_12 = {
    "store": f"zswap_store%return {_FOLIO} ret=$retval",
    "load": "zswap_load%return swp=folio->swap.val ret=$retval:s32",
    "invalidate": "zswap_invalidate swp=$arg1",
    "entry_free": "zswap_entry_free swp=entry->swpentry.val len=entry->length",
    "writeback": "zswap_writeback_entry%return swp=$arg2 ret=$retval:s32",
    "shrink_memcg": "shrink_memcg%return memcg=memcg ret=$retval:s32",
    "lru_visit_e": "shrink_memcg_cb swp=-40($arg1):u64 len=-32($arg1):u32 ref=-28($arg1):u8",
    "lru_visit": "shrink_memcg_cb%return ret=$retval:s32",
    "worker_e": "shrink_worker",
    "worker": "shrink_worker%return",
    "shrinker_count": f"zswap_shrinker_count%return {_SCAN} ret=$retval",
    "shrinker_scan": f"zswap_shrinker_scan%return {_SCAN} todo=sc->nr_to_scan scanned=sc->nr_scanned ret=$retval",
    "zs_malloc": "zs_malloc%return size=size ret=$retval:s64",
    "zs_free": "zs_free handle=handle",
    "lru_add": f"list_lru_add%return {_LISTED} ret=$retval:u8",
    "lru_del": f"list_lru_del {_LISTED}",
    "lru_walk": "list_lru_walk_one%return lru=lru nid=nid memcg=memcg ret=$retval",
    "charge": "obj_cgroup_charge_zswap size=size",
    "uncharge": "obj_cgroup_uncharge_zswap size=size",
    "compress": "scomp_acomp_compress%return slen=req->slen dlen=req->dlen ret=$retval:s32",
    "decompress": "zswap_decompress swp=entry->swpentry.val len=entry->length",
    "disk_write": f"__swap_writepage {_FOLIO}",
    "swap_read": f"swap_read_folio {_FOLIO}",
}
_SINCE_6_18 = {
    **_SINCE_6_12,
    "slot_alloc": "folio_alloc_swap%return swp=folio->swap.val ret=$retval:s32",
    "swapcache_del": "__swap_cache_del_folio swp=folio->swap.val",
}
PROBES = {
    "6.1": {
        "store_e": "zswap_frontswap_store type=%di:u32 off=%si",
        "store": "zswap_frontswap_store%return ret=$retval:s32",
        "load_e": "zswap_frontswap_load type=%di:u32 off=%si",
        "load": "zswap_frontswap_load%return ret=$retval:s32",
        "invalidate": "zswap_frontswap_invalidate_page type=%di:u32 off=%si",
        "zs_malloc_e": "zs_malloc size=%si",
        "zs_malloc": "zs_malloc%return ret=$retval:s64",
        "zs_free": "zs_free handle=%si",
        "charge": "obj_cgroup_charge_zswap size=%si",
        "uncharge": "obj_cgroup_uncharge_zswap size=%si",
        "writeback": "zswap_writeback_entry%return ret=$retval:s32",
        "worker_e": "shrink_worker",
        "worker": "shrink_worker%return",
        "slot_alloc": "folio_alloc_swap%return swp=$retval",
        "swapcache_free": "swapcache_free_entries nr=%si:u32",
        "swapcache_add": "add_to_swap_cache swp=%si",
        "swapcache_del": "__delete_from_swap_cache swp=%si",
        "disk_write": "__swap_writepage",
        "swap_read": "swap_readpage",
    },
    "6.12": {
        **_SINCE_6_12,
        "slot_alloc": "folio_alloc_swap%return swp=$retval",
        "slot_free": "swap_entry_range_free swp=$arg2 nr=$arg3:u32",
        "swapcache_add": "add_to_swap_cache%return swp=$arg2 ret=$retval:s32",
        "swapcache_del": "__delete_from_swap_cache swp=$arg2",
    },
    "6.18": {**_SINCE_6_18, "slot_free": "swap_entries_free swp=$arg3 nr=$arg4:u32"},
    "7.3": {**_SINCE_6_18, "slot_free": "__swap_cluster_free_entries ci_off=$arg3:u32 nr=$arg4:u32"},
}
"""Where events come from: function and what is fetched there, by kernel and kind of event."""

_OF_LISTS = ("lru_add", "lru_del", "lru_walk")
_VISITED = ("removed", "removed_retry", "rotate", "skip", "retry", "stop")
_PRINTED = re.compile(
    r"^.+-(?P<pid>\d+)\s+\[(?P<cpu>\d+)\]\s\S+\s+[\d.]+: (?P<ev>\w+): \([^)]*\)(?P<values>.*)$"
)
_TAKEN = ("len", "size", "slen", "dlen", "nid", "ref", "nr", "ci_off", "todo", "scanned")
_LARGE = {"6.1": 16, "6.12": 6, "6.18": 6, "7.3": 6}
"""Bit of a folio's flags that says that it is large."""

_NODE_SHIFT = 54
"""Where a folio's flags have the node, with room for 1024 nodes as distributions build their kernels."""


def generation(release: str) -> str:
    """Return which set of probes fits a kernel release."""
    major, minor = (int(part) for part in re.findall(r"\d+", release)[:2])
    bounds = {"6.1": (6, 5), "6.12": (6, 14), "6.18": (6, 19)}
    return next((name for name, below in bounds.items() if (major, minor) < below), "7.3")


def install(machine: Machine) -> dict[str, bool]:
    """Define and enable all probes; return which of them the kernel took."""
    kernel = generation(machine.release)
    flags = "folio->flags" if kernel in ("6.1", "6.12") else "folio->flags.f"
    machine.need(f"put {TRACING}/buffer_size_kb 4096")
    lists = machine.ask("symbol zswap_list_lru").get("address")
    taken = {}
    for name, probe in PROBES[kernel].items():
        kind = "f" if kernel != "6.1" else "r" if "%return" in probe else "p"
        fetched = probe.format(flags=flags) if kernel != "6.1" else probe.replace("%return", "")
        lines = [f"append {TRACING}/dynamic_events {kind}:{_GROUP}/{name} {fetched}"]
        if name in _OF_LISTS and lists:
            lines.append(f"put {TRACING}/events/{_GROUP}/{name}/filter lru==0x{lists}")
        lines.append(f"put {TRACING}/events/{_GROUP}/{name}/enable 1")
        taken[name] = not any(answer["errno"] for answer in machine.ask_all(lines))
    return taken


class Normaliser:
    """Turns what probes printed into events without addresses.

    Cgroups get names and objects of the pool numbers, both in the order in which they appear.
    """

    def __init__(self, release: str) -> None:
        """Know no address."""
        self.kernel = generation(release)
        self.memcgs: dict[int, str] = {}
        self.handles: dict[int, int] = {}
        self.next_handle = 0
        self.entered: dict[tuple[str, str], dict[str, int]] = {}

    def events(self, text: str) -> Iterator[Line]:
        """Yield the events that a piece of the trace buffer holds."""
        for line in text.splitlines():
            printed = _PRINTED.match(line.strip())
            event = self.event(printed) if printed else None
            if event is not None and not _says_nothing(event):
                yield event

    def event(self, printed: re.Match[str]) -> Line | None:
        """Return the event of one line, None for the entry half of a pair."""
        found = re.findall(r"(\w+)=(-?(?:0x[0-9a-f]+|\d+))(?=\s|$)", printed["values"])
        values = {name: int(value, 0) for name, value in found}
        kind, task, cpu = printed["ev"], printed["pid"], int(printed["cpu"])
        if kind == "worker_e":
            return {"ev": "worker_start", "cpu": cpu}
        if kind.endswith("_e"):
            self.entered[task, kind[:-2]] = values
            return None
        values = {**self.entered.pop((task, kind), {}), **values}
        event = {"ev": kind, "cpu": cpu, **self.place(values)}
        event |= {name: values[name] for name in _TAKEN if name in values}
        if "memcg" in values:
            named = values["memcg"] and self.memcgs.setdefault(values["memcg"], f"m{len(self.memcgs)}")
            event["memcg"] = named or None
        return event | self.result(kind, values)

    def place(self, values: dict[str, int]) -> Line:
        """Return slot, pages and node of what an event is about."""
        found: Line = {}
        if "type" in values:
            found["swp"] = [values["type"], values["off"]]
        elif "swp" in values:
            found["swp"] = [values["swp"] >> 58, values["swp"] & ((1 << 58) - 1)]
        if "flags" in values:
            large = values["flags"] >> _LARGE[self.kernel] & 1
            found["nr"] = 1 << (values["order"] & 255) if large else 1
            found["nid"] = values["flags"] >> _NODE_SHIFT
        return found

    def result(self, kind: str, values: dict[str, int]) -> Line:
        """Return what a function returned, in the words of a trace."""
        if kind == "zs_free":
            return {"h": self.handles.pop(values["handle"] & ((1 << 64) - 1), None)}
        if "ret" not in values:
            return {}
        returned = values["ret"]
        if kind == "zs_malloc" and not -4096 < returned < 0:
            return {"ret": 0, "h": self.named_handle(returned)}
        if kind == "lru_visit":
            return {"ret": _VISITED[returned]}
        if kind in ("shrinker_scan", "shrinker_count"):
            return {"ret": {(1 << 64) - 1: "stop", (1 << 64) - 2: "empty"}.get(returned, returned)}
        if kind in ("store", "load"):
            true_is_good = self.kernel == "6.12" or (kind == "store" and self.kernel != "6.1")
            return {"ret": returned, "ok": bool(returned) if true_is_good else returned == 0}
        return {"ret": returned}

    def named_handle(self, address: int) -> int:
        """Return the number of an object that was just allocated."""
        number = self.handles[address & ((1 << 64) - 1)] = self.next_handle
        self.next_handle += 1
        return number


def _says_nothing(event: Line) -> bool:
    if event["ev"] == "swapcache_free":
        return bool(event["nr"] == 0)
    return event["ev"] == "shrinker_count" and event["ret"] in (0, "empty")
