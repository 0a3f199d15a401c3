"""A pass over LRU lists whose order is kept, and the move to their cold end (mm/vmscan.c, mm/swap.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel.folio import get_folio, isolate_folio, live_folio, put_folio, putback_folio
from refmodel.kernel.lru_lists import LISTS, activate, coldest, move_to_cold_end
from refmodel.machine import Call, Next, Operation, Return, Wait, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


@attrs.define
class ShrinkLruList(Operation):
    """Take the coldest folios off their list, reclaim each, and put back what cannot go.

    who: "kswapd", whose folios may be compressed by a thread; "direct" or "proactive": who reclaims for himself, or on
    demand, where everything is done in place.  nr: folios at most (32 in the kernel, SWAP_CLUSTER_MAX).
    How a folio's age is looked up, and legacy cgroups that sleep until a write has ended, are left out.
    """

    source: ClassVar[str] = "mm/vmscan.c shrink_inactive_list(), evict_folios(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("K3", "K10")

    who: str
    nr: int
    taken: tuple[int, ...] = ()
    folio: int = 0
    writing: int = 0
    immediate: bool = False
    retried: tuple[int, ...] = ()

    @step
    def begin(self, v: KernelView) -> Next:
        """Begin; kswapd does so when it is not at work already, and not for a node that goes."""
        if self.who == "kswapd":
            if v[v.at.kcompressd.kswapd] >= v.at.kcompressd.kswapds:
                return Wait("kswapd, which reclaims another folio")
            if any(v[place].stopping for place in v.at.kcompressd.queue):
                return Return()
            v[v.at.kcompressd.kswapd] += 1
        return self.isolate

    @step
    def isolate(self, v: KernelView) -> Next:
        """Take the coldest folios off their lists, with a reference to each (the lists' lock makes this one step)."""
        self.taken = coldest(v, self.nr)
        for number in self.taken:
            isolate_folio(v, number)
            v[v.at.folio[number]] = evolve(live_folio(v, number), active=False)
        self.nr = len(self.taken)
        return self.look

    @step
    def look(self, v: KernelView) -> Next:
        """Reclaim the next folio; one that is still being written is put back, marked for the cold end.

        It becomes active: whoever meets it again has gone through all others meanwhile.
        """
        if not self.taken:
            return self.end
        self.folio, self.taken = self.taken[0], self.taken[1:]
        folio = live_folio(v, self.folio)
        if folio.writeback and not folio.locked:
            self.note_writing(v)
            return self.look
        if self.who == "kswapd":
            return Call(v.ops.kswapd_shrink(folio=self.folio, isolated=True), self.after)
        return Call(v.ops.shrink_folio(folio=self.folio, isolated=True), self.after)

    def note_writing(self, v: KernelView) -> None:
        """Count a folio under writeback, which kswapd has met before if it is marked, and put it back."""
        folio = live_folio(v, self.folio)
        if self.who == "kswapd" and folio.reclaim and v[v.at.reclaim.all_writing[0]]:
            self.immediate = True
        else:
            self.writing += 1
        v[v.at.folio[self.folio]] = evolve(folio, reclaim=True)
        activate(v, self.folio)
        putback_folio(v, self.folio)

    @step
    def after(self, v: KernelView) -> Next:
        """Go on with what a split left.

        By generations a folio that could go by this time is tried once more: the write may have ended before the
        folio was put back, when its move to the cold end came to nothing.
        """
        self.taken = (*self.result, *self.taken)
        generations = len(v.at.reclaim.list) == LISTS["generations"]
        if generations and self.folio not in self.retried and _could_go(v, self.folio):
            isolate_folio(v, self.folio)
            self.retried += (self.folio,)
            self.taken = (self.folio, *self.taken)
        return self.look

    @step
    def end(self, v: KernelView) -> Next:
        """Say whether all were under writeback; classic kswapd is held back when it met one for the second time."""
        if self.who == "kswapd":
            v[v.at.reclaim.all_writing[0]] = bool(self.nr) and self.writing == self.nr
            if self.immediate and len(v.at.reclaim.list) == LISTS["classic"]:
                v[v.at.kcompressd.count.throttled] += 1
            v[v.at.kcompressd.kswapd] -= 1
        return Return()


def _could_go(v: KernelView, number: int) -> bool:
    folio = v[v.at.folio[number]]
    if folio is None or not folio.lru or folio.active:
        return False
    return not (folio.locked or folio.rmap or folio.dirty or folio.writeback)


@attrs.define
class LruAddDrain(Operation):
    """A CPU moves the folios that it has gathered to the cold end of their list."""

    source: ClassVar[str] = "mm/swap.c lru_add_drain_cpu(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("K3",)

    @step
    def drain(self, v: KernelView) -> Next:
        """Move them, under the lists' lock."""
        flush(v)
        return Return()


def rotate(v: KernelView, number: int) -> None:
    """Have a folio whose write has ended moved to the cold end (folio_rotate_reclaimable).

    Its CPU gathers some first, with a reference to each, so that none can be freed meanwhile.
    """
    v.emit("rotate", folio=number)
    if not v.at.reclaim.list:
        _count(v, number)
        return
    get_folio(v, number)
    place = v.at.reclaim.rotating[0]
    v[place] = (*v[place], number)
    assert v.cfg.lists is not None
    if len(v[place]) >= v.cfg.lists.batch:
        flush(v)


def flush(v: KernelView) -> None:
    """Move what was gathered and is still on a list, and give the references back."""
    place = v.at.reclaim.rotating[0]
    gathered, v[place] = v[place], ()
    for number in gathered:
        if live_folio(v, number).lru:
            move_to_cold_end(v, number)
            _count(v, number)
        put_folio(v, number)


def _count(v: KernelView, number: int) -> None:
    v[v.at.kcompressd.count.rotated] += len(live_folio(v, number).contents)
