"""Steps from any legal state of a small part of the system, whether a run can reach it or not.

Each contract runs a real step of an operation on a system of which only the part in question is there.  The part is
built from unknown values that obey its invariant; afterwards the invariant has to hold again.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from refmodel.engines.contract import breaks
from refmodel.kernel import (
    iaa_desc,
    iaa_engine,
    iaa_job,
    swap_slots,
    vswap_alloc,
    vswap_free,
    zswap_entry,
    zswap_pool,
    zswap_shrink,
)
from refmodel.kernel.iaa_state import FREE_DESC, PHASES, IaaDesc, IaaWq
from refmodel.kernel.state import ShrinkWork, SwapSlot, ZswapEntry, ZswapPool
from refmodel.kernel.table import KernelView
from refmodel.kernel.vswap_state import VswapCluster
from refmodel.machine import Call, Next, Return, evolve


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


# --- descriptors of a queue ------------------------------------------------------------------------------------------


def _first(point: Any, options: Any) -> Any:
    """Choose the first of what can happen."""
    return options[0]


def _queue(phases: tuple[int, ...]) -> KernelView:
    """Return a system with one queue, whose descriptors are in any phases; those that wait do so in their order."""
    numbers = [next(k for k in range(5) if each == k) for each in phases]
    descs = [IaaDesc(phase=PHASES[k], cpu=0) if k else FREE_DESC for k in numbers]
    used = sum([2**d for d, k in enumerate(numbers) if k])
    waiting = tuple([d for d, k in enumerate(numbers) if k == 2])
    busy = numbers.count(3)
    places = SimpleNamespace(
        system=SimpleNamespace(
            names=("wq1.0",),
            device_of=(0,),
            group_of=(0,),
            queues=(SimpleNamespace(mode="dedicated"),),
            statuses=(),
        ),
        halted=[0],
        wq=[1],
        sbitmap=[2],
        idle=[3],
        desc=[range(4, 4 + len(descs))],
    )
    codec = SimpleNamespace(outcomes=lambda data: (None,))
    cfg = SimpleNamespace(codecs={"deflate-iaa": codec})
    v = _system([False, IaaWq(fifo=waiting), used, 3 - busy, *descs], cfg=cfg, iaa=places)
    v.choose = _first
    return v


def _credits(v: KernelView) -> tuple[int, int, bool]:
    """Return how many descriptors are free, how many are in flight, and whether map and descriptors say the same."""
    count = len(v.at.iaa.desc[0])
    clear = [v[2] // 2**d % 2 == 0 for d in range(count)]
    free = [v[4 + d].phase == "free" for d in range(count)]
    return sum(clear), count - sum(free), clear == free


def taking_a_descriptor_keeps_the_credits(phases: tuple[int, int]) -> tuple[int, tuple[int, int, bool]]:
    """From any legal queue: free and in flight are all there are, and a job costs one credit, where there is one.

    Source: drivers/dma/idxd/submit.c idxd_alloc_desc(), Linux 6.12.117
    Requirement: I6, I7

    pre: all(0 <= phase <= 4 for phase in phases)
    post: _[1][0] + _[1][1] == 2
    post: _[1][2]
    post: (_[0] >= 0) == (0 in phases) and _[1][0] == max(phases.count(0) - 1, 0)
    """
    v = _queue(phases)
    d = iaa_desc.alloc_desc(v, 0, 0)
    return d, _credits(v)


@breaks(taking_a_descriptor_keeps_the_credits, iaa_desc.alloc_desc)
def hands_it_out_again(v: KernelView, q: int, cpu: int) -> int:
    """The descriptor is the job's, and the map does not know: the next job gets it as well."""
    v[4] = IaaDesc(phase="allocated", cpu=cpu)
    return 0


def giving_a_descriptor_back_keeps_the_credits(phases: tuple[int, int], d: int) -> tuple[int, int, bool]:
    """From any legal queue: what is given back, before it was submitted or after it is done, is one credit more.

    Source: drivers/dma/idxd/submit.c idxd_free_desc(), Linux 6.12.117
    Requirement: I6, I7

    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < 2
    pre: phases[d] == 1 or phases[d] == 4
    post: _[0] + _[1] == 2
    post: _[2]
    post: _[0] == phases.count(0) + 1
    """
    v = _queue(phases)
    iaa_desc.free_desc(v, 0, d)
    return _credits(v)


@breaks(giving_a_descriptor_back_keeps_the_credits, iaa_desc.free_desc)
def leaves_it_to_the_job(v: KernelView, q: int, d: int) -> None:
    """All descriptors are free in the map, while jobs still have theirs."""
    v[2] = 0


@breaks(giving_a_descriptor_back_keeps_the_credits, iaa_desc.free_desc)
def never_gives_back(v: KernelView, q: int, d: int) -> None:
    """The descriptor stays taken."""


def what_the_device_has_stays_its_own(phases: tuple[int, int], d: int) -> tuple[int, str]:
    """From any legal queue: giving back what the device has is a credit more, and the device still writes to it.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c check_completion(), IAA_COMPLETION_TIMEOUT, Linux 7.3.4
    Requirement: I6, I7

    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < 2
    pre: phases[d] == 2 or phases[d] == 3
    post: _[0] == phases.count(0) + 1
    post: _[1] == PHASES[phases[d]]
    """
    v = _queue(phases)
    iaa_desc.free_desc(v, 0, d)
    return _credits(v)[0], v[4 + d].phase


