"""Making room in zswap: LRU walk, shrink_memcg, global worker, dynamic shrinker (mm/zswap.c, list_lru.c)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import memcg as memcg_rules
from refmodel.kernel import shrink_decisions, zbud, zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.shrink_decisions import SHRINK_STOP
from refmodel.kernel.state import ShrinkWork
from refmodel.kernel.zswap_entry import change_pool_ref, live_entry
from refmodel.kernel.zswap_limits import accept_pages, total_pages
from refmodel.machine import Call, Next, Operation, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

ZBUD_RETRIES = 8
"""Pages that zbud tries to empty before it gives up (zbud_zpool_shrink, mm/zbud.c, 6.1)."""


@attrs.define
class ListLruWalk(Operation):
    """Walk one LRU list from its head, giving every entry a second chance.

    memcg, nid: which list.  budget: visits at most.  stop_at_hot: end the walk when an entry is being
    swapped in at this moment (the dynamic shrinker asks for that).
    may_reclaim: the caller does not reclaim already, so a writeback may.
    Value: (entries written back, visits made, whether a hot entry ended the walk).

    A visited entry moves to the tail.  In a list of two or more the walk is therefore circular until
    the budget is spent, and may meet an entry whose mark it took away itself; a list of one is visited
    once.
    """

    source: ClassVar[str] = (
        "mm/list_lru.c __list_lru_walk_one(), mm/zswap.c shrink_memcg_cb(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z3")

    memcg: int
    nid: int
    budget: int
    stop_at_hot: bool = False
    may_reclaim: bool = False
    visits: int = 0
    removed: int = 0
    hot: bool = False
    entry: int = 0
    slot: int = 0
    length: int = 0

    @step
    def visit(self, v: KernelView) -> Next:
        """Look at the head: take its mark away, or copy its slot number and drop the lock.

        After the lock is dropped the entry may be freed at any time; only the copied number is used.
        """
        place = v.at.lru[self.memcg][self.nid]
        entries = v[place]
        if not entries or self.visits == self.budget:
            return self.end
        self.visits += 1
        self.entry = entries[0]
        entry = live_entry(v, self.entry)
        v[place] = shrink_decisions.rotated(entries)
        if entry.referenced:
            v[v.at.entry[self.entry]] = evolve(entry, referenced=False)
            v.emit("lru_visit", swp=entry.swpentry, len=entry.length, ref=1, ret="rotate")
            return self.visit if len(entries) > 1 else self.end
        self.slot, self.length = entry.swpentry, entry.length
        write = v.ops.zswap_writeback_entry(
            entry=self.entry, slot=entry.swpentry, may_reclaim=self.may_reclaim
        )
        return Call(write, self.after_writeback)

    @step
    def after_writeback(self, v: KernelView) -> Next:
        """Count, and start again at the head: the list may look quite different by now."""
        error = self.result
        if error == 0:
            v[v.at.zs.written_back_pages] += 1
            self.removed += 1
        else:
            v[v.at.zs.reject_reclaim_fail] += 1
        self.hot = error == -errno.EEXIST and self.stop_at_hot
        verdict = "removed_retry" if error == 0 else "stop" if self.hot else "retry"
        v.emit("lru_visit", swp=self.slot, len=self.length, ref=0, ret=verdict)
        return self.end if self.hot else self.visit

    @step
    def end(self, v: KernelView) -> Next:
        """Answer what was done."""
        v.emit("lru_walk", nid=self.nid, memcg=self.memcg, ret=self.removed)
        return Return((self.removed, self.visits, self.hot))


@attrs.define
class ShrinkMemcg(Operation):
    """Try to write back entries of one cgroup, a few on every node.

    memcg: whose.  may_reclaim: the caller does not reclaim already, so a writeback may.
    Value: 0 if something was written back, -EAGAIN if only marks were taken away, -ENOENT if there is nothing
    to do or the cgroup forbids writeback.
    """

    source: ClassVar[str] = "mm/zswap.c shrink_memcg(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z3", "S5")

    memcg: int
    may_reclaim: bool = False
    nid: int = 0
    removed: int = 0
    visits: int = 0

    @step
    def check(self, v: KernelView) -> Next:
        """Leave a cgroup alone that forbids writeback, or that is offline: its lists moved to its parent."""
        if not memcg_rules.writeback_enabled(v, self.memcg) or not v[v.at.memcg[self.memcg]].online:
            return self.finish(v, -errno.ENOENT)
        return self.walk_node

    @step
    def walk_node(self, v: KernelView) -> Next:
        """Walk the list of the next node with the budget of this kernel."""
        if self.nid == v.cfg.sizes.nodes:
            return self.finish(v, shrink_decisions.memcg_answer(self.removed, self.visits))
        budget = v.cfg.options.shrink_memcg_budget
        walk = v.ops.list_lru_walk(
            memcg=self.memcg, nid=self.nid, budget=budget, may_reclaim=self.may_reclaim
        )
        return Call(walk, self.after_walk)

    @step
    def after_walk(self, v: KernelView) -> Next:
        """Add up and go on with the next node."""
        removed, visits, _ = self.result
        self.removed += removed
        self.visits += visits
        self.nid += 1
        return self.walk_node

    def finish(self, v: KernelView, error: int) -> Return:
        """End and tell observers."""
        v.emit("shrink_memcg", memcg=self.memcg, ret=error)
        return Return(error)


def next_memcg(v: KernelView, cursor: int) -> int:
    """Return the cgroup after a cursor in the order of the tree walk, or -1 at the end of a pass.

    The walk starts at the root and meets parents before children; offline cgroups are skipped.
    """
    order = _preorder(v, 0)
    to_visit = shrink_decisions.following(order, cursor)
    return next((m for m in to_visit if v[v.at.memcg[m]].online), -1)


def _preorder(v: KernelView, memcg: int) -> tuple[int, ...]:
    children = [m for m in range(len(v.at.memcg)) if v[v.at.memcg[m]].parent == memcg]
    return (memcg, *(m for child in children for m in _preorder(v, child)))


@attrs.define
class ShrinkWorkerBase(Operation):
    """The work function of the global shrinker; at most one runs.

    A work queue's thread does not count as reclaiming, so what it allocates to write a page may enter reclaim.
    """

    source: ClassVar[str] = "mm/zswap.c shrink_worker(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "S5")

    def begin(self, v: KernelView) -> None:
        """Take the work item: it may be queued again from here on."""
        v[v.at.shrink_work] = ShrinkWork(running=True)
        v.emit("worker_start")

    def finish(self, v: KernelView) -> Return:
        """End the run."""
        v[v.at.shrink_work] = evolve(v[v.at.shrink_work], running=False)
        v.emit("worker")
        return Return()


@attrs.define
class ShrinkWorker612(ShrinkWorkerBase):
    """Shrink one cgroup after the other until the pools are at the accept threshold.

    Gives up after 16 failures in the whole run: a shrink that wrote nothing back, or a pass over the
    tree without any candidate.  Cgroups with nothing to write back are skipped and do not count (Z20).
    """

    threshold: int = 0
    memcg: int = -1
    attempts: int = 0
    failures: int = 0

    @step
    def start_work(self, v: KernelView) -> Next:
        """Fix the threshold for the whole run."""
        self.begin(v)
        self.threshold = accept_pages(v)
        return self.advance

    @step
    def advance(self, v: KernelView) -> Next:
        """Move the shared cursor to the next online cgroup; at the end of a pass see whether it had any."""
        self.memcg = v[v.at.next_shrink] = next_memcg(v, v[v.at.next_shrink])
        if self.memcg >= 0:
            return Call(v.ops.shrink_memcg(memcg=self.memcg, may_reclaim=True), self.after_shrink)
        self.failures = shrink_decisions.failures_after_pass(self.attempts, self.failures)
        self.attempts = 0
        return self.end if shrink_decisions.gives_up(self.failures) else self.look_again

    @step
    def after_shrink(self, v: KernelView) -> Next:
        """Count the attempt, and the failure if nothing was written back."""
        self.attempts, self.failures = shrink_decisions.after_shrink(
            self.attempts, self.failures, self.result
        )
        return self.end if shrink_decisions.gives_up(self.failures) else self.look_again

    @step
    def look_again(self, v: KernelView) -> Next:
        """Go on while the pools are above the threshold."""
        return self.advance if total_pages(v) > self.threshold else self.end

    @step
    def end(self, v: KernelView) -> Next:
        """End the run."""
        return self.finish(v)


@attrs.define
class ShrinkWorker61(ShrinkWorkerBase):
    """Ask the allocator of one pool to evict one page (6.1); each pool has a work item of its own.

    zbud takes its least recent page and writes its objects back, one after the other; a page that does not
    get empty is put back, and up to 8 pages are tried.  zsmalloc cannot evict (H-9).
    """

    source: ClassVar[str] = "mm/zswap.c shrink_worker(), mm/zbud.c zbud_reclaim_page(), Linux 6.1.192"
    requirements: ClassVar[tuple[str, ...]] = ("Z2",)

    pool: int = 0
    page: int = 0
    slots: tuple[int, ...] = ()
    tries: int = 0

    @step
    def start_work(self, v: KernelView) -> Next:
        """Take the work item of the pool that was queued first."""
        self.pool, *rest = v[v.at.shrink_work].pools
        v[v.at.shrink_work] = ShrinkWork(pending=bool(rest), running=True, pools=tuple(rest))
        v.emit("worker_start")
        return self.pick_page

    @step
    def pick_page(self, v: KernelView) -> Next:
        """Take the least recent page off its lists; without one, or where that is impossible, give up."""
        place = v.at.zs_class[self.pool][0]
        if not zsmalloc.allocator_of(v, self.pool).evicts or not v[place].lru:
            return self.fail
        self.begin_page(v)
        return self.evict

    @step
    def evict(self, v: KernelView) -> Next:
        """Write the next object of the page back: its header says which slot it belongs to."""
        if not self.slots:
            return self.end_page
        slot, self.slots = self.slots[0], self.slots[1:]
        write = v.ops.zswap_writeback_entry(entry=0, slot=slot, may_reclaim=True)
        return Call(write, self.after_eviction)

    @step
    def after_eviction(self, v: KernelView) -> Next:
        """Leave the other object alone where one could not be written back: the page stays anyway."""
        return self.end_page if self.result else self.evict

    @step
    def end_page(self, v: KernelView) -> Next:
        """Free the page if it is empty.  If not, put it back as the most recent one and take another."""
        place = v.at.zs_class[self.pool][0]
        v[place], pages = zbud.reclaim_end(v[place], self.page)
        zsmalloc.count_pages(v, self.pool, -pages, counted=False)
        if pages:
            return self.put_pool
        self.tries += 1
        if self.tries == ZBUD_RETRIES:
            return self.fail
        self.begin_page(v)
        return self.evict

    @step
    def fail(self, v: KernelView) -> Next:
        """Nothing was evicted."""
        v[v.at.zs.reject_reclaim_fail] += 1
        return self.put_pool

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Drop the one reference that came with the work, however often it was queued meanwhile (Z08)."""
        change_pool_ref(v, self.pool, -1)
        return self.end

    @step
    def end(self, v: KernelView) -> Next:
        """End the run."""
        return self.finish(v)

    def begin_page(self, v: KernelView) -> None:
        """Take the least recent page off its lists and note the slots of its objects."""
        place = v.at.zs_class[self.pool][0]
        v[place], self.page, objects = zbud.reclaim_begin(v[place])
        self.slots = tuple(zsmalloc.slot_at(v, self.pool, where) for where in objects)


