"""Descriptors of virtual swap: one type each, and every link agrees with its other end (SD-1 to SD-30).

The sentences speak of states at rest.  What an operation does on the way, what only concurrent actors could
break, and what follows from the sentences here is listed in ``UNCHECKED`` with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from refmodel.kernel.state import FREE_SLOT
from refmodel.kernel.vswap_state import NO_ENTRY, VswapCluster, allocated_entries
from refmodel.properties.index import Index, row
from refmodel.properties.property import state_property

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

RELEASES = ("6.1", "6.12", "6.18", "7.3")
"""Kernels without virtual swap."""

UNCHECKED = {
    "SD-4": "speaks of concurrent actors; a single one never meets a pin that is not its own",
    "SD-7": "speaks of what changes during a step; test_vswap_transitions watches every step for it",
    "SD-9": "speaks of a change; what it would leave behind breaks SD-10",
    "SD-12": "freeing a slot twice raises LookupError in the model; the charges are SD-26",
    "SD-19": "speaks of a change; a count that a backing's change disturbed breaks SD-23",
    "SD-20": "follows from SD-1, a descriptor with a slot is of type S, and SD-6",
    "SD-22": "speaks of failed operations; test_vswap_failures compares the states before and after each",
    "SD-24": "speaks of arguments; test_vswap_free watches them, and the model swaps in single pages only",
    "SD-28": "speaks of the moment when a folio was written; test_vswap_transitions looks at it",
    "SD-31": "speaks of reclaim's choice of pages, which the model leaves to its environment",
    "SD-32": "arithmetic of sizes, not of states: refmodel.report.overhead.net_gain",
}
"""Sentences of the specification without a property here, and why.  SD-18 and SD-27 hold for all kernels."""


def clusters(v: KernelView) -> Iterator[tuple[int, VswapCluster]]:
    """Yield the clusters that are in the map, with their numbers."""
    for number, cluster in enumerate(row(v, v.at.vswap.cluster)):
        if cluster is not None:
            yield number, cluster


def slots_of_entries(v: KernelView) -> dict[int, int]:
    """Return the physical slot of each virtual entry that has one, by entry."""
    slots = row(v, v.at.vswap.physical)
    return {entry: slot for entry, slot in enumerate(slots) if slot} if any(slots) else {}


def is_of_type_folio(v: KernelView, entry: int) -> bool:
    """Whether nothing but a folio backs an entry."""
    at = v.at
    return not (v[at.vswap.physical[entry]] or v[at.zeromap[entry]] or v[at.tree[entry]])


# --- one descriptor ---------------------------------------------------------------------------------------


@state_property(
    "SD-1",
    when="step",
    source="mm/vswap.c struct swp_desc, Virtual Swap Space v6",
    requirements=("S1",),
    bug="slot_kept_when_stored",
    not_in=RELEASES,
)
def one_type(index: Index) -> str | None:
    """A descriptor has exactly one type: a physical slot, a zero mark, a zswap entry, or only a folio.

    An entry without a descriptor has none of them.
    """
    v = index.v
    zeroes = row(v, v.at.zeromap)
    marked = [entry for entry, zero in enumerate(zeroes) if zero] if any(zeroes) else []
    typed = [*slots_of_entries(v), *marked, *(entry for entry, _ in index.stored)]
    allocated = set(allocated_entries(v))
    if len(set(typed)) == len(typed) and allocated.issuperset(typed):
        return None
    entry = next(entry for entry in typed if typed.count(entry) > 1 or entry not in allocated)
    slot, stored = v[v.at.vswap.physical[entry]], v[v.at.tree[entry]]
    found = f"entry {entry} has slot {slot}, zero mark {zeroes[entry]} and zswap entry {stored}"
    expected = "one of them" if entry in allocated else "none of them without a descriptor"
    return f"{found}; expected {expected}"


@state_property(
    "SD-2",
    source="mm/vswap.c swap_entry_alloced(), vswap_free_nr(), Virtual Swap Space v6",
    requirements=("S1", "S2"),
    bug="bits_kept",
    not_in=RELEASES,
)
def descriptor_is_in_use(index: Index) -> str | None:
    """An entry has a descriptor iff a page table names it or the swap cache pins it."""
    allocated = list(allocated_entries(index.v))
    for entry in allocated:
        slot = index.slots[entry]
        if not slot.count and not slot.cache:
            return f"entry {entry} has a descriptor and nobody uses it; expected it to be free"
    if len(index.used) == len(allocated):
        return None
    lost = [entry for entry in index.used if entry not in allocated]
    return f"entries {lost} are {FREE_SLOT} no more and have no descriptor; expected one for each"


@state_property(
    "SD-3",
    source="mm/vswap.c swapcache_prepare(), swap_cache_del_folio(), Virtual Swap Space v6",
    requirements=("S1",),
    bug="pin_kept_on_back_out",
    not_in=RELEASES,
)
def pin_means_folio(index: Index) -> str | None:
    """An entry is pinned by the swap cache iff a folio in the swap cache holds it."""
    for entry in index.used:
        number, pinned = index.swap_cache[entry], index.slots[entry].cache
        folio = index.folios.get(number)
        holds = folio is not None and folio.swapcache and entry - folio.swap in range(len(folio.contents))
        if pinned != holds:
            return (
                f"entry {entry} has pin {pinned} and folio {number}, {folio}; expected a pin iff it is held"
            )
    return None


@state_property(
    "SD-8",
    source="mm/vswap.c, mm/zswap.c zswap_load(), Virtual Swap Space v6",
    requirements=("S1",),
    bug="clean_after_load",
    not_in=RELEASES,
)
def only_copy_is_dirty(index: Index) -> str | None:
    """A folio that alone backs an entry which a page table names is dirty, so it cannot be dropped."""
    for entry in index.used:
        folio = index.folios.get(index.swap_cache[entry])
        if folio is None or folio.dirty or not index.slots[entry].count:
            continue
        if is_of_type_folio(index.v, entry):
            return (
                f"folio {index.swap_cache[entry]} is clean and alone backs entry {entry}; expected it dirty"
            )
    return None


@state_property(
    "SD-10",
    source="mm/vswap.c vswap_can_swapin_thp(), mm/swap_state.c, Virtual Swap Space v6",
    requirements=("S1",),
    bug="dropped_unwritten",
    not_in=RELEASES,
)
def named_entry_has_its_bytes(index: Index) -> str | None:
    """An entry that a page table names and that no folio holds has a slot, a zero mark or a zswap entry."""
    for entry in index.used:
        if index.slots[entry].count and not index.swap_cache[entry] and is_of_type_folio(index.v, entry):
            return (
                f"entry {entry} is named by a page table and backed by nothing; expected its bytes somewhere"
            )
    return None


@state_property(
    "SD-23",
    source="mm/vswap.c swap_duplicate_nr(), swap_free_nr(), Virtual Swap Space v6",
    requirements=("S1",),
    bug="count_not_dropped",
    not_in=RELEASES,
)
def count_is_named(index: Index) -> str | None:
    """An entry's count is the number of page tables that name it."""
    named: dict[int, int] = {}
    for _, pte, _ in index.pages:
        if pte.slot:
            named[pte.slot] = named.get(pte.slot, 0) + 1
    for entry in {**dict.fromkeys(index.used), **named}:
        found, expected = index.slots[entry].count, named.get(entry, 0)
        if found != expected:
            return f"entry {entry} has count {found}; expected {expected}, the page tables that name it"
    return None


