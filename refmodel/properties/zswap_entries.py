"""The entries of zswap: in the trees, on the LRU lists, with their objects (ZS-1 to 5, 12 to 15, 17)."""

from __future__ import annotations

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.zram_state import POOL
from refmodel.kernel.zsmalloc import header_bytes
from refmodel.kernel.zswap_entry import entry_to_nid
from refmodel.properties.index import Index
from refmodel.properties.property import state_property

NO_LRU = ("6.1",)
"""Kernels whose zswap keeps no LRU lists: there the allocator picks what is written back."""


@state_property(
    "ZS-1",
    source="mm/zswap.c zswap_stored_pages, Linux 6.12.117",
    requirements=("Z2", "B11"),
    bug="Z11",
)
def stored_pages(index: Index) -> str | None:
    """The counter stored_pages is the number of entries in the trees."""
    found, expected = index.v[index.v.at.zs.stored_pages], len(index.stored)
    if found == expected:
        return None
    return f"stored_pages is {found}; expected {expected}, the entries in the trees"


@state_property(
    "ZS-2",
    source="mm/zswap.c zswap_store(), Linux 6.12.117",
    requirements=("Z2", "B4"),
    bug="all_pages_at_first_slot",
)
def entry_knows_its_slot(index: Index) -> str | None:
    """An entry in a tree carries the number of the slot at which it stands."""
    for slot, number in index.stored:
        entry = index.entries.get(number)
        if entry is not None and entry.swpentry != slot:
            return f"zswap entry {number} at slot {slot} has swpentry {entry.swpentry}; expected {slot}"
    return None


@state_property(
    "ZS-3",
    when="step",
    source="mm/zswap.c zswap_store(), xa_store() replaces in one step, Linux 6.12.117",
    requirements=("Z2", "B10"),
    bug="one_entry_for_the_folio",
)
def one_entry_one_slot(index: Index) -> str | None:
    """A slot has at most one entry, and no entry stands at two slots."""
    if len({number for _, number in index.stored}) == len(index.stored):
        return None
    seen: dict[int, int] = {}
    for slot, number in index.stored:
        if seen.setdefault(number, slot) != slot:
            return f"zswap entry {number} stands at slots {seen[number]} and {slot}; expected one of them"
    return None


@state_property(
    "ZS-4",
    source="mm/zswap.c zswap_lru_add(), zswap_lru_del(), Linux 6.12.117",
    requirements=("Z2", "Z3"),
    bug="G2",
    not_in=NO_LRU,
)
def stored_means_listed(index: Index) -> str | None:
    """The entries on the LRU lists are the entries in the trees, each once."""
    if not index.lists and not index.stored:
        return None
    listed = sorted(number for _, _, numbers in index.lists for number in numbers)
    stored = sorted(number for _, number in index.stored)
    if listed == stored:
        return None
    return f"the LRU lists hold the zswap entries {listed}; expected {stored}, those in the trees"


@state_property(
    "ZS-5",
    source="mm/zswap.c zswap_lru_add(), mm/list_lru.c, Linux 6.12.117",
    requirements=("Z3",),
    bug="G1",
    not_in=NO_LRU,
)
def listed_at_its_node_and_cgroup(index: Index) -> str | None:
    """An entry is on the LRU list of its own node and of the cgroup that its charge lies on."""
    v, objcg = index.v, index.v.at.objcg
    for memcg, nid, numbers in index.lists:
        for number in numbers:
            entry = index.entries.get(number)
            if entry is not None and (entry_to_nid(v, entry) != nid or v[objcg[entry.objcg]] != memcg):
                expected = f"cgroup {v[objcg[entry.objcg]]}, node {entry_to_nid(v, entry)}"
                return f"zswap entry {number} is listed at cgroup {memcg}, node {nid}; expected {expected}"
    return None


