"""What must stand in the events of one command (ZS-16, 20 to 23, 29, 30).

The events are those that a tracer of the kernel sees.  One command runs alone, so what one function
does stands side by side.
"""

from __future__ import annotations

import errno

from refmodel.kernel.table import KernelView
from refmodel.machine import Event
from refmodel.properties.accounting import VIRTUAL_SWAP
from refmodel.properties.property import history_property
from refmodel.properties.zswap_entries import NO_LRU


def _covered(fields: dict[str, int]) -> range:
    """Return the slots of a store or a disk write."""
    return range(fields["swp"], fields["swp"] + fields["nr"])


@history_property(
    "ZS-16",
    source="mm/zswap.c zswap_store(), zswap_entry_free(), Linux 6.12.117",
    requirements=("B12", "Z2"),
    bug="Z06",
    not_in=NO_LRU,
)
def publish_and_unpublish_in_order(events: list[Event], v: KernelView) -> str | None:
    """An entry goes on its LRU list after its charge, and goes off it before its object and its charge.

    The list is found through the owner, so the owner's charge is taken back last.
    """
    before = ""
    for name, fields in events:
        expected = _PREDECESSORS.get(name, ())
        if expected and before not in expected and not (name == "lru_add" and not fields["memcg"]):
            what = f"{name} of slot {fields['swp']}" if "swp" in fields else name
            return f"{what} comes after {before or 'nothing'}; expected it right after {expected[0]}"
        before = name
    return None


_PREDECESSORS = {"lru_add": ("charge",), "lru_del": ("entry_free",), "uncharge": ("zs_free", "lru_del")}
"""What stands right before an event.

Pages of the root cgroup are stored without a charge, and objects of zbud are freed without an event.
"""


@history_property(
    "ZS-20",
    source="mm/zswap.c zswap_store(), Linux 6.12.117 and 7.3.4",
    requirements=("Z1", "B9"),
    bug="Z03",
)
def failed_store_leaves_nothing(events: list[Event], v: KernelView) -> str | None:
    """After a store that failed no slot of its folio has an entry: newer bytes are elsewhere."""
    last: dict[int, bool] = {}
    for name, fields in events:
        if name == "store":
            last.update(dict.fromkeys(_covered(fields), bool(fields["ok"])))
    for slot, ok in last.items():
        if not ok and v[v.at.tree[slot]]:
            return f"slot {slot} has zswap entry {v[v.at.tree[slot]]} after a failed store; expected none"
    return None


@history_property(
    "ZS-21",
    source="mm/zswap.c zswap_load(), zswap_writeback_entry(), Linux 6.12.117 and 7.3.4",
    requirements=("Z2",),
    bug="load_keeps_the_entry",
    not_in=NO_LRU,
)
def one_copy_after_load(events: list[Event], v: KernelView) -> str | None:
    """After a load into the swap cache, and after a writeback, the folio is the only copy.

    The slot has no entry then; a folio that was loaded is dirty.
    """
    last: dict[int, str] = {}
    for name, fields in events:
        if name == "store":
            last.update(dict.fromkeys(_covered(fields), name))
        elif (name == "load" and fields["ok"]) or (name == "writeback" and fields["ret"] == 0):
            last[fields["swp"]] = name
    for slot, name in last.items():
        folio = v[v.at.folio[v[v.at.swap_cache[slot]]]]
        if name == "store" or folio is None or not folio.uptodate:
            continue
        if v[v.at.tree[slot]]:
            return f"slot {slot} has zswap entry {v[v.at.tree[slot]]} after a {name}; expected no entry"
        if name == "load" and not folio.dirty:
            return f"folio {v[v.at.swap_cache[slot]]} of slot {slot} is clean after a load; expected it dirty"
    return None