@state_property(
    "SD-29",
    source="mm/page_io.c swap_writeout(), mm/zswap.c zswap_load(), Virtual Swap Space v6",
    requirements=("S1",),
    bug="copy_kept_on_load",
    not_in=RELEASES,
)
def no_stale_copy(index: Index) -> str | None:
    """No zswap copy stands beside newer bytes: a folio that is cached over a stored entry is clean."""
    for entry, number in index.stored:
        folio = index.folios.get(index.swap_cache[entry])
        if folio is not None and folio.dirty:
            both = f"entry {entry} has zswap entry {number} and the dirty folio {index.swap_cache[entry]}"
            return f"{both}; expected one of them"
    return None


# --- descriptors and what they name -----------------------------------------------------------------------


@state_property(
    "SD-5",
    source="mm/vswap.c vswap_alloc_swap_slot(), Virtual Swap Space v6",
    requirements=("S1", "S7"),
    bug="rmap_not_set",
    not_in=RELEASES,
)
def reverse_map_agrees(index: Index) -> str | None:
    """The reverse map of a physical slot names the entry that has the slot, and none for any other slot."""
    v = index.v
    words = enumerate(row(v, v.at.vswap.rmap))
    found = {slot: word.entry for slot, word in words if word is not NO_ENTRY and word.entry}
    expected = {slot: entry for entry, slot in slots_of_entries(v).items()}
    return None if found == expected else f"the reverse map is {found}; expected {expected}, entries by slot"


