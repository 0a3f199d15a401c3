"""References: what is named exists, and what exists is named."""

from __future__ import annotations

from refmodel.properties.index import Index
from refmodel.properties.property import state_property


@state_property(
    "LIVE",
    when="step",
    source="mm/zswap.c zswap_entry_free(), Linux 6.12.117: what is unlinked first is freed last",
    requirements=("Z2", "B9"),
    bug="B02",
)
def what_is_named_exists(index: Index) -> str | None:
    """Whatever a tree, an LRU list, a published entry, a page table or the swap cache names exists.

    A run in which a step reaches for something that was released breaks this property too: the model
    raises LookupError there.
    """
    entries, v = index.entries, index.v
    for slot, number in index.stored:
        entry = entries.get(number)
        if entry is None:
            return f"the tree names zswap entry {number} at slot {slot}, which was freed; expected a live one"
        if entry.handle and entry.handle not in index.objects:
            return f"zswap entry {number} names handle {entry.handle}, which was freed; expected a live one"
        if entry.pool and v[v.at.pool[entry.pool]] is None:
            return f"zswap entry {number} names pool {entry.pool}, which was destroyed; expected a live one"
    for memcg, nid, listed in index.lists:
        for number in listed:
            if number not in entries:
                where = f"the LRU list of cgroup {memcg} on node {nid}"
                return f"{where} names zswap entry {number}, which was freed; expected live ones"
    for number, pte, _ in index.pages:
        if pte.folio and pte.folio not in index.folios:
            return f"{index.page_name(number)} maps folio {pte.folio}, which was freed; expected a live one"
    for slot in index.used:
        cached = index.swap_cache[slot]
        if cached and cached not in index.folios:
            return f"the swap cache names folio {cached} at slot {slot}, which was freed; expected a live one"
    return None


@state_property(
    "FOLIO",
    source="mm/swap_state.c, mm/rmap.c, Linux 6.12.117",
    requirements=("Z2",),
    bug="Z02",
)
def every_folio_is_in_use(index: Index) -> str | None:
    """Every folio is unlocked, mapped by exactly the page-table entries of its rmap, and mapped or cached.

    A folio that waits in a queue of kcompressd is excepted: it may be locked.
    """
    mapped: dict[int, tuple[int, ...]] = {}
    first = index.v.at.pte[0][0]
    for number, pte, _ in index.pages:
        if pte.folio:
            mapped[pte.folio] = (*mapped.get(pte.folio, ()), first + number)
    for number, folio in index.folios.items():
        if folio.locked and number not in index.queued:
            return f"folio {number} is locked although nothing is under way; expected it unlocked"
        if folio.rmap != mapped.get(number, ()):
            return f"folio {number} has rmap {folio.rmap}; expected {mapped.get(number, ())}, what maps it"
        if not folio.rmap and not folio.swapcache:
            return f"folio {number} is neither mapped nor in the swap cache; expected it to be freed"
    return None