@breaks(what_the_device_has_stays_its_own, iaa_desc.free_desc)
def takes_it_from_the_device(v: KernelView, q: int, d: int) -> None:
    """The device loses the job, and the credit is lost as well."""
    v[4 + d] = FREE_DESC


def submitting_keeps_the_credits(
    phases: tuple[int, int], d: int
) -> tuple[int, tuple[int, int, bool], tuple[int, ...]]:
    """From any legal queue: a job that is handed over is the last that waits, and costs no further credit.

    Source: drivers/dma/idxd/submit.c idxd_submit_desc(), Linux 6.12.117
    Requirement: I6

    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < 2
    pre: phases[d] == 1
    post: _[0] == 0
    post: _[1] == (phases.count(0), 2 - phases.count(0), True)
    post: _[2] == (*[other for other in range(2) if phases[other] == 2], d)
    """
    v = _queue(phases)
    error = iaa_desc.idxd_submit_desc(v, 0, d)
    return error, _credits(v), v[1].fifo


@breaks(submitting_keeps_the_credits, iaa_desc.idxd_submit_desc)
def loses_the_job(v: KernelView, q: int, d: int) -> int:
    """The descriptor is free again, the job is with nobody, and the caller hears of an error."""
    v[2], v[4 + d] = 0, FREE_DESC
    return -5


def beginning_a_job_keeps_the_credits(phases: tuple[int, int]) -> tuple[tuple[int, int, bool], str, int]:
    """From any legal queue where a job waits: the first one is served by an engine, and no credit moves.

    Source: the device; drivers/dma/idxd gives its order no name
    Requirement: I6

    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 2 in phases
    post: _[0] == (phases.count(0), 2 - phases.count(0), True)
    post: _[1] == "service"
    post: _[2] == 3 - phases.count(3) - 1
    """
    v = _queue(phases)
    iaa_engine.IaaEngineBegin(0).begin(v)
    return _credits(v), v[4 + phases.index(2)].phase, v[3]


@breaks(beginning_a_job_keeps_the_credits, iaa_engine.IaaEngineBegin.begin)
def gives_it_back_at_once(self: iaa_engine.IaaEngineBegin, v: KernelView) -> Next:
    """The descriptor of a job is free as soon as it is served, and no engine is busy with it."""
    v[2] = 0
    return Return()


def ending_a_job_keeps_the_credits(phases: tuple[int, int], d: int) -> tuple[tuple[int, int, bool], str, int]:
    """From any legal queue: a job that ends has its descriptor until software gives it back; its engine is idle.

    Source: include/uapi/linux/idxd.h, struct iax_completion_record, Linux 6.12.117
    Requirement: I6, I8

    pre: all(0 <= phase <= 4 for phase in phases)
    pre: 0 <= d < 2
    pre: phases[d] == 3
    post: _[0] == (phases.count(0), 2 - phases.count(0), True)
    post: _[1] == "done"
    post: _[2] == 3 - phases.count(3) + 1
    """
    v = _queue(phases)
    iaa_engine.IaaEngineEnd(0, d).end(v)
    return _credits(v), v[4 + d].phase, v[3]


@breaks(ending_a_job_keeps_the_credits, iaa_engine.IaaEngineEnd.end)
def frees_it_itself(self: iaa_engine.IaaEngineEnd, v: KernelView) -> Next:
    """The device gives the descriptor back, and its engine stays busy."""
    v[2] = 0
    return Return()


def jobs_leave_a_queue_as_they_found_it(jobs: int, bound: bool, removed: bool) -> tuple[bool, IaaWq, IaaWq]:
    """From any legal queue: a job holds it if it is bound and not removed, and drops exactly what it took.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_wq_get() and iaa_wq_put(), Linux 6.12.117
    Requirement: I8

    pre: 0 <= jobs <= 2**20
    post: _[0] == (bound and not removed)
    post: _[1].refs == jobs + _[0]
    post: implies(_[0], _[2] == IaaWq(bound=bound, removed=removed, refs=jobs))
    """
    v = _queue((0, 0))
    v[1] = IaaWq(bound=bound, removed=removed, refs=jobs)
    taken = iaa_job.get_wq(v, 0)
    held = v[1]
    if taken:
        iaa_job.put_wq(v, 0)
    return taken, held, v[1]


@breaks(jobs_leave_a_queue_as_they_found_it, iaa_job.get_wq)
def takes_a_removed_one(v: KernelView, q: int) -> bool:
    """Every queue is given to jobs, and no job counts."""
    return True


@breaks(jobs_leave_a_queue_as_they_found_it, iaa_job.put_wq)
def keeps_the_reference(v: KernelView, q: int) -> None:
    """The reference is never dropped (IAA-H9)."""


def a_removed_queue_goes_with_its_last_job(jobs: int, removed: bool) -> IaaWq:
    """From any legal queue that a job holds: the driver forgets it with the last job, if it was removed.

    Source: drivers/crypto/intel/iaa/iaa_crypto_main.c iaa_wq_put(), Linux 6.12.117
    Requirement: I4, I8

    pre: 1 <= jobs <= 2**20
    post: _.refs == jobs - 1
    post: _.bound == (not removed or jobs > 1)
    """
    v = _queue((0, 0))
    v[1] = IaaWq(removed=removed, refs=jobs)
    iaa_job.put_wq(v, 0)
    left: IaaWq = v[1]
    return left


@breaks(a_removed_queue_goes_with_its_last_job, iaa_job.put_wq)
def forgets_it_at_once(v: KernelView, q: int) -> None:
    """The driver forgets the queue while jobs still hold it."""
    v[1] = IaaWq(bound=False, refs=v[1].refs)