@state_property(
    "SD-6",
    source="mm/swapfile.c, mm/vswap.c vswap_alloc_swap_slot(), Virtual Swap Space v6",
    requirements=("S3", "S4"),
    bug="slot_kept_on_refused_charge",
    not_in=RELEASES,
)
def slot_has_one_owner(index: Index) -> str | None:
    """A physical slot is handed out iff exactly one descriptor has it, and the others count as free."""
    v = index.v
    owned = sorted(slots_of_entries(v).values())
    handed = v[v.at.vswap.allocated]
    if handed != sum(1 << slot for slot in owned) + 1:
        found = [slot for slot in range(1, len(v.at.device)) if handed >> slot & 1]
        return f"slots {found} are handed out; expected {owned}, those that descriptors have"
    si = v[v.at.si]
    if si.free == si.size - len(owned):
        return None
    return f"{si.free} slots count as free; expected {si.size - len(owned)} of {si.size}"


@state_property(
    "SD-11",
    source="mm/zswap.c zswap_writeback_entry(), Virtual Swap Space v6",
    requirements=("S1", "S4"),
    bug="entry_not_stored_back",
    not_in=RELEASES,
)
def zswap_entry_has_one_owner(index: Index) -> str | None:
    """Each zswap entry belongs to exactly one descriptor."""
    owned = sorted(number for _, number in index.stored)
    if owned == sorted(index.entries):
        return None
    return f"zswap entries {sorted(index.entries)} exist and descriptors have {owned}; expected each once"


@state_property(
    "SD-21",
    source="mm/swapfile.c try_to_unuse(), Virtual Swap Space v6",
    requirements=("S6",),
    bug="swapoff_without_looking",
    not_in=RELEASES,
)
def no_slot_without_device(index: Index) -> str | None:
    """While the device is out of use no descriptor has a slot of it."""
    v = index.v
    left = slots_of_entries(v)
    if v[v.at.si].on or not left:
        return None
    return f"the device is out of use and entries {list(left)} have slots of it; expected none"


@state_property(
    "SD-30",
    source="mm/swap_table.h, mm/vswap.c, Virtual Swap Space v6",
    requirements=("S1",),
    bug="mark_kept_when_named",
    not_in=RELEASES,
)
def mark_means_nobody_names_it(index: Index) -> str | None:
    """A slot whose reverse map says "cache only" has an entry that no page table names and a folio holds."""
    v = index.v
    for slot, word in enumerate(row(v, v.at.vswap.rmap)):
        if word is not NO_ENTRY and word.cache_only:
            entry = index.slots[word.entry]
            if entry.count or not entry.cache:
                return f"slot {slot} of entry {word.entry} is marked cache only; expected no mark on {entry}"
    return None


# --- clusters -----------------------------------------------------------------------------------------------


@state_property(
    "SD-13",
    source="mm/vswap.c struct vswap_cluster, vswap_used, Virtual Swap Space v6",
    requirements=("S2", "S8"),
    bug="used_kept",
    not_in=RELEASES,
)
def counts_are_counted(index: Index) -> str | None:
    """A cluster's count is the bits in its bitmap, and the counter vswap_used is their sum."""
    v = index.v
    total = 0
    for number, cluster in clusters(v):
        bits = cluster.bitmap.bit_count()
        total += bits
        if cluster.count != bits:
            return f"cluster {number} has count {cluster.count}; expected {bits}, the bits of its bitmap"
    used = v[v.at.vswap.used]
    return None if used == total else f"vswap used is {used}; expected {total}, the entries with a descriptor"


@state_property(
    "SD-14",
    source="mm/vswap.c vswap_cluster_put(), Virtual Swap Space v6",
    requirements=("S2",),
    bug="pin_leaked",
    not_in=RELEASES,
)
def references_are_held(index: Index) -> str | None:
    """A cluster in the map has a reference for each entry and one for being cached, and at least one."""
    for number, cluster in clusters(index.v):
        expected = cluster.count + cluster.cached
        if cluster.refs != expected or not expected:
            return f"cluster {number} has {cluster.refs} references; expected {expected} and at least one"
    return None


