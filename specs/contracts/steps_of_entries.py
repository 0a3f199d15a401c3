"""From any legal LRU list, tree or pool of zswap: what a step leaves is legal again.

Each contract runs a real step on a system of which only the part in question is there.  The part is built from unknown
values that obey its invariant, whether a run leads to them or not; afterwards the invariant has to hold again.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from refmodel.engines.contract import breaks
from refmodel.engines.part_of_system import called, part_of_system
from refmodel.kernel import zswap_entry, zswap_pool, zswap_shrink
from refmodel.kernel.state import ShrinkWork, ZswapEntry
from refmodel.kernel.table import KernelView
from refmodel.machine import Call, Next, Return, evolve

ENTRIES = 3
"""Entries of a list, at most."""

SLOTS = 3
"""Slots of a tree."""

POOLS = 2
"""Pools that can be queued, at most."""

# --- an LRU list ------------------------------------------------------------------------------------------


def _walk(marks: tuple[bool, ...], budget: int) -> tuple[KernelView, Next]:
    """Visit the head of a list whose entries 1, 2, ... have marks or not."""
    entries = [ZswapEntry(slab_nid=0, swpentry=10 + n, referenced=mark) for n, mark in enumerate(marks, 1)]
    v = part_of_system([tuple(range(1, len(marks) + 1)), *entries], lru=[[0]], entry=range(len(marks) + 1))
    walk = zswap_shrink.ListLruWalk(memcg=0, nid=0, budget=budget)
    return v, walk.visit(v)


def a_visit_keeps_the_list(marks: tuple[bool, ...], budget: int) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """A visit moves the head of any list to its tail and takes its mark away; no other entry is touched.

    Source: mm/list_lru.c __list_lru_walk_one(), mm/zswap.c shrink_memcg_cb(), Linux 6.12.117
    Requirement: Z2, Z3
    Random: ENTRIES = 40

    pre: 1 <= len(marks) <= ENTRIES
    pre: 1 <= budget <= ENTRIES
    post: _[0] == (*range(2, len(marks) + 1), 1)
    post: _[1] == (False, *marks[1:])
    """
    v, _ = _walk(marks, budget)
    return v[0], tuple([v[number].referenced for number in range(1, len(marks) + 1)])


@breaks(a_visit_keeps_the_list, zswap_shrink.ListLruWalk.visit)
def drops_the_visited(self: zswap_shrink.ListLruWalk, v: KernelView) -> Next:
    """The entry leaves the list, with its mark."""
    v[0] = v[0][1:]
    v[1] = evolve(v[1], referenced=True)
    return self.end


def a_second_chance_is_given_once(marks: tuple[bool, ...], budget: int) -> Any:
    """An entry with a mark is not written back at this visit; one without is, and it alone.

    Source: mm/zswap.c shrink_memcg_cb(), Linux 6.12.117
    Requirement: Z2
    Random: ENTRIES = 40

    pre: 1 <= len(marks) <= ENTRIES
    pre: 1 <= budget <= ENTRIES
    post: implies(marks[0], _ is None)
    post: implies(not marks[0], _[0] == "zswap_writeback_entry" and _[1]["entry"] == 1 and _[1]["slot"] == 11)
    """
    return called(_walk(marks, budget)[1])


@breaks(a_second_chance_is_given_once, zswap_shrink.ListLruWalk.visit)
def gives_no_second_chance(self: zswap_shrink.ListLruWalk, v: KernelView) -> Next:
    """Marks are not looked at, and the slot that is written back is that of the last entry."""
    write = v.ops.zswap_writeback_entry(entry=1, slot=99)
    return Call(write, then=self.after_writeback)


# --- a tree and its entries -------------------------------------------------------------------------------


def an_entry_has_one_owner(tree: tuple[int, ...], slot: int) -> tuple[tuple[int, ...], Any]:
    """Whoever takes an entry out of the tree frees exactly that one; the entries of other slots stay where they are.

    Source: mm/zswap.c zswap_invalidate(), Linux 6.12.117
    Requirement: Z2
    Random: SLOTS = 40

    pre: len(tree) == SLOTS
    pre: all(0 <= entry <= 8 for entry in tree)
    pre: 0 <= slot < SLOTS
    post: _[0][slot] == 0
    post: all(_[0][other] == tree[other] for other in range(SLOTS) if other != slot)
    post: _[1] == (("zswap_entry_free", {"entry": tree[slot]}) if tree[slot] else None)
    """
    v = part_of_system(list(tree), tree=range(SLOTS))
    following = zswap_entry.ZswapInvalidate(slot=slot).erase(v)
    return tuple(v), called(following)


@breaks(an_entry_has_one_owner, zswap_entry.ZswapInvalidate.erase)
def leaves_it_in_the_tree(self: zswap_entry.ZswapInvalidate, v: KernelView) -> Next:
    """The entry is freed and stays in the tree, where others find it; the next slot is emptied."""
    entry = v[self.slot]
    v[(self.slot + 1) % SLOTS] = 0
    return Call(v.ops.zswap_entry_free(entry=entry))


def an_entry_gives_back_what_it_holds(
    length: int, charged: int, stored: int, refs: int, owned: bool
) -> tuple[int, int, int, int, bool]:
    """From any legal counts: an entry that goes takes its own reference, charge and place along, and nothing else.

    Source: mm/zswap.c zswap_entry_free(), Linux 6.12.117
    Requirement: Z2, B11

    pre: 1 <= length <= 4096
    pre: length <= charged <= 2**40
    pre: 1 <= stored <= 2**40
    pre: 1 <= refs <= 2**40
    post: _[0] == refs - 1
    post: _[1] == charged - (length if owned else 0) and _[2] == stored - (1 if owned else 0)
    post: _[3] == stored - 1
    post: _[4]
    """
    zswap, zswapped, incomp, total, used, entry, pool = range(1, 8)
    owner = 0 if owned else None
    v = part_of_system(
        [1, charged, stored, 0, stored, 2, ZswapEntry(0, 5, length, objcg=1 if owned else 0), None],
        cfg=SimpleNamespace(options=SimpleNamespace(memcg_counts_incompressible=False)),
        objcg=[owner, 0],
        mc=[None, SimpleNamespace(zswap=zswap, zswapped=zswapped, zswap_incomp=incomp)],
        zs=SimpleNamespace(stored_pages=total),
        entries_used=used,
        entry=[None, entry],
        pool_ref=[pool],
    )
    v[pool] = refs
    free = zswap_entry.ZswapEntryFree(entry=1)
    for each in (free.put_pool, free.uncharge, free.free_metadata):
        each(v)
    return v[pool], v[zswap], v[zswapped], v[total], v[entry] is None and v[used] == 0


@breaks(an_entry_gives_back_what_it_holds, zswap_entry.ZswapEntryFree.uncharge)
def uncharges_a_whole_page(self: zswap_entry.ZswapEntryFree, v: KernelView) -> Next:
    """The owner is given back a whole page, whatever was charged, and so is nobody."""
    v[1] -= 4096
    return self.free_metadata


@breaks(an_entry_gives_back_what_it_holds, zswap_entry.ZswapEntryFree.put_pool)
def keeps_the_pool(self: zswap_entry.ZswapEntryFree, v: KernelView) -> Next:
    """The pool keeps the reference of an entry that is gone, so that it is never destroyed."""
    return self.uncharge


@breaks(an_entry_gives_back_what_it_holds, zswap_entry.ZswapEntryFree.free_metadata)
def leaks_the_metadata(self: zswap_entry.ZswapEntryFree, v: KernelView) -> Next:
    """The entry itself stays, uncounted twice."""
    v[v.at.zs.stored_pages] -= 2
    return Return()


# --- references of a pool ---------------------------------------------------------------------------------


def a_pool_counts_its_entries(ref: int, entries: int) -> int:
    """Any number of entries that come and go leave a pool with the references that it had.

    Source: mm/zswap.c zswap_pool_get() and zswap_pool_put(), Linux 6.12.117
    Requirement: B11
    Random: ENTRIES = 40

    pre: 1 <= ref <= 2**40
    pre: 0 <= entries <= ENTRIES
    post: _ == ref
    """
    v = part_of_system([ref], pool_ref=[0])
    for by in (1, -1):
        for _ in range(entries):
            zswap_entry.change_pool_ref(v, 0, by)
    left: int = v[0]
    return left


@breaks(a_pool_counts_its_entries, zswap_entry.change_pool_ref)
def drops_a_reference_too_many(v: KernelView, number: int, by: int) -> None:
    """Dropping a reference drops two."""
    v[number] += by if by > 0 else 2 * by


# --- the queue of shrink work -----------------------------------------------------------------------------


def work_is_queued_once_and_last(pools: tuple[int, ...], last: int, ref: int) -> tuple[tuple[int, ...], int]:
    """A pool whose work is asked for stands in the queue once, behind those before it; a dead pool is not queued.

    Source: mm/zswap.c zswap_frontswap_store(), Linux 6.1.192
    Requirement: Z2
    Random: POOLS = 8

    pre: len(pools) <= POOLS
    pre: all(1 <= pool <= POOLS for pool in pools)
    pre: all(pools[i] != pools[j] for i in range(len(pools)) for j in range(i))
    pre: 1 <= last <= POOLS
    pre: 0 <= ref <= 8
    post: _[0][:len(pools)] == pools
    post: _[0][len(pools):] == ((last,) if ref and last not in pools else ())
    post: _[1] == (ref + 1 if ref else 0)
    """
    components = [(last,), *[ref] * POOLS, ShrinkWork(pools=pools)]
    v = part_of_system(components, pool_list=0, pool_ref=range(POOLS + 1), shrink_work=POOLS + 1)
    zswap_pool.queue_pool_shrink(v)
    return v[-1].pools, v[last]


@breaks(work_is_queued_once_and_last, zswap_pool.queue_pool_shrink)
def queues_in_front(v: KernelView) -> None:
    """The pool goes to the head of the queue, whether it stands in it or not, and no reference is taken."""
    v[-1] = evolve(v[-1], pools=(*v[0], *v[-1].pools))


def work_is_taken_in_order(pools: tuple[int, ...]) -> tuple[int, ShrinkWork]:
    """A run takes the pool that was queued first; the others keep their places and stay pending.

    Source: mm/zswap.c shrink_worker(), Linux 6.1.192
    Requirement: Z2
    Random: ENTRIES = 40

    pre: 1 <= len(pools) <= ENTRIES
    post: _[0] == pools[0]
    post: _[1].pools == pools[1:]
    post: _[1].pending == (len(pools) > 1)
    """
    v = part_of_system([ShrinkWork(pending=True, pools=pools)], shrink_work=0)
    worker = zswap_shrink.ShrinkWorker61()
    worker.start_work(v)
    return worker.pool, v[0]


@breaks(work_is_taken_in_order, zswap_shrink.ShrinkWorker61.start_work)
def takes_the_last(self: zswap_shrink.ShrinkWorker61, v: KernelView) -> Next:
    """The pool that was queued last comes first, and the others are forgotten while they count as pending."""
    self.pool = v[0].pools[-1]
    v[0] = ShrinkWork(pending=True, running=True)
    return self.pick_page
