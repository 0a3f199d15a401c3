"""The threads of kcompressd: what they do with a folio, when they sleep, and how they stop (K1, K5, K9)."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.folio import FolioOperation, put_folio
from refmodel.kernel.kcompressd_queue import complete, put_bio, take, wake
from refmodel.kernel.kcompressd_state import KcompressdQueue
from refmodel.kernel.page_io import folio_order
from refmodel.kernel.swap_fault import DoSwapPage, DoSwapPage73
from refmodel.kernel.swap_slots import slots_of
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.state import Pte
    from refmodel.kernel.table import KernelView

_RFC = "[RFC] 2/2 kcompressd: Add kcompressd for accelerated zram compression, 7 March 2025"
_PATCH = "[PATCH] mm: Add Kcompressd for accelerated memory compression, 30 April 2025"
_DESCENDANT = "kcompressd-unofficial 0.5 for 6.12.44"


def note_flags(v: KernelView, folio: int) -> bool:
    """Say with which flags whoever is about to compress a folio allocates; return whether it may use the reserves."""
    options = v.cfg.options.kcompressd
    assert options is not None
    v.emit("kcompressd_compress", folio=folio, memalloc=options.memalloc)
    return options.memalloc


# --- one folio ------------------------------------------------------------------------------------------------


@attrs.define
class KcompressdSwapoutA(FolioOperation):
    """Write a folio to zram, and end its write.

    folio: under writeback, taken out of a queue.  queue: which one.
    """

    source: ClassVar[str] = f"zram_bio_write_callback(), {_RFC}"
    requirements: ClassVar[tuple[str, ...]] = ("K9",)

    folio: int
    queue: int

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the pages; whoever faults meanwhile maps the folio, read-only."""
        self.the_folio(v)
        note_flags(v, self.folio)
        return self.end_write

    @step
    def end_write(self, v: KernelView) -> Next:
        """End the write, which ends what protected the folio, and who submitted it lets go of the bio."""
        complete(v, self.queue, self.folio)
        put_bio(v, self.folio)
        return Call(v.ops.end_swap_write(folio=self.folio), self.release)

    @step
    def release(self, v: KernelView) -> Next:
        """Let go of the bio, too, which frees it (A-run.6)."""
        put_bio(v, self.folio)
        return Return()


@attrs.define
class KcompressdSwapoutB(FolioOperation):
    """Store a folio in zswap, or write it to the device where zswap refuses it.

    folio: locked, taken out of a queue.  queue: which one.
    Nobody asks the folio's cgroup again whether it may be written back (I-11), and nobody has a reference.
    """

    source: ClassVar[str] = f"kcompressd(), {_PATCH}"
    requirements: ClassVar[tuple[str, ...]] = ("K9",)

    folio: int
    queue: int

    @step
    def store(self, v: KernelView) -> Next:
        """Offer the folio to zswap; a thread that may not use the reserves may have to reclaim for that (I-16)."""
        if not note_flags(v, self.folio) and v.fails(choices.RECLAIM):
            return Call(v.ops.direct_reclaim(), self.offer)
        return self.offer(v)

    @step
    def offer(self, v: KernelView) -> Next:
        """Offer it, after reclaim."""
        return Call(v.ops.zswap_store(folio=self.folio), self.after_store)

    @step
    def after_store(self, v: KernelView) -> Next:
        """Unlock a folio that zswap took; leave another one to the device, which unlocks it under writeback."""
        complete(v, self.queue, self.folio)
        if not self.result:
            return Call(v.ops.swap_write_device(folio=self.folio), self.end)
        folio = self.the_folio(v)
        if v.cfg.options.mthp_zswpout and len(folio.contents) > 1:
            v[v.at.mthp[folio_order(folio)].zswpout] += 1
        self.change(v, locked=False)
        return self.wake_waiters

    @step
    def wake_waiters(self, v: KernelView) -> Next:
        """Wake who sleeps for the lock: the second half of unlocking looks at the folio once more."""
        self.the_folio(v)
        return self.end

    @step
    def end(self, v: KernelView) -> Next:
        """The folio is somebody else's from here on."""
        return Return()


@attrs.define
class KcompressdSwapoutC(KcompressdSwapoutB):
    """Store or write a folio, and give the reference of the queue back last of all (KC-19)."""

    source: ClassVar[str] = f"do_swapout(), {_DESCENDANT}"

    @step
    def end(self, v: KernelView) -> Next:
        """Give the reference back."""
        put_folio(v, self.folio)
        return Return()


@attrs.define
class KcompressdSwapoutAsks(KcompressdSwapoutC):
    """Store or write a folio, and ask its cgroup once more before the device gets it (I-11)."""

    source: ClassVar[str] = "asked for by memory.zswap.writeback, mm/page_io.c swap_writeout(), Linux 6.18.15"

    @step
    def after_store(self, v: KernelView) -> Next:
        """Keep a folio in memory, dirty, that zswap refuses and whose cgroup forbids writeback by this time."""
        if self.result or memcg.writeback_enabled(v, memcg.folio_memcg(v, self.the_folio(v))):
            return KcompressdSwapoutC.after_store(self, v)
        complete(v, self.queue, self.folio)
        v.emit("kcompressd_kept", swp=self.the_folio(v).swap)
        self.change(v, dirty=True, locked=False)
        return self.wake_waiters


