"""What is counted and charged for the stored pages (ZS-8 to 11, 32, swap charges)."""

from __future__ import annotations

from refmodel.kernel import memcg
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.table import KernelView
from refmodel.properties.index import Index
from refmodel.properties.property import state_property

VIRTUAL_SWAP = ("6.19",)
"""Kernels whose page tables name virtual entries: ``descriptors`` has the properties of those."""


@state_property(
    "ZS-8",
    source="mm/memcontrol.c obj_cgroup_charge_zswap(), Linux 6.12.117 and 7.3.4",
    requirements=("B11",),
    bug="Z11",
)
def zswap_charges(index: Index) -> str | None:
    """An online cgroup's zswap and zswapped are bytes and number of the entries charged in its subtree.

    So is its zswap_incomp, where the kernel counts that: of those as long as a page.
    """
    v = index.v
    size: dict[int, int] = {}
    pages: dict[int, int] = {}
    raw: dict[int, int] = {}
    for entry in index.entries.values():
        if entry.objcg:
            group = v[v.at.objcg[entry.objcg]]
            size[group] = size.get(group, 0) + entry.length
            pages[group] = pages.get(group, 0) + 1
            if entry.length == PAGE_SIZE and v.cfg.options.memcg_counts_incompressible:
                raw[group] = raw.get(group, 0) + 1
    for group, own in enumerate(v.at.mc):
        found = v[own.zswap], v[own.zswapped], v[own.zswap_incomp]
        if found != (size.get(group, 0), pages.get(group, 0), raw.get(group, 0)):
            wrong = (
                miscounted(v, n, e) for n, e in (("zswap", size), ("zswapped", pages), ("zswap_incomp", raw))
            )
            return next((each for each in wrong if each is not None), None)
    return None


def miscounted(v: KernelView, name: str, expected: dict[int, int]) -> str | None:
    """Return the first online cgroup whose counter, summed over its subtree, is wrong.

    name: field of ``MemcgCounters``.  expected: the right value of each cgroup by itself, 0 where it is missing.
    A dead cgroup's own counters stay as they were, so only the sums of the living can be compared.
    """
    for group, place in enumerate(v.at.memcg):
        members = memcg.subtree(v, group) if v[place].online else []
        found, right = memcg.stat(v, group, name), sum(expected.get(m, 0) for m in members)
        if members and found != right:
            return f"{name} of cgroup {group} is {found}; expected {right}, what it has"
    return None


@state_property(
    "ZS-9",
    source="mm/zswap.c zswap_stored_incompressible_pages, Linux 7.3.4",
    requirements=("Z5", "B11"),
    bug="incompressible_forgotten",
    not_in=("6.1", "6.12"),
)
def incompressible_pages(index: Index) -> str | None:
    """The counter stored_incompressible_pages is the number of entries as long as a page, where those are raw."""
    found, raw = index.v[index.v.at.zs.stored_incompressible_pages], index.v.cfg.options.raw_pages
    expected = sum([raw and entry.length == PAGE_SIZE for entry in index.entries.values()])
    if found == expected:
        return None
    return f"stored_incompressible_pages is {found}; expected {expected}, the entries as long as a page"


@state_property(
    "ZS-10",
    source="mm/zswap.c zswap_pool_get(), zswap_pool_put(), Linux 6.12.117",
    requirements=("B11",),
    bug="Z08",
)
def pool_references(index: Index) -> str | None:
    """A pool has a reference for being current, one for each entry, and one for a queued shrink (6.1)."""
    v = index.v
    users: dict[int, int] = {}
    for entry in index.entries.values():
        users[entry.pool] = users.get(entry.pool, 0) + 1
    queued = v[v.at.shrink_work].pools
    for number in v[v.at.pool_list]:
        pool = v[v.at.pool[number]]
        if pool is None:
            continue
        expected = users.get(number, 0) + (not pool.killed) + (number in queued)
        found = v[v.at.pool_ref[number]]
        if found != expected:
            state = "killed" if pool.killed else "current"
            return f"pool {number}, {state}, has {found} references; expected {expected}"
    return None


@state_property(
    "ZS-11",
    source="mm/zswap.c zswap_pools, __zswap_param_set(), Linux 6.12.117",
    requirements=("Z1",),
    bug="pool_not_noted",
)
def pools_of_entries_are_listed(index: Index) -> str | None:
    """The pool of every stored page is on the list of pools, whose head alone is current.

    A pool whose creation came to nothing because its parameter could not be written is never current.
    """
    v = index.v
    listed, current = v[v.at.pool_list], v[v.at.zswap].has_pool
    for at, number in enumerate(listed):
        pool = v[v.at.pool[number]]
        if pool is None or pool.killed == (at == 0 and current):
            return f"number {at} of the pool list is {pool}; expected the head current and the others killed"
    for _, entry_number in index.stored:
        entry = index.entries.get(entry_number)
        if entry is not None and entry.length and entry.pool not in listed:
            return f"zswap entry {entry_number} is in pool {entry.pool}; expected one of {list(listed)}"
    return None


@state_property(
    "ZS-32",
    when="step",
    source="mm/zswap.c zswap_total_pages(), mm/zsmalloc.c zs_get_total_pages(), Linux 6.12.117",
    requirements=("Z1",),
    bug="pages_for_nothing",
)
def pools_are_large_enough(index: Index) -> str | None:
    """The pages of all pools together have room for the bytes that are stored."""
    v = index.v
    if not index.objects:
        return None
    stored = sum(record.size for record in index.objects.values())
    pages = sum(v[place] for place in v.at.pool_pages)
    if stored <= pages * PAGE_SIZE:
        return None
    return f"the pools have {pages} pages for {stored} bytes; expected {-(-stored // PAGE_SIZE)} or more"


@state_property(
    "SD-12",
    source="mm/memcontrol.c __mem_cgroup_try_charge_swap(), __mem_cgroup_uncharge_swap(), Linux 6.12.117",
    requirements=("S1", "S8"),
    bug="S11",
    not_in=VIRTUAL_SWAP,
)
def swap_charges(index: Index) -> str | None:
    """A cgroup's swap usage is the number of slots that are recorded with it."""
    v = index.v
    recorded: dict[int, int] = {}
    for slot in index.used:
        group = index.slots[slot].memcg
        if group:
            recorded[group] = recorded.get(group, 0) + 1
    for group, counters in enumerate(v.at.mc):
        found, expected = v[counters.swap], recorded.get(group, 0)
        if found != expected:
            return f"swap usage of cgroup {group} is {found}; expected {expected}, the slots recorded with it"
    return None
