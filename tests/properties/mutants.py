"""Planted bugs for properties that no bug of the museum breaks, in the form of exhibits."""

from __future__ import annotations

import attrs

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.madvise import MadviseWillneed
from refmodel.kernel.page_io import ACTIVATE, SwapWritepage
from refmodel.kernel.swap_slots import SwapPutMap73, SwapPutMap612
from refmodel.kernel.swap_state import SwapCacheDel
from refmodel.kernel.swapon import SwapOff618
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.kernel.zswap_entry import ZswapEntryFree, ZswapEntryFree73, ZswapInvalidate, live_entry
from refmodel.kernel.zswap_limits import limit_hit, max_pages, total_pages
from refmodel.kernel.zswap_load import ZswapLoad73
from refmodel.kernel.zswap_shrink import ListLruWalk, ShrinkerCount, ShrinkerScan
from refmodel.kernel.zswap_store import ZswapStore73, ZswapStore612
from refmodel.kernel.zswap_writeback import ZswapWriteback73
from refmodel.machine import Call, Next, Operation, Return, evolve, step
from refmodel.museum.exhibit import Command, Exhibit, do

WRITE = do("write_page", mm=0, page=0, content=1)
OUT = do("madvise_pageout", mm=0, page=0)
READ = do("read_page", mm=0, page=0)
ZAP = do("zap_pages", mm=0, page=0)
LARGE = (do("set_thp", order=2, on=True), WRITE, do("madvise_pageout", mm=0, page=0, nr=4))
SHRINK = do("shrink_memcg", memcg=1)


def mutant(
    name: str,
    base: str,
    operations: dict[str, type[Operation]],
    breaks: tuple[str, ...],
    *program: Command,
) -> Exhibit:
    """Plant a bug: as an exhibit, but nobody ever made it."""
    return Exhibit(
        id=name,
        about=None,
        source="planted",
        evidence="B",
        base=base,
        operations=operations,
        breaks=breaks,
        program=program,
    )


# --- stores -----------------------------------------------------------------------------------------------


@attrs.define
class AllPagesAtFirstSlot(ZswapStore73):
    @step
    def init_entry(self, v: KernelView) -> Next:
        """Note the folio's first slot in every entry."""
        following = ZswapStore73.init_entry(self, v)
        v[v.at.entry[self.entry]] = evolve(live_entry(v, self.entry), swpentry=self.the_folio(v).swap)
        return following


@attrs.define
class OneEntryForTheFolio(ZswapStore73):
    @step
    def publish(self, v: KernelView) -> Next:
        """Put the last page's entry at the first slot too."""
        folio = self.the_folio(v)
        if self.index == len(folio.contents) - 1:
            v[v.at.tree[folio.swap]] = self.entry
        return ZswapStore73.publish(self, v)


@attrs.define
class ObjectLeftBehind(ZswapStore73):
    @step
    def free_object(self, v: KernelView) -> Next:
        """Forget the object."""
        return self.free_entry


@attrs.define
class PoolNotNoted(ZswapStore73):
    @step
    def init_entry(self, v: KernelView) -> Next:
        """Leave the pool out."""
        following = ZswapStore73.init_entry(self, v)
        v[v.at.entry[self.entry]] = evolve(live_entry(v, self.entry), pool=0)
        return following


@attrs.define
class NoHysteresis(ZswapStore612):
    @step
    def check_pool_limit(self, v: KernelView) -> Next:
        """Move the bit as ever, but look at the limit alone."""
        limit_hit(v)
        return self.reject if total_pages(v) >= max_pages(v) else self.alloc_entry


