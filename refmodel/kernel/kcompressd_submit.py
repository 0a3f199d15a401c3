"""Kswapd hands folios to kcompressd instead of compressing them (K1, K9, K10).

Only kswapd does: who reclaims for himself, or on demand, writes in place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, memcg
from refmodel.kernel.folio import live_folio
from refmodel.kernel.kcompressd_queue import is_full, publish, put_bio, refuse, submit, take, wake
from refmodel.kernel.page_io import WRITTEN, EndSwapWrite, SwapWriteDevice, SwapWritepage
from refmodel.kernel.shrink_lru import rotate
from refmodel.kernel.swap_slots import current_cpu
from refmodel.kernel.vmscan import ShrinkFolio
from refmodel.machine import Call, Next, Operation, Return, Wait, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

_RFC = "[RFC] 2/2 kcompressd: Add kcompressd for accelerated zram compression, 7 March 2025"
_PATCH = "[PATCH] mm: Add Kcompressd for accelerated memory compression, 30 April 2025"
_DESCENDANT = "kcompressd-unofficial 0.5 for 6.12.44"


@attrs.define
class Kswapd(Operation):
    """Kswapd reclaims one folio.

    folio: any folio.
    """

    source: ClassVar[str] = "mm/vmscan.c kswapd(), Linux 6.18.15"
    requirements: ClassVar[tuple[str, ...]] = ("K10",)

    folio: int

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin, unless it is at work already; a node that goes has none."""
        if v[v.at.kcompressd.kswapd] >= v.at.kcompressd.kswapds:
            return Wait("kswapd, which reclaims another folio")
        if any(v[place].stopping for place in v.at.kcompressd.queue):
            return Return()
        v[v.at.kcompressd.kswapd] += 1
        return Call(v.ops.kswapd_shrink(folio=self.folio), self.end)

    @step
    def end(self, v: KernelView) -> Next:
        """Be free for the next folio."""
        v[v.at.kcompressd.kswapd] -= 1
        return Return()


@attrs.define
class KswapdShrinkFolio(ShrinkFolio):
    """Reclaim one folio as kswapd, who may leave its compression to somebody else.

    A folio that is queued comes back locked or under writeback: it is kept, and met again by a later scan (K3).
    """

    def writepage(self, v: KernelView) -> Operation:
        """Return the operation that writes the folio out."""
        return v.ops.kswapd_writepage(folio=self.folio)


# --- discipline A: a queue of bios in zram --------------------------------------------------------------------


@attrs.define
class SwapWritepageA(SwapWritepage):
    """Swap a folio out as kswapd; zswap comes first, and in place."""

    source: ClassVar[str] = _RFC

    def write(self, v: KernelView) -> Operation:
        """Return the operation that hands the folio to the device."""
        return v.ops.kcompressd_submit(folio=self.folio)


@attrs.define
class KcompressdSubmitBio(SwapWriteDevice):
    """Submit a locked folio to zram: unlocked and under writeback, it goes into the first queue with room (K2).

    A device that is not synchronous for reads is not zram, and writes as ever.
    """

    source: ClassVar[str] = f"schedule_bio_write(), {_RFC}"
    requirements: ClassVar[tuple[str, ...]] = ("K1", "K2", "K3", "K9")

    folio: int
    queue: int = 0

    @step
    def submit(self, v: KernelView) -> Next:
        """Count the pages, start writeback, unlock."""
        self.begin_write(v)
        if not v[v.at.si].synchronous:
            return Return()
        v[v.at.kcompressd.bio[self.folio]] += 1
        return self.choose_queue

    @step
    def choose_queue(self, v: KernelView) -> Next:
        """Append the folio to the first queue with room; compress it here where there is none (A-X2)."""
        for queue, place in enumerate(v.at.kcompressd.queue):
            if v[place].stopping or v[place].torn:
                v[v.at.kcompressd.count.inline_gate] += 1
                return self.compress
            if not is_full(v, queue):
                self.queue = queue
                return self.kick if self.put(v) else self.publish
        refuse(v, 0, self.folio)
        return self.compress

    def put(self, v: KernelView) -> bool:
        """Append the bio, with a reference; return whether it is there."""
        v[v.at.kcompressd.bio[self.folio]] += 1
        return submit(v, self.queue, self.folio)

    @step
    def publish(self, v: KernelView) -> Next:
        """Make the bio visible, without a lock against other producers (A-X3)."""
        publish(v, self.queue, self.folio)
        return self.kick

    @step
    def kick(self, v: KernelView) -> Next:
        """Start the thread, or wake it if it sleeps; see to the queue here if it cannot be started (A-sub.5)."""
        place = v.at.kcompressd.queue[self.queue]
        if v[place].thread == "not started" and v.fails(choices.START_THREAD):
            return self.drain
        wake(v, self.queue)
        return Return()

    @step
    def drain(self, v: KernelView) -> Next:
        """Compress what waits for a thread that there is not; the next submission tries to start it again."""
        if not v[v.at.kcompressd.queue[self.queue]].fifo:
            return Return()
        folio = take(v, self.queue)
        return Call(v.ops.kcompressd_swapout(folio=folio, queue=self.queue), self.drain)

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the folio in place, which ends its write."""
        put_bio(v, self.folio)
        return Call(v.ops.end_swap_write(folio=self.folio))


# --- disciplines B and C: a queue of folios for each node -----------------------------------------------------


@attrs.define
class SwapWritepageB(SwapWritepage):
    """Swap a folio out as kswapd: it stays locked and waits for the thread of the node.

    Value: ``WRITTEN``; a folio that was queued is locked still, and no longer the caller's to unlock.
    """

    source: ClassVar[str] = _PATCH
    requirements: ClassVar[tuple[str, ...]] = ("K1", "K9")

    queue: int = 0

    @step
    def store(self, v: KernelView) -> Next:
        """Queue the folio if a thread may have it, else compress it here.

        A cgroup that forbids writeback has to be asked here, for only reclaim can take a folio back.
        """
        self.queue = self.node(v)
        if self.may_queue(v):
            return self.enqueue
        v[v.at.kcompressd.count.inline_gate] += 1
        return self.store_here

    @step
    def enqueue(self, v: KernelView) -> Next:
        """Append the folio, and leave lock and folio to the thread; a full queue leaves it here (K5)."""
        if is_full(v, self.queue):
            refuse(v, self.queue, self.folio)
            return self.store_here
        return self.wake if submit(v, self.queue, self.folio) else self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Make the folio visible, without a lock against other producers (I-9)."""
        publish(v, self.queue, self.folio)
        return self.wake

    @step
    def wake(self, v: KernelView) -> Next:
        """Wake the thread."""
        wake(v, self.queue)
        return Return(WRITTEN)

    @step
    def store_here(self, v: KernelView) -> Next:
        """Offer the folio to zswap in place."""
        return Call(v.ops.zswap_store(folio=self.folio), self.after_store)

    def node(self, v: KernelView) -> int:
        """Return the node of the CPU that kswapd runs on, which need not be that of the folio (B-sub.1)."""
        return v.cfg.sizes.node_of_cpu(current_cpu(v))

    def may_queue(self, v: KernelView) -> bool:
        """Whether the folio may wait: there is a thread, its cgroup allows writeback, and somebody compresses."""
        if v[v.at.kcompressd.queue[self.queue]].thread == "gone":
            return False
        folio = self.the_folio(v)
        compresses = v[v.at.zswap].enabled or v[v.at.si].synchronous
        return compresses and memcg.writeback_enabled(v, memcg.folio_memcg(v, folio))