@attrs.define
class KcompressdSwapoutCancel(KcompressdSwapoutAsks):
    """Drop a folio that no page table names any more, instead of compressing it (K7, I-5).

    The question is that of swap_writepage(), asked again by who has the folio's lock: under it the count of a slot does
    not rise, and a folio that loses its slots is marked dirty, so nobody takes it for written.
    """

    source: ClassVar[str] = "proposed in the thread of March 2025; nobody has posted it"
    requirements: ClassVar[tuple[str, ...]] = ("K7", "K9")

    @step
    def store(self, v: KernelView) -> Next:
        """Offer the folio to zswap, if somebody still names it."""
        if any(v[v.at.slot[slot]].count for slot in slots_of(self.the_folio(v))):
            return KcompressdSwapoutAsks.store(self, v)
        complete(v, self.queue, self.folio)
        return Call(v.ops.folio_free_swap(folio=self.folio), self.cancelled)

    @step
    def cancelled(self, v: KernelView) -> Next:
        """Unlock the folio, which nobody has but the queue."""
        self.change(v, locked=False)
        return self.wake_waiters


# --- threads --------------------------------------------------------------------------------------------------


@attrs.define
class KcompressdRun(Operation):
    """A thread that is awake sees to folios until its queue is empty, then sleeps or, when told to, ends.

    queue: whose thread.
    """

    source: ClassVar[str] = f"kcompressd(), {_PATCH}"
    requirements: ClassVar[tuple[str, ...]] = ("K1", "K5")

    queue: int

    @step
    def wait(self, v: KernelView) -> Next:
        """Sleep while the queue is empty: who wakes takes the lock of the wait queue, so no wake-up is lost."""
        place = v.at.kcompressd.queue[self.queue]
        if v[place].fifo:
            return self.take
        v[place] = evolve(v[place], thread="gone" if v[place].stopping else "sleeping")
        return Return()

    @step
    def take(self, v: KernelView) -> Next:
        """Take the oldest folio, unless somebody was faster."""
        if not v[v.at.kcompressd.queue[self.queue]].fifo:
            return self.wait
        folio = take(v, self.queue)
        return Call(v.ops.kcompressd_swapout(folio=folio, queue=self.queue), self.wait)


@attrs.define
class KcompressdRunA(KcompressdRun):
    """A thread that says that it sleeps, looks once more, and then does."""

    source: ClassVar[str] = f"kcompressd_thread(), {_RFC}"

    @step
    def wait(self, v: KernelView) -> Next:
        """Go on while there are folios; end when told to, whatever is left."""
        place = v.at.kcompressd.queue[self.queue]
        if v[place].stopping:
            v[place] = evolve(v[place], thread="gone")
            return Return()
        return self.take if v[place].fifo else self.sleep

    @step
    def sleep(self, v: KernelView) -> Next:
        """Say so: from here on a producer wakes the thread."""
        place = v.at.kcompressd.queue[self.queue]
        v[place] = evolve(v[place], thread="sleeping")
        return self.look_again

    @step
    def look_again(self, v: KernelView) -> Next:
        """Stay awake for a folio that came meanwhile.

        A store buffer could hide it (A-X6, derived and UNVERIFIED); the steps of the model are in one order.
        """
        place = v.at.kcompressd.queue[self.queue]
        if v[place].fifo or v[place].stopping:
            v[place] = evolve(v[place], thread="running")
            return self.wait
        return Return()


@attrs.define
class KcompressdRunC(KcompressdRun):
    """A thread that ends as soon as it is told to: the 6.1 port leaves its loop before it has emptied the queue."""

    source: ClassVar[str] = (
        "a vendor's mm/page_io.c based on Linux 6.1 with the design of kcompressd-unofficial"
    )

    @step
    def wait(self, v: KernelView) -> Next:
        """End when told to; sleep while the queue is empty."""
        place = v.at.kcompressd.queue[self.queue]
        if v[place].stopping:
            v[place] = evolve(v[place], thread="gone")
            return Return()
        if v[place].fifo:
            return self.take
        v[place] = evolve(v[place], thread="sleeping")
        return Return()