@state_property(
    "SD-15",
    source="mm/vswap.c struct percpu_vswap_cluster, Virtual Swap Space v6",
    requirements=("S2",),
    bug="cached_kept_offline",
    not_in=RELEASES,
)
def cached_by_one_cpu(index: Index) -> str | None:
    """A cluster is marked cached iff exactly one CPU has reserved it, for the cluster's order."""
    v = index.v
    reserved: dict[int, list[int]] = {}
    for cpu in v.at.vswap.cpu_cluster:
        for order, number in enumerate(row(v, cpu)):
            if number is not None:
                reserved.setdefault(number, []).append(order)
    for number, cluster in clusters(v):
        orders = reserved.pop(number, [])
        if orders != [cluster.order] * cluster.cached:
            marked = f"cluster {number} of order {cluster.order} is marked cached: {cluster.cached}"
            return f"{marked}, and reserved for the orders {orders}; expected both or neither"
    if not reserved:
        return None
    return f"clusters {list(reserved)} are reserved and not in the map; expected live ones"


@state_property(
    "SD-16",
    source="mm/vswap.c, Virtual Swap Space v6",
    requirements=("S2",),
    bug="cached_and_listed",
    not_in=RELEASES,
)
def listed_clusters_have_room(index: Index) -> str | None:
    """A cluster on a partial list is listed once, at its order, not cached, not full, with room by count."""
    v = index.v
    live = dict(clusters(v))
    for order, listed in enumerate(row(v, v.at.vswap.partial)):
        for number in listed:
            cluster = live.pop(number, None)
            if cluster is None:
                return f"partial list {order} names cluster {number} twice, or it is not in the map"
            room = cluster.count + (1 << order) <= v.cfg.sizes.vswap_cluster_size
            if cluster.order != order or cluster.cached or cluster.full or not room:
                return f"partial list {order} names cluster {number}, {cluster}; expected one that has room"
    return None


@state_property(
    "SD-17",
    source="mm/vswap.c vswap_alloc_from_cluster(), Virtual Swap Space v6",
    requirements=("S1", "S2"),
    bug="entry_zero_handed_out",
    not_in=RELEASES,
)
def runs_are_aligned(index: Index) -> str | None:
    """A folio's entries begin at a multiple of its size and lie in one cluster of its order or above.

    Entry 0 has no descriptor, and cluster 0 serves no folio that would fill it.
    """
    v = index.v
    size = v.cfg.sizes.vswap_cluster_size
    for number, folio in index.folios.items():
        nr = len(folio.contents)
        if folio.swapcache:
            cluster = v[v.at.vswap.cluster[folio.swap // size]]
            if cluster is None or folio.swap % nr or 1 << cluster.order < nr:
                run = f"folio {number} of {nr} pages has entry {folio.swap} of {cluster}"
                return f"{run}; expected an aligned run"
    first = v[v.at.vswap.cluster[0]]
    if first is not None and (first.bitmap & 1 or 1 << first.order == size):
        return f"cluster 0 is {first}; expected entry 0 free and a smaller order"
    return None


# --- memory cgroups -----------------------------------------------------------------------------------------


@state_property(
    "SD-25",
    source="mm/vswap.c folio_alloc_swap(), vswap_free_nr(), Virtual Swap Space v6",
    requirements=("S2",),
    bug="ids_kept_on_failure",
    not_in=RELEASES,
)
def ids_are_held(index: Index) -> str | None:
    """A cgroup's id has one reference for each descriptor in which it is recorded."""
    v = index.v
    recorded = [index.slots[entry].memcg for entry in index.used]
    for group, found in enumerate(row(v, v.at.vswap.id_refs)):
        if found != recorded.count(group):
            expected = f"{recorded.count(group)}, the descriptors that record it"
            return f"the id of cgroup {group} has {found} references; expected {expected}"
    return None


@state_property(
    "SD-26",
    source="mm/memcontrol.c, mm/vswap.c vswap_alloc_swap_slot(), Virtual Swap Space v6",
    requirements=("S3", "S4"),
    bug="charged_for_an_entry",
    not_in=RELEASES,
)
def only_slots_are_charged(index: Index) -> str | None:
    """A cgroup's swap usage is its descriptors with a physical slot; zswap and zero pages are not charged."""
    v = index.v
    owners = [index.slots[entry].memcg for entry in slots_of_entries(v)]
    for group, counters in enumerate(v.at.mc):
        found, expected = v[counters.swap], owners.count(group) if group else 0
        if found != expected:
            return f"swap usage of cgroup {group} is {found}; expected {expected}, its physical slots"
    return None