@history_property(
    "ZS-22",
    source="mm/zswap.c zswap_writeback_entry(), Linux 7.3.4",
    requirements=("Z2", "S4"),
    bug="failed_writeback_keeps_folio",
)
def failed_writeback_changes_nothing(events: list[Event], v: KernelView) -> str | None:
    """A writeback that failed has left no folio of its own in the swap cache, and has freed no entry."""
    claimed: set[int] = set()
    freed: set[int] = set()
    for name, fields in events:
        if name == "swapcache_add" and fields["ret"] == 0:
            claimed.add(fields["swp"])
            freed.discard(fields["swp"])
        elif name == "swapcache_del":
            claimed.discard(fields["swp"])
        elif name == "entry_free":
            freed.add(fields["swp"])
        elif name == "writeback" and fields["ret"] == 0:  # perhaps of reclaim inside another writeback
            claimed.discard(fields["swp"])
            freed.discard(fields["swp"])
        elif name == "writeback" and fields["ret"] != -errno.EEXIST:
            if fields["swp"] in claimed:
                return f"the failed writeback of slot {fields['swp']} left its folio cached; expected none"
            if fields["swp"] in freed:
                return f"the failed writeback of slot {fields['swp']} freed the entry; expected it kept"
    return None


@history_property(
    "ZS-23",
    source="mm/zswap.c shrink_memcg_cb(), Linux 6.12.117",
    requirements=("Z2",),
    bug="no_second_chance",
    not_in=NO_LRU,
)
def second_chance(events: list[Event], v: KernelView) -> str | None:
    """A visit that finds an entry referenced takes the mark away and leaves the entry alone."""
    for name, fields in events:
        if name == "lru_visit" and fields["ref"] and fields["ret"] != "rotate":
            found = f"the visit of slot {fields['swp']}, referenced, ended with {fields['ret']}"
            return f"{found}; expected rotate"
    return None


@history_property(
    "ZS-29",
    source="mm/zswap.c, Linux 6.12.117",
    requirements=("B9", "B10"),
    bug="B03",
    not_in=(*NO_LRU, *VIRTUAL_SWAP),
)
def entries_come_and_go_with_a_reason(events: list[Event], v: KernelView) -> str | None:
    """Entries come with a store that succeeds, one a page, and go in one of five ways.

    They are loaded, written back, invalidated, replaced by a newer one, or erased by a store that fails.
    """
    added: set[int] = set()
    freed: set[int] = set()
    invalidated = 0
    for name, fields in events:
        if name == "lru_add":
            added.add(fields["swp"])
        elif name == "entry_free":
            added.discard(fields["swp"])
            if fields["swp"] != invalidated:
                freed.add(fields["swp"])
        elif name == "store":
            slots = _covered(fields)
            wrong = [slot for slot in slots if (slot in added) != fields["ok"]]
            if wrong:
                outcome = "succeeded" if fields["ok"] else "failed"
                return f"the store of slot {fields['swp']} {outcome}, but not at {wrong}; expected all alike"
            added.difference_update(slots)
            freed.difference_update(slots)
        elif (name == "load" and fields["ok"]) or (name == "writeback" and fields["ret"] == 0):
            freed.discard(fields["swp"])
        invalidated = fields["swp"] if name == "invalidate" else 0
    if freed:
        return f"the entries of slots {sorted(freed)} went without load, writeback, invalidation or store"
    return None


@history_property(
    "ZS-30",
    source="mm/zswap.c zswap_writeback_entry(), Linux 6.12.117",
    requirements=("Z7", "S4"),
    bug="counted_and_not_written",
    not_in=NO_LRU,
)
def writeback_writes_once(events: list[Event], v: KernelView) -> str | None:
    """Every page that is written back goes to the device exactly once."""
    written: dict[int, int] = {}
    for name, fields in events:
        if name == "swapcache_add":
            written[fields["swp"]] = 0
        elif name == "disk_write":
            for slot in _covered(fields):
                written[slot] = written.get(slot, 0) + 1
        elif name == "writeback" and fields["ret"] == 0 and written.get(fields["swp"], 0) != 1:
            times = written.get(fields["swp"], 0)
            return f"slot {fields['swp']}, written back, went to the device {times} times; expected once"
    return None