@state_property(
    "ZS-12",
    source="mm/zswap.c zswap_compress(), zswap_entry_free(), Linux 6.12.117",
    requirements=("B9", "B10"),
    bug="object_left_behind",
)
def one_object_per_entry(index: Index) -> str | None:
    """The objects of a pool are those of its entries, one each; a same-filled page has none (6.1)."""
    owner: dict[int, int] = {}
    for number, entry in index.entries.items():
        if not entry.length:
            continue
        if owner.setdefault(entry.handle, number) != number:
            both = f"zswap entries {owner[entry.handle]} and {number}"
            return f"{both} share handle {entry.handle}; expected one for each"
        stored = index.objects.get(entry.handle)
        if stored is not None and stored.pool != entry.pool:
            lies = f"handle {entry.handle} of zswap entry {number} lies in pool {stored.pool}"
            return f"{lies}; expected pool {entry.pool}"
    if len(owner) == len(index.objects):
        return None
    lost = [handle for handle, stored in index.objects.items() if handle not in owner and stored.pool != POOL]
    if not lost:
        return None
    return f"handles {lost} belong to no zswap entry; expected {len(owner)} objects, one for each entry"


@state_property(
    "ZS-13",
    when="step",
    source="mm/swapfile.c swap_range_free(), Linux 6.12.117",
    requirements=("Z2", "S1"),
    bug="deaf_invalidate",
)
def free_slot_has_no_entry(index: Index) -> str | None:
    """A slot that can be handed out has no entry in a tree."""
    for slot, number in index.stored:
        entry = index.slots[slot]
        if not entry.count and not entry.cache:
            return f"slot {slot} is free and has zswap entry {number}; expected none"
    return None


@state_property(
    "ZS-14",
    source="mm/swap_slots.c free_swap_slot(), mm/zswap.c zswap_invalidate(), Linux 6.12.117",
    requirements=("Z2", "S1"),
    bug="deaf_invalidate",
    not_in=NO_LRU,
)
def entry_has_a_user(index: Index) -> str | None:
    """The slot of an entry is named by a page table or held by a folio in the swap cache."""
    for slot, number in index.stored:
        if not index.slots[slot].count and not index.swap_cache[slot]:
            return f"zswap entry {number} is at slot {slot}, which nobody uses; expected it to be gone"
    return None


@state_property(
    "ZS-28",
    source="mm/zswap.c zswap_swapoff(), Linux 6.12.117",
    requirements=("Z2", "S6"),
    bug="swapoff_without_reading",
)
def no_entry_without_device(index: Index) -> str | None:
    """While the swap device is out of use no tree has an entry."""
    if not index.stored or index.v[index.v.at.si].zswap_trees:
        return None
    slots = [slot for slot, _ in index.stored]
    return f"the device is out of use and zswap has entries for the slots {slots}; expected none"


@state_property(
    "ZS-15",
    when="step",
    source="mm/zswap.c zswap_store(), comment at zswap_lru_add(), Linux 6.12.117",
    requirements=("B8", "B12"),
    bug="pool_not_noted",
    not_in=NO_LRU,
)
def listed_entry_is_complete(index: Index) -> str | None:
    """An entry on an LRU list has its pool, handle, length and slot: writeback may start from it."""
    for _, _, numbers in index.lists:
        for number in numbers:
            entry = index.entries.get(number)
            if entry is not None and not (entry.pool and entry.handle and entry.length and entry.swpentry):
                return f"an LRU list has {entry}; expected pool, handle, length and swpentry to be set"
    return None


@state_property(
    "ZS-17",
    when="step",
    source="mm/zswap.c zswap_compress(), Linux 6.12.117 and 7.3.4",
    requirements=("Z4", "Z5"),
    bug="length_of_the_page",
)
def length_is_that_of_the_object(index: Index) -> str | None:
    """A stored page is 1 to PAGE_SIZE bytes long and its object is as large; 0 means same-filled (6.1)."""
    for _, number in index.stored:
        entry = index.entries.get(number)
        if entry is None or (not entry.length and entry.value is not None):
            continue
        stored = index.objects.get(entry.handle)
        if stored is None:
            continue
        size = stored.size - header_bytes(index.v, stored.pool)
        if entry.length != size or not 1 <= size <= PAGE_SIZE:
            found = f"zswap entry {number} has length {entry.length}, its object {size} bytes"
            return f"{found}; expected both alike, 1 to {PAGE_SIZE}"
    return None
