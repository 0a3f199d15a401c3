"""Swap slots and the swap cache: counts and marks agree with what they count and mark (SD-18, 27, 33, 36)."""

from __future__ import annotations

from refmodel.kernel import memcg
from refmodel.kernel.swap_slots import slots_of
from refmodel.properties.accounting import VIRTUAL_SWAP, miscounted
from refmodel.properties.index import Index
from refmodel.properties.property import state_property


@state_property(
    "SD-33",
    source="mm/swapfile.c swap_map, Linux 6.1.192 and 6.12.117",
    requirements=("S1",),
    bug="count_kept_in_the_map",
    not_in=("6.18", *VIRTUAL_SWAP, "7.3"),
)
def map_byte_counts_users(index: Index) -> str | None:
    """A slot's count is the number of page tables that name it, and its mark says that a folio is cached.

    A freed slot in a return cache keeps the mark.  What is neither is free, and counted as free.
    """
    return _wrong_slot(index, index.parked)


@state_property(
    "SD-36",
    source="mm/swap_table.h, mm/swapfile.c, Linux 6.18.15 and 7.3.4",
    requirements=("S1",),
    bug="count_kept_in_the_table",
    not_in=("6.1", "6.12", *VIRTUAL_SWAP),
)
def table_word_counts_users(index: Index) -> str | None:
    """A slot's count is the number of page tables that name it, and its word is a folio iff one is cached.

    What is neither is free, and counted as free.
    """
    return _wrong_slot(index, [])


def _wrong_slot(index: Index, parked: list[int]) -> str | None:
    named: dict[int, int] = {}
    for _, pte, _ in index.pages:
        if pte.slot:
            named[pte.slot] = named.get(pte.slot, 0) + 1
    for slot in index.used:
        entry, expected = index.slots[slot], named.pop(slot, 0)
        if entry.count != expected:
            return f"slot {slot} has count {entry.count}; expected {expected}, the page tables that name it"
        if entry.cache != bool(index.swap_cache[slot] or slot in parked):
            return f"slot {slot} has mark {entry.cache}; expected it to say whether a folio is cached"
    if named:
        return f"slots {list(named)} are named by page tables and free; expected a count for each"
    si = index.v[index.v.at.si]
    if si.free == si.size - len(index.used):
        return None
    return f"{si.free} slots count as free; expected {si.size - len(index.used)} of {si.size}"


@state_property(
    "SD-18",
    source="mm/swap_state.c add_to_swap_cache(), Linux 6.12.117",
    requirements=("S1",),
    bug="tail_left_in_the_cache",
)
def cached_folio_has_its_slots(index: Index) -> str | None:
    """A folio in the swap cache holds consecutive slots, one for each page, and no folio else holds any."""
    held = 0
    for number, folio in index.folios.items():
        if folio.swapcache:
            held += len(folio.contents)
            found = [index.swap_cache[slot] for slot in slots_of(folio)]
            if found.count(number) != len(found):
                slots = f"slots {folio.swap} to {folio.swap + len(found) - 1}"
                return f"{slots} of folio {number} hold the folios {found}; expected {number} at each"
    cached = len(index.swap_cache) - index.swap_cache.count(0)
    if cached == held:
        return None
    return f"{cached} slots hold a folio; expected {held}, the pages of cached folios"


@state_property(
    "SD-27",
    source="mm/swap_state.c NR_SWAPCACHE, Linux 6.12.117",
    requirements=("Z7",),
    bug="swapcached_kept",
)
def nr_swapcached(index: Index) -> str | None:
    """The counter nr_swapcached is the pages in the swap cache, and a cgroup's are those of its folios."""
    v = index.v
    pages: dict[int, int] = {}
    for folio in index.folios.values():
        if folio.swapcache:
            group = memcg.folio_memcg(v, folio)
            pages[group] = pages.get(group, 0) + len(folio.contents)
    found, expected = v[v.at.vm.nr_swapcached], sum(pages.values())
    if found != expected:
        return f"nr_swapcached is {found}; expected {expected}, the pages in the swap cache"
    for group, counters in enumerate(v.at.mc):
        if v[counters.swapcached] != pages.get(group, 0):
            return miscounted(v, "swapcached", pages)
    return None


@state_property(
    "AVAILABLE",
    source="mm/swapfile.c swap_avail_heads, get_swap_pages(), Linux 6.12.117",
    requirements=("S6",),
    bug="stays_on_the_list",
)
def available_means_usable(index: Index) -> str | None:
    """The swap device is on the list of available devices iff it may be written to and has a free slot."""
    v = index.v
    si = v[v.at.si]
    if v[v.at.avail_list] == (si.on and si.free > 0):
        return None
    on = "on" if v[v.at.avail_list] else "not on"
    may = "may" if si.on else "may not"
    return f"the swap device is {on} the list of available devices; it {may} be written to and has {si.free} free slots"