@attrs.define
class KcompressdStop(Operation):
    """The node goes, or the module: kswapd first, then the thread, then its ring.

    queue: whose thread.
    """

    source: ClassVar[str] = f"kswapd_stop(), {_PATCH}"
    requirements: ClassVar[tuple[str, ...]] = ("K5",)

    queue: int

    @step
    def stop_kswapd(self, v: KernelView) -> Next:
        """Let kswapd finish its folio and begin no other; tell the thread to end, which wakes it."""
        if v[v.at.kcompressd.kswapd]:
            return Wait("kswapd, which reclaims a folio")
        place = v.at.kcompressd.queue[self.queue]
        if v[place].stopping:
            return Wait(f"who stops thread {self.queue} already")
        if v[place].torn:
            return Return()
        return self.tell(v)

    def tell(self, v: KernelView) -> Next:
        """Tell the thread to end, which wakes it."""
        place = v.at.kcompressd.queue[self.queue]
        v[place] = evolve(v[place], stopping=True)
        wake(v, self.queue)
        return self.stop_thread

    @step
    def stop_thread(self, v: KernelView) -> Next:
        """Wait for the end of the thread."""
        place = v.at.kcompressd.queue[self.queue]
        return self.free_ring if v[place].thread == "gone" else Wait(f"the end of thread {self.queue}")

    @step
    def free_ring(self, v: KernelView) -> Next:
        """Free the ring; folios are compressed in place from here on."""
        place = v.at.kcompressd.queue[self.queue]
        v[place] = evolve(v[place], torn=True, stopping=False)
        return Return()


@attrs.define
class KcompressdStopA(KcompressdStop):
    """The module goes: the threads end, and who stops them sees to what is left in their queues."""

    source: ClassVar[str] = f"kcompressd_deinit(), {_RFC}"

    @step
    def stop_kswapd(self, v: KernelView) -> Next:
        """Wait until kswapd appends nothing; there may be no thread yet that could be told to end."""
        place = v.at.kcompressd.queue[self.queue]
        if v[v.at.kcompressd.kswapd] or v[place].thread != "not started":
            return KcompressdStop.stop_kswapd(self, v)
        v[place] = evolve(v[place], thread="gone", stopping=True)
        return self.free_ring

    @step
    def free_ring(self, v: KernelView) -> Next:
        """Compress what waits, then free the ring."""
        if v[v.at.kcompressd.queue[self.queue]].fifo:
            folio = take(v, self.queue)
            return Call(v.ops.kcompressd_swapout(folio=folio, queue=self.queue), self.free_ring)
        return KcompressdStop.free_ring(self, v)


@attrs.define
class KcompressdParam(Operation):
    """The number of threads is written: all are stopped, and start again with the next folio (A-par.1).

    value: how many threads; the arrays are as large as they are, so no other number can be had.
    Value: 0, or -EINVAL for a number that there cannot be.
    """

    source: ClassVar[str] = f"nr_kcompressd, {_RFC}"
    requirements: ClassVar[tuple[str, ...]] = ("K1",)

    value: int

    @step
    def parse(self, v: KernelView) -> Next:
        """Look at the number first: a bad one changes nothing.  One parameter is written at a time."""
        if v[v.at.param_locked]:
            return Wait("the lock of module parameters")
        return self.stop(v) if self.good(v) else self.refuse(v, usable=True)

    @step
    def restart(self, v: KernelView) -> Next:
        """Let the queue be used again."""
        v[v.at.param_locked] = False
        v[v.at.kcompressd.queue[0]] = KcompressdQueue(thread="not started")
        return Return(0)

    def good(self, v: KernelView) -> bool:
        """Whether there can be so many threads."""
        return self.value == len(v.at.kcompressd.queue)

    def stop(self, v: KernelView) -> Next:
        """Stop the thread."""
        v[v.at.param_locked] = True
        return Call(v.ops.kcompressd_stop(queue=0), self.restart)

    def refuse(self, v: KernelView, *, usable: bool) -> Next:
        """Say that the number is none.  usable: the queues are as before."""
        v.emit("kcompressd_refused_param", value=self.value, usable=usable)
        return Return(-errno.EINVAL)


@attrs.define
class KcompressdLimit(Operation):
    """vm.kcompressd is written: how many folios may wait (I-17).

    value: folios, 0 for none.  Those that wait go on waiting.  Value: 0, or -EINVAL for more than the ring holds.
    """

    source: ClassVar[str] = f"vm.kcompressd, {_DESCENDANT}"
    requirements: ClassVar[tuple[str, ...]] = ("K5",)

    value: int

    @step
    def write(self, v: KernelView) -> Next:
        """Note the limit."""
        if not 0 <= self.value <= v.at.kcompressd.capacity:
            return Return(-errno.EINVAL)
        v[v.at.kcompressd.limit] = self.value
        return Return(0)


# --- a fault on a folio that waits ----------------------------------------------------------------------------


@attrs.define
class DoSwapPageStable(DoSwapPage):
    """A fault on a swap entry, where the device needs pages that do not change while they are written.

    Zram does: a page under writeback is mapped read-only, so that the next write copies it (KC-4).
    """

    source: ClassVar[str] = "mm/memory.c do_swap_page() with SWP_STABLE_WRITES, Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("K6",)

    def alone(self, v: KernelView, pte: Pte) -> bool:
        """Whether the page may be written in place."""
        unstable = self.the_folio(v).writeback and v[v.at.si].synchronous
        return not unstable and super().alone(v, pte)


@attrs.define
class DoSwapPageStable73(DoSwapPageStable, DoSwapPage73):
    """A fault on a swap entry that maps before it drops counts, where the device needs pages that do not change."""

    source: ClassVar[str] = "mm/memory.c do_swap_page() with SWP_STABLE_WRITES, Linux 7.3.4"