@attrs.define
class ShrinkerCount(Operation):
    """Tell the memory-pressure shrinker how many entries of a list are worth a try.

    memcg, nid: which list.  io_allowed: whether the allocation that ran short may do I/O and enter
    filesystems (Z07).  Value: a number of entries.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_shrinker_count(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z3")

    memcg: int
    nid: int
    io_allowed: bool = True

    @step
    def count(self, v: KernelView) -> Next:
        """Count the list, spare as many entries as swap-ins went to the device, scale by what is saved.

        Each disk swap-in spares one entry once: what is consumed is subtracted in the same step.
        """
        if not self.may_count(v):
            return self.finish(v, 0)
        backing = memcg_rules.stat(v, self.memcg, "zswap") // PAGE_SIZE
        stored = memcg_rules.stat(v, self.memcg, "zswapped")
        if not stored:
            return self.finish(v, 0)
        freeable = len(v[v.at.lru[self.memcg][self.nid]])
        place = v.at.nr_disk_swapins[self.memcg][self.nid]
        spared = shrink_decisions.spared_entries(v[place], freeable)
        v[place] -= spared
        return self.finish(v, shrink_decisions.worth_a_try(freeable - spared, backing, stored))

    def may_count(self, v: KernelView) -> bool:
        """Whether entries may be written back at all: the shrinker is on, and allocation and cgroup allow it."""
        allowed = v[v.at.zswap].shrinker_enabled and self.io_allowed
        return allowed and memcg_rules.writeback_enabled(v, self.memcg)

    def finish(self, v: KernelView, answer: int) -> Return:
        """End and tell observers."""
        v.emit("shrinker_count", nid=self.nid, memcg=self.memcg, ret=answer)
        return Return(answer)


@attrs.define
class ShrinkerScan(Operation):
    """Write back entries of a list because memory is short.

    memcg, nid: which list.  todo: visits at most.  Value: entries written back, or ``SHRINK_STOP``.
    """

    source: ClassVar[str] = "mm/zswap.c zswap_shrinker_scan(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z2", "Z3")

    memcg: int
    nid: int
    todo: int

    @step
    def scan(self, v: KernelView) -> Next:
        """Walk the list, ending at an entry that is being swapped in."""
        if not v[v.at.zswap].shrinker_enabled or not memcg_rules.writeback_enabled(v, self.memcg):
            return Return(SHRINK_STOP)
        walk = v.ops.list_lru_walk(memcg=self.memcg, nid=self.nid, budget=self.todo, stop_at_hot=True)
        return Call(walk, self.answer)

    @step
    def answer(self, v: KernelView) -> Next:
        """Ask not to be called again when nothing was freed or the list turned out hot."""
        removed, visits, hot = self.result
        answer = shrink_decisions.scan_answer(removed, hot)
        left = self.todo - visits
        v.emit("shrinker_scan", nid=self.nid, memcg=self.memcg, todo=left, scanned=self.todo, ret=answer)
        return Return(answer)