@attrs.define
class StoresWhileDisabled(ZswapStore73):
    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Do not ask."""
        return self.check_memcg_limit


@attrs.define
class WritebackNotAsked(SwapWritepage):
    @step
    def after_store(self, v: KernelView) -> Next:
        """Write whatever zswap did not take."""
        following = SwapWritepage.after_store(self, v)
        if isinstance(following, Return) and following.value == ACTIVATE:
            return Call(v.ops.swap_write_device(folio=self.folio), then=self.written)
        return following


@attrs.define
class LengthOfThePage(ZswapCompress):
    @step
    def copy(self, v: KernelView) -> Next:
        """Note the length of the page instead of that of its object."""
        following = ZswapCompress.copy(self, v)
        v[v.at.entry[self.entry]] = evolve(live_entry(v, self.entry), length=PAGE_SIZE)
        return following


@attrs.define
class PagesForNothing(ZswapCompress):
    @step
    def copy(self, v: KernelView) -> Next:
        """Forget that the pool has taken pages."""
        v[v.at.pool_pages[self.pool]] = 0
        return ZswapCompress.copy(self, v)


@attrs.define
class ContextKeptOnFailure(ZswapCompress):
    @step
    def fail(self, v: KernelView) -> Next:
        """Refuse the page and keep the context."""
        return Return(False)


# --- entries and slots ------------------------------------------------------------------------------------


@attrs.define
class ZspageKept(ZswapEntryFree):
    @step
    def free_object(self, v: KernelView) -> Next:
        """Free the object, but let its size class believe that it is there."""
        stored = v[v.at.zs_object[live_entry(v, self.entry).handle]]
        assert stored is not None
        place = v.at.zs_class[stored.pool][stored.size_class]
        before = v[place]
        following = ZswapEntryFree.free_object(self, v)
        v[place] = before
        return following


@attrs.define
class IncompressibleForgotten(ZswapEntryFree73):
    @step
    def uncharge(self, v: KernelView) -> Next:
        """Take the charge back and count nothing out."""
        following = ZswapEntryFree73.uncharge(self, v)
        v[v.at.zs.stored_incompressible_pages] += live_entry(v, self.entry).length == PAGE_SIZE
        return following


@attrs.define
class DeafInvalidate(ZswapInvalidate):
    @step
    def erase(self, v: KernelView) -> Next:
        """Do nothing."""
        return Return()


@attrs.define
class CountKeptInTheMap(SwapPutMap612):
    @step
    def drop(self, v: KernelView) -> Next:
        """Do nothing."""
        return Return(False)


@attrs.define
class CountKeptInTheTable(SwapPutMap73):
    @step
    def drop(self, v: KernelView) -> Next:
        """Do nothing."""
        return Return(False)


@attrs.define
class TailLeftInTheCache(SwapCacheDel):
    @step
    def remove(self, v: KernelView) -> Next:
        """Leave the last slot of the folio behind."""
        folio = v[v.at.folio[self.folio]]
        assert folio is not None
        following = SwapCacheDel.remove(self, v)
        v[v.at.swap_cache[folio.swap + len(folio.contents) - 1]] = self.folio
        return following


@attrs.define
class SwapcachedKept(SwapCacheDel):
    @step
    def remove(self, v: KernelView) -> Next:
        """Count nothing out."""
        v[v.at.vm.nr_swapcached] += 1
        return SwapCacheDel.remove(self, v)


@attrs.define
class SwapoffWithoutReading(SwapOff618):
    @step
    def search_mm(self, v: KernelView) -> Next:
        """Read nothing in."""
        return self.kill_users

    @step
    def free_trees(self, v: KernelView) -> Next:
        """Free the trees without looking."""
        v[v.at.si] = evolve(v[v.at.si], zswap_trees=False)
        return Return(0)


@attrs.define
class StaysOnTheList(SwapOff618):
    @step
    def close(self, v: KernelView) -> Next:
        """Leave the device on the list of available devices."""
        following = SwapOff618.close(self, v)
        v[v.at.avail_list] = True
        return following


# --- loads and writeback ----------------------------------------------------------------------------------


@attrs.define
class LoadKeepsTheEntry(ZswapLoad73):
    @step
    def erase(self, v: KernelView) -> Next:
        """Leave the entry where it is."""
        return self.done


@attrs.define
class FreedAndStillNamed(ZswapLoad73):
    @step
    def erase(self, v: KernelView) -> Next:
        """Free the entry and leave its number in the tree."""
        return Call(v.ops.zswap_entry_free(entry=self.entry), then=self.done)


@attrs.define
class FailedWritebackKeepsFolio(ZswapWriteback73):
    @step
    def back_out(self, v: KernelView) -> Next:
        """Give up and leave the folio in the swap cache."""
        return self.finish(v, self.error)


@attrs.define
class CountedAndNotWritten(ZswapWriteback73):
    @step
    def write(self, v: KernelView) -> Next:
        """Unlock the folio instead of submitting it."""
        folio = v[v.at.folio[self.folio]]
        assert folio is not None
        v[v.at.folio[self.folio]] = evolve(folio, uptodate=True, locked=False)
        return self.done


@attrs.define
class NoSecondChance(ListLruWalk):
    @step
    def visit(self, v: KernelView) -> Next:
        """Take the mark of the head away and write it back in the same visit."""
        entries = v[v.at.lru[self.memcg][self.nid]]
        if entries and live_entry(v, entries[0]).referenced:
            entry = live_entry(v, entries[0])
            v[v.at.entry[entries[0]]] = evolve(entry, referenced=False)
            v.emit("lru_visit", swp=entry.swpentry, len=entry.length, ref=1, ret="removed_retry")
        return ListLruWalk.visit(self, v)


@attrs.define
class ProtectionOverdrawn(ShrinkerCount):
    @step
    def count(self, v: KernelView) -> Next:
        """Spare one entry more than there were swap-ins."""
        following = ShrinkerCount.count(self, v)
        v[v.at.nr_disk_swapins[self.memcg][self.nid]] -= 1
        return following


@attrs.define
class ScansAnotherNode(ShrinkerScan):
    @step
    def scan(self, v: KernelView) -> Next:
        """Walk the list of the first node, whichever is asked for."""
        walk = v.ops.list_lru_walk(memcg=self.memcg, nid=0, budget=self.todo, stop_at_hot=True)
        return Call(walk, then=self.answer)


@attrs.define
class PinKept(ZswapWriteback73):
    @step
    def claimed(self, v: KernelView) -> Next:
        """Give up and forget the pin of the device."""
        if self.result < 0:
            return self.finish(v, self.errno_of(self.result))
        return ZswapWriteback73.claimed(self, v)


@attrs.define
class ReferenceKept(MadviseWillneed):
    @step
    def put_folio(self, v: KernelView) -> Next:
        """Drop the mmap lock and keep the folio."""
        self.result = 0
        return MadviseWillneed.put_folio(self, v)


MUTANTS = (
    mutant(
        "all_pages_at_first_slot",
        "linux-7.3",
        {"zswap_store": AllPagesAtFirstSlot},
        ("ZS-2",),
        *LARGE,
    ),
    mutant(
        "one_entry_for_the_folio",
        "linux-7.3",
        {"zswap_store": OneEntryForTheFolio},
        ("ZS-3",),
        *LARGE,
    ),
    mutant(
        "object_left_behind",
        "linux-7.3",
        {"zswap_store": ObjectLeftBehind},
        ("ZS-12",),
        WRITE,
        do("madvise_pageout", {"xa_store": (1,)}, mm=0, page=0),
    ),
    mutant("pool_not_noted", "linux-7.3", {"zswap_store": PoolNotNoted}, ("ZS-11", "ZS-15"), WRITE, OUT),
    mutant(
        "no_hysteresis",
        "linux-6.12",
        {"zswap_store": NoHysteresis},
        ("ZS-24",),
        WRITE,
        do("write_page", mm=0, page=1, content=2),
        do("write_page", mm=0, page=2, content=3),
        OUT,
        do("set_param", name="max_pool_percent", value="0"),
        do("madvise_pageout", mm=0, page=1),
        do("set_param", name="max_pool_percent", value="100"),
        do("set_param", name="accept_threshold_percent", value="0"),
        do("madvise_pageout", mm=0, page=2),
    ),
    mutant(
        "stores_while_disabled",
        "linux-7.3",
        {"zswap_store": StoresWhileDisabled},
        ("ZS-31",),
        do("set_param", name="enabled", value="0"),
        WRITE,
        OUT,
    ),
    mutant(
        "writeback_not_asked",
        "linux-6.12",
        {"swap_writepage": WritebackNotAsked},
        ("LIMIT-WRITEBACK",),
        do("set_memcg", memcg=1, control="zswap.writeback", value="0"),
        WRITE,
        do("madvise_pageout", {"compress": (1,)}, mm=0, page=0),
    ),
    mutant("length_of_the_page", "linux-6.12", {"zswap_compress": LengthOfThePage}, ("ZS-17",), WRITE, OUT),
    mutant(
        "pages_for_nothing", "linux-6.12", {"zswap_compress": PagesForNothing}, ("ZS-32", "ZSM-1"), WRITE, OUT
    ),
    mutant(
        "context_kept_on_failure",
        "linux-6.12",
        {"zswap_compress": ContextKeptOnFailure},
        ("ZS-27",),
        WRITE,
        do("madvise_pageout", {"compress": (1,)}, mm=0, page=0),
    ),
    mutant("zspage_kept", "linux-6.12", {"zswap_entry_free": ZspageKept}, ("ZSM-2",), WRITE, OUT, ZAP),
    mutant(
        "incompressible_forgotten",
        "linux-7.3",
        {"zswap_entry_free": IncompressibleForgotten},
        ("ZS-9",),
        WRITE,
        do("madvise_pageout", {"compress": (1,)}, mm=0, page=0),
        ZAP,
    ),
    mutant(
        "deaf_invalidate",
        "linux-7.3",
        {"zswap_invalidate": DeafInvalidate},
        ("ZS-13", "ZS-14"),
        WRITE,
        OUT,
        ZAP,
    ),
    mutant(
        "count_kept_in_the_map",
        "linux-6.12",
        {"swap_put_map": CountKeptInTheMap},
        ("SD-33",),
        WRITE,
        OUT,
        ZAP,
    ),
    mutant(
        "count_kept_in_the_table",
        "linux-7.3",
        {"swap_put_map": CountKeptInTheTable},
        ("SD-36",),
        WRITE,
        OUT,
        ZAP,
    ),
    mutant(
        "tail_left_in_the_cache", "linux-7.3", {"swap_cache_del": TailLeftInTheCache}, ("SD-18",), WRITE, OUT
    ),
    mutant("swapcached_kept", "linux-7.3", {"swap_cache_del": SwapcachedKept}, ("SD-27",), WRITE, OUT),
    mutant(
        "swapoff_without_reading",
        "linux-7.3",
        {"swapoff": SwapoffWithoutReading},
        ("ZS-28",),
        WRITE,
        OUT,
        do("swapoff"),
    ),
    mutant("stays_on_the_list", "linux-7.3", {"swapoff": StaysOnTheList}, ("AVAILABLE",), do("swapoff")),
    mutant(
        "load_keeps_the_entry", "linux-7.3", {"zswap_load": LoadKeepsTheEntry}, ("ZS-21",), WRITE, OUT, READ
    ),
    mutant(
        "freed_and_still_named", "linux-7.3", {"zswap_load": FreedAndStillNamed}, ("LIVE",), WRITE, OUT, READ
    ),
    mutant(
        "failed_writeback_keeps_folio",
        "linux-7.3",
        {"zswap_writeback_entry": FailedWritebackKeepsFolio},
        ("ZS-22",),
        WRITE,
        OUT,
        SHRINK,
        do("shrink_memcg", {"decompress": (1,)}, memcg=1),
    ),
    mutant(
        "counted_and_not_written",
        "linux-7.3",
        {"zswap_writeback_entry": CountedAndNotWritten},
        ("ZS-30",),
        WRITE,
        OUT,
        SHRINK,
        SHRINK,
    ),
    mutant(
        "no_second_chance", "linux-6.12", {"list_lru_walk": NoSecondChance}, ("ZS-23",), WRITE, OUT, SHRINK
    ),
    mutant(
        "protection_overdrawn",
        "linux-6.12",
        {"shrinker_count": ProtectionOverdrawn},
        ("ZS-26",),
        WRITE,
        OUT,
        do("set_param", name="shrinker_enabled", value="1"),
        do("shrinker_count", memcg=1, nid=0),
    ),
    mutant(
        "scans_another_node",
        "batching-v13",
        {"shrinker_scan": ScansAnotherNode},
        ("FREED",),
        do("set_param", name="shrinker_enabled", value="1"),
        WRITE,
        OUT,
        do("shrinker_scan", memcg=1, nid=1, todo=1),
        do("shrinker_scan", memcg=1, nid=1, todo=1),
    ),
    mutant(
        "pin_kept",
        "linux-7.3",
        {"zswap_writeback_entry": PinKept},
        ("LOCKS",),
        WRITE,
        OUT,
        SHRINK,
        do("shrink_memcg", {"alloc_folio": (1,)}, memcg=1),
    ),
    mutant(
        "reference_kept",
        "linux-7.3",
        {"madvise_willneed": ReferenceKept},
        ("REFS",),
        WRITE,
        OUT,
        do("madvise_willneed", mm=0, page=0),
    ),
)