@attrs.define
class SwapWritepageC(SwapWritepageB):
    """Swap a folio out as kswapd: a full queue takes it all the same, and kswapd compresses the oldest instead."""

    source: ClassVar[str] = _DESCENDANT

    head: int = 0

    def may_queue(self, v: KernelView) -> bool:
        """Whether the folio may wait: vm.kcompressd is not 0, either."""
        return bool(v[v.at.kcompressd.limit]) and SwapWritepageB.may_queue(self, v)

    @step
    def enqueue(self, v: KernelView) -> Next:
        """Make room: take the oldest folio out of a queue that is as long as it may be.

        A limit of 0 that was written meanwhile leaves nothing to be taken, and the folio here.
        """
        waiting = len(v[v.at.kcompressd.queue[self.queue]].fifo)
        if waiting < v[v.at.kcompressd.limit]:
            return self.insert
        if not waiting:
            v[v.at.kcompressd.count.inline_gate] += 1
            return self.store_here
        self.head = take(v, self.queue)
        v[v.at.kcompressd.count.helped] += 1
        return self.insert

    @step
    def insert(self, v: KernelView) -> Next:
        """Append the folio with a reference of its own (K05)."""
        return self.wake if submit(v, self.queue, self.folio) else self.publish

    @step
    def wake(self, v: KernelView) -> Next:
        """Wake the thread; then see to the oldest folio, if it was taken."""
        wake(v, self.queue)
        return self.help if self.head else Return(WRITTEN)

    @step
    def help(self, v: KernelView) -> Next:
        """Compress the oldest folio, as the thread would."""
        return Call(v.ops.kcompressd_swapout(folio=self.head, queue=self.queue), self.written)


@attrs.define
class EndSwapWriteRotates(EndSwapWrite):
    """The device has finished writing a folio, which goes to the cold end of its list if reclaim asked for that (K3).

    A folio that reclaim has not put back yet is on no list, and the move comes to nothing.
    """

    source: ClassVar[str] = (
        "mm/page_io.c __end_swap_bio_write(), mm/swap.c folio_rotate_reclaimable(), Linux 6.12.117"
    )
    requirements: ClassVar[tuple[str, ...]] = ("K3",)

    folio: int

    @step
    def complete(self, v: KernelView) -> Next:
        """Put the bytes on the device, or keep the folio dirty; rotate; end writeback."""
        before = live_folio(v, self.folio)
        written = self.is_written(v)
        self.end_writeback(v, written=written)
        after = self.the_folio(v)
        wanted = before.reclaim and not after.dirty
        owed = wanted and before.lru and not before.locked
        kept = written or after.dirty
        v.emit("write_ended", folio=self.folio, owed=owed, kept=kept, reclaim=after.reclaim)
        if owed:
            self.rotate(v)
        elif wanted:
            v[v.at.kcompressd.count.rotation_lost] += len(before.contents)
        return Return()

    def rotate(self, v: KernelView) -> None:
        """Have the folio moved to the cold end."""
        rotate(v, self.folio)
