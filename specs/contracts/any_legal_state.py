"""Steps from any legal state of a small part of the system, whether a run can reach it or not.

Each contract runs a real step of an operation on a system of which only the part in question is there.  The part is
built from unknown values that obey its invariant; afterwards the invariant has to hold again.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from refmodel.engines.contract import breaks
from refmodel.kernel import swap_slots, vswap_alloc, vswap_free, zswap_entry, zswap_pool, zswap_shrink
from refmodel.kernel.state import ShrinkWork, SwapSlot, ZswapEntry, ZswapPool
from refmodel.kernel.table import KernelView
from refmodel.kernel.vswap_state import VswapCluster
from refmodel.machine import Call, Next, evolve


def _system(components: list[Any], *, cfg: Any = None, **places: Any) -> KernelView:
    """Return a system of a few components; operations that steps call are told apart by name and arguments."""
    at: Any = SimpleNamespace(**places)
    ops: Any = _Calls()
    nothing: Any = None
    return KernelView(components, at, cfg, ops, nothing)


class _Calls:
    """Every operation: calling one returns its name and arguments."""

    def __getattr__(self, name: str) -> Any:
        """Return what makes the operation."""
        return lambda **arguments: (name, arguments)


def _called(following: Next) -> Any:
    """Return the operation that a step calls, or None."""
    return following.operation if isinstance(following, Call) else None


# --- an LRU list -------------------------------------------------------------------------------------------


def _walk(marks: tuple[bool, ...], budget: int) -> tuple[KernelView, Next]:
    """Visit the head of a list whose entries 1, 2, ... have marks or not."""
    entries = [ZswapEntry(slab_nid=0, swpentry=10 + n, referenced=mark) for n, mark in enumerate(marks, 1)]
    v = _system([tuple(range(1, len(marks) + 1)), *entries], lru=[[0]], entry=range(len(marks) + 1))
    walk = zswap_shrink.ListLruWalk(memcg=0, nid=0, budget=budget)
    return v, walk.visit(v)


def a_visit_keeps_the_list(marks: tuple[bool, ...], budget: int) -> tuple[tuple[int, ...], tuple[bool, ...]]:
    """A visit moves the head of any list to its tail and takes its mark away; no other entry is touched.

    Source: mm/list_lru.c __list_lru_walk_one(), mm/zswap.c shrink_memcg_cb(), Linux 6.12.117
    Requirement: Z2, Z3

    pre: 1 <= len(marks) <= 3
    pre: 1 <= budget <= 3
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

    pre: 1 <= len(marks) <= 3
    pre: 1 <= budget <= 3
    post: implies(marks[0], _ is None)
    post: implies(not marks[0], _[0] == "zswap_writeback_entry" and _[1]["entry"] == 1 and _[1]["slot"] == 11)
    """
    return _called(_walk(marks, budget)[1])


@breaks(a_second_chance_is_given_once, zswap_shrink.ListLruWalk.visit)
def gives_no_second_chance(self: zswap_shrink.ListLruWalk, v: KernelView) -> Next:
    """Marks are not looked at, and the slot that is written back is that of the last entry."""
    write = v.ops.zswap_writeback_entry(entry=1, slot=99)
    return Call(write, then=self.after_writeback)


# --- a tree and its entries ------------------------------------------------------------------------------------


def an_entry_has_one_owner(tree: tuple[int, int, int], slot: int) -> tuple[tuple[int, ...], Any]:
    """Whoever takes an entry out of the tree frees exactly that one; the entries of other slots stay where they are.

    Source: mm/zswap.c zswap_invalidate(), Linux 6.12.117
    Requirement: Z2

    pre: all(0 <= entry <= 8 for entry in tree)
    pre: 0 <= slot < 3
    post: _[0][slot] == 0
    post: all(_[0][other] == tree[other] for other in range(3) if other != slot)
    post: _[1] == (("zswap_entry_free", {"entry": tree[slot]}) if tree[slot] else None)
    """
    v = _system(list(tree), tree=range(3))
    following = zswap_entry.ZswapInvalidate(slot=slot).erase(v)
    return tuple(v), _called(following)


@breaks(an_entry_has_one_owner, zswap_entry.ZswapInvalidate.erase)
def leaves_it_in_the_tree(self: zswap_entry.ZswapInvalidate, v: KernelView) -> Next:
    """The entry is freed and stays in the tree, where others find it; the next slot is emptied."""
    entry = v[self.slot]
    v[(self.slot + 1) % 3] = 0
    return Call(v.ops.zswap_entry_free(entry=entry))


# --- references of a pool ----------------------------------------------------------------------------------------


def a_pool_counts_its_entries(ref: int, entries: int) -> int:
    """Any number of entries that come and go leave a pool with the references that it had.

    Source: mm/zswap.c zswap_pool_get() and zswap_pool_put(), Linux 6.12.117
    Requirement: B11

    pre: 1 <= ref <= 2**40
    pre: 0 <= entries <= 3
    post: _ == ref
    """
    v = _system([ZswapPool("lzo", "zsmalloc", ref=ref)], pool=[0])
    for by in (1, -1):
        for _ in range(entries):
            zswap_entry.change_pool_ref(v, 0, by)
    pool: ZswapPool = v[0]
    return pool.ref


@breaks(a_pool_counts_its_entries, zswap_entry.change_pool_ref)
def drops_a_reference_too_many(v: KernelView, number: int, by: int) -> None:
    """Dropping a reference drops two."""
    v[number] = evolve(v[number], ref=v[number].ref + (by if by > 0 else 2 * by))


# --- the queue of shrink work --------------------------------------------------------------------------------------


def work_is_queued_once_and_last(pools: tuple[int, ...], last: int, ref: int) -> tuple[tuple[int, ...], int]:
    """A pool whose work is asked for stands in the queue once, behind those before it; a dead pool is not queued.

    Source: mm/zswap.c zswap_frontswap_store(), Linux 6.1.192
    Requirement: Z2

    pre: len(pools) <= 2
    pre: all(1 <= pool <= 2 for pool in pools)
    pre: all(pools[i] != pools[j] for i in range(len(pools)) for j in range(i))
    pre: 1 <= last <= 2
    pre: 0 <= ref <= 8
    post: _[0][:len(pools)] == pools
    post: _[0][len(pools):] == ((last,) if ref and last not in pools else ())
    post: _[1] == (ref + 1 if ref else 0)
    """
    pool = ZswapPool("lzo", "zsmalloc", ref=ref)
    v = _system([(last,), pool, pool, ShrinkWork(pools=pools)], pool_list=0, pool=range(3), shrink_work=3)
    zswap_pool.queue_pool_shrink(v)
    return v[3].pools, v[last].ref


@breaks(work_is_queued_once_and_last, zswap_pool.queue_pool_shrink)
def queues_in_front(v: KernelView) -> None:
    """The pool goes to the head of the queue, whether it stands in it or not, and no reference is taken."""
    v[3] = evolve(v[3], pools=(*v[0], *v[3].pools))


def work_is_taken_in_order(pools: tuple[int, ...]) -> tuple[int, ShrinkWork]:
    """A run takes the pool that was queued first; the others keep their places and stay pending.

    Source: mm/zswap.c shrink_worker(), Linux 6.1.192
    Requirement: Z2

    pre: 1 <= len(pools) <= 3
    post: _[0] == pools[0]
    post: _[1].pools == pools[1:]
    post: _[1].pending == (len(pools) > 1)
    """
    v = _system([ShrinkWork(pending=True, pools=pools)], shrink_work=0)
    worker = zswap_shrink.ShrinkWorker61()
    worker.start_work(v)
    return worker.pool, v[0]


@breaks(work_is_taken_in_order, zswap_shrink.ShrinkWorker61.start_work)
def takes_the_last(self: zswap_shrink.ShrinkWorker61, v: KernelView) -> Next:
    """The pool that was queued last comes first, and the others are forgotten while they count as pending."""
    self.pool = v[0].pools[-1]
    v[0] = ShrinkWork(pending=True, running=True)
    return self.pick_page


# --- a slot's references ------------------------------------------------------------------------------------------


def dropping_references_frees_every_slot_once(
    counts: tuple[int, int], caches: tuple[bool, bool]
) -> tuple[SwapSlot, SwapSlot, int]:
    """From any two slots in use: each loses one reference, and as many are freed as had no other holder.

    Source: mm/swapfile.c swap_put_entries_cluster(), Linux 7.3.4
    Requirement: S1

    pre: all(1 <= count <= 4 for count in counts)
    post: all(_[k].count == counts[k] - 1 for k in range(2))
    post: _[2] == sum(1 for k in range(2) if counts[k] == 1 and not caches[k])
    """
    slots = [SwapSlot(count, cache) for count, cache in zip(counts, caches, strict=True)]
    v = _system([None, *slots], slot=range(3))
    put = swap_slots.SwapPutMap73(slot=1, nr=2)
    freed = 0
    for _ in range(3):
        if put.next < 2 or put.free_from >= 0:
            call = _called(put.drop_one(v))
            freed += call[1]["nr"] if call else 0
    return v[1], v[2], freed


@breaks(dropping_references_frees_every_slot_once, swap_slots.SwapPutMap73.drop_one)
def frees_all_it_has_seen(self: swap_slots.SwapPutMap73, v: KernelView) -> Next:
    """The whole run is freed, whoever refers to it, and no count goes down."""
    self.next = self.nr
    return Call(v.ops.swap_range_free(slot=self.slot, nr=self.nr))


# --- a cluster of virtual entries ------------------------------------------------------------------------------------


def _cluster(bitmap: int, cached: bool) -> VswapCluster:
    """Return a cluster of four entries as its invariant has it."""
    count = bin(bitmap).count("1")
    return VswapCluster(order=0, count=count, cached=cached, refs=count + cached, bitmap=bitmap)


def _clusters(bitmap: int, cached: bool) -> KernelView:
    """Return a system with one cluster, of number 1, on no list."""
    cfg = SimpleNamespace(sizes=SimpleNamespace(vswap_cluster_size=4))
    vswap = SimpleNamespace(cluster=[None, 0], partial=[1])
    folio = SimpleNamespace(contents=(0,), memcg=0)
    return _system(
        [_cluster(bitmap, cached), (), folio, *[None] * 8], cfg=cfg, vswap=vswap, folio=[2], slot=range(3, 11)
    )


def a_cluster_counts_what_it_hands_out(bitmap: int, cached: bool) -> tuple[bool, VswapCluster]:
    """From any legal cluster: an entry is handed out exactly if one is free, and bitmap, count and references agree.

    Source: mm/vswap.c, Virtual Swap Space v6
    Requirement: S1, S2

    pre: 0 <= bitmap < 2**4
    post: _[0] == (bitmap != 2**4 - 1)
    post: _[1].count == bin(_[1].bitmap).count("1") == bin(bitmap).count("1") + _[0]
    post: _[1].refs == _[1].count + cached
    """
    v = _clusters(bitmap, cached)
    taken = vswap_alloc.FolioAllocSwap(folio=0).take_run(v, 1)
    return taken, v[0]


@breaks(a_cluster_counts_what_it_hands_out, vswap_alloc.FolioAllocSwap.take_run)
def forgets_the_count(self: vswap_alloc.FolioAllocSwap, v: KernelView, number: int) -> bool:
    """The entry is taken although there is none, the count stays, and a reference too many is taken."""
    v[0] = evolve(v[0], bitmap=15, refs=v[0].refs + 2)
    return True


def a_cluster_goes_with_its_last_reference(bitmap: int, cached: bool, index: int) -> VswapCluster | None:
    """From any legal cluster: freeing an entry clears its bit, its count and its reference; without any it is gone.

    Source: mm/vswap.c vswap_free_nr(), Virtual Swap Space v6
    Requirement: S1, S2

    pre: 0 <= bitmap < 2**3
    pre: 0 <= index < 3
    pre: bitmap // 2**index % 2 == 1
    post: (_ is None) == (bitmap == 2**index and not cached)
    post: implies(_ is not None, _.bitmap == bitmap - 2**index)
    post: implies(_ is not None, _.count == bin(_.bitmap).count("1") and _.refs == _.count + cached)
    """
    v = _clusters(bitmap, cached)
    vswap_free.VswapFree(slot=4 + index, nr=1).clear_bits(v)
    left: VswapCluster | None = v[0]
    return left


@breaks(a_cluster_goes_with_its_last_reference, vswap_free.VswapFree.clear_bits)
def keeps_the_cluster(self: vswap_free.VswapFree, v: KernelView) -> None:
    """The cluster stays for ever, and all its entries with it."""


@breaks(a_cluster_goes_with_its_last_reference, vswap_free.VswapFree.clear_bits)
def drops_a_reference_twice(self: vswap_free.VswapFree, v: KernelView) -> None:
    """The entry is gone, its count stays, and the cluster loses two references."""
    v[0] = evolve(v[0], bitmap=v[0].bitmap & ~(1 << self.slot - 4), refs=v[0].refs - 2)
