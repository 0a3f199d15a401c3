"""Planted bugs for properties of batches that no bug of the museum breaks, in the form of exhibits."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from refmodel.kernel.cpuhp_batch import CpuOnlineV4
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress_pages import ZswapCompressPagesV12, lock_context, unlock_context
from refmodel.kernel.zswap_entry import live_entry
from refmodel.kernel.zswap_store_batch import ZswapStoreV12
from refmodel.kernel.zswap_store_pages import ZswapStorePagesV13, ZswapStorePagesV14
from refmodel.machine import Next, Operation, Return, step
from refmodel.museum.exhibit import Command, Exhibit, do

WRITE = (do("set_thp", order=2, on=True), do("write_page", mm=0, page=0, content=1))
"""A folio of four pages, which a store takes in batches of three pages and one."""


def out(answers: Mapping[str, tuple[int, ...]] | None = None) -> Command:
    """Swap the folio out; ``answers`` as in ``do``."""
    return do("madvise_pageout", answers, mm=0, page=0, nr=4)


OUT = out()


def mutant(
    name: str,
    operations: dict[str, type[Operation]],
    breaks: tuple[str, ...],
    *program: Command,
    base: str = "batching-v13",
    batch: int = 1,
) -> Exhibit:
    """Plant a bug in a store by batches: as an exhibit, but nobody ever made it."""
    return Exhibit(
        id=name,
        about=None,
        source="planted",
        evidence="B",
        base=base,
        operations=operations,
        batch=batch,
        breaks=breaks,
        program=program,
    )


# --- batches ----------------------------------------------------------------------------------------------


@attrs.define
class TheFolioIsOneBatch(ZswapStoreV12):
    def batch_length(self, v: KernelView) -> int:
        """Take all pages at once."""
        return len(self.the_folio(v).contents)


@attrs.define
class PublishesBackwards(ZswapStorePagesV13):
    @step
    def after_compress(self, v: KernelView) -> Next:
        """Turn the batch round."""
        self.entries = self.entries[::-1]
        return ZswapStorePagesV13.after_compress(self, v)

    def slot(self, v: KernelView) -> int:
        """Return the slot that belongs to the next entry."""
        return live_entry(v, self.entries[self.done]).swpentry


@attrs.define
class PublishesBeforeCompression(ZswapStorePagesV13):
    @step
    def init_entries(self, v: KernelView) -> Next:
        """Put all entries into the tree as soon as they are complete but for their bytes."""
        following = ZswapStorePagesV13.init_entries(self, v)
        for number in self.entries:
            slot = live_entry(v, number).swpentry
            v[v.at.tree[slot]] = number
            v.emit("xa_store", swp=slot, entry=number, ret=0)
        return following

    @step
    def publish(self, v: KernelView) -> Next:
        """Go on, for the tree has the entry."""
        return self.charge


@attrs.define
class CleanUpStopsShort(ZswapStorePagesV13):
    @step
    def store_pages_failed(self, v: KernelView) -> Next:
        """Leave the last entry where it is, with its object."""
        self.entries = self.entries[:-1]
        return ZswapStorePagesV13.store_pages_failed(self, v)


@attrs.define
class MetadataLeftBehind(ZswapStorePagesV14):
    @step
    def free_bulk(self, v: KernelView) -> Next:
        """Free nothing."""
        return self.failed(v)


# --- contexts and calls ---------------------------------------------------------------------------------------


@attrs.define
class CallsAhead(ZswapCompressPagesV12):
    found: tuple[int, ...] = ()

    @step
    def look(self, v: KernelView) -> Next:
        """Call for the next page at once, and copy all of them out of the one buffer at the end."""
        self.found += self.result
        if self.calls < len(self.entries):
            return self.call
        self.lengths = self.found
        return self.copy

    def object_of(self, v: KernelView, buffer: int) -> tuple[int, object]:
        """Return what the buffer holds."""
        return ZswapCompressPagesV12.object_of(self, v, 0)


@attrs.define
class UnlocksBeforeCopying(ZswapCompressPagesV12):
    buffers: tuple[object, ...] = ()

    @step
    def look(self, v: KernelView) -> Next:
        """Let the context go and keep what is in its buffers, which nobody has used since."""
        following = ZswapCompressPagesV12.look(self, v)
        self.buffers = v[v.at.acomp_ctx[self.pool][self.cpu]].buffers
        unlock_context(v, self.pool, self.cpu)
        return following

    @step
    def unlock_ctx(self, v: KernelView) -> Next:
        """End, for the context is unlocked."""
        return Return(True)

    def object_of(self, v: KernelView, buffer: int) -> tuple[int, object]:
        """Return what was in the buffer."""
        return self.lengths[buffer], self.buffers[buffer]


@attrs.define
class PublishesWithTheContext(ZswapStorePagesV13):
    @step
    def after_compress(self, v: KernelView) -> Next:
        """Lock the context again."""
        lock_context(v, self.pool, 0)
        return ZswapStorePagesV13.after_compress(self, v)

    @step
    def all_stored(self, v: KernelView) -> Next:
        """Let it go at the end of the batch."""
        unlock_context(v, self.pool, 0)
        return ZswapStorePagesV13.all_stored(self, v)


@attrs.define
class RawThoughForbidden(ZswapCompressPagesV12):
    @step
    def look(self, v: KernelView) -> Next:
        """Keep every page raw that failed."""
        self.wb_enabled = True
        return ZswapCompressPagesV12.look(self, v)


@attrs.define
class CountsTwice(ZswapCompressPagesV12):
    @step
    def fail(self, v: KernelView) -> Next:
        """Count the batch as well, after the pages that failed."""
        v[v.at.zs.reject_alloc_fail] += 1
        v.emit("reject", why="reject_alloc_fail", swp=self.slot(v))
        return ZswapCompressPagesV12.fail(self, v)


NO_WRITEBACK = do("set_memcg", memcg=1, control="zswap.writeback", value="0")

BATCH_MUTANTS = (
    mutant("the_folio_is_one_batch", {"zswap_store": TheFolioIsOneBatch}, ("BT-9",), *WRITE, OUT),
    mutant("publishes_backwards", {"zswap_store_pages": PublishesBackwards}, ("BT-2",), *WRITE, OUT),
    mutant(
        "publishes_before_compression",
        {"zswap_store_pages": PublishesBeforeCompression},
        ("BT-3",),
        *WRITE,
        OUT,
    ),
    mutant(
        "clean_up_stops_short",
        {"zswap_store_pages": CleanUpStopsShort},
        ("BT-4", "BT-5"),
        *WRITE,
        out({"xa_store": (0, 1)}),
    ),
    mutant(
        "metadata_left_behind",
        {"zswap_store_pages": MetadataLeftBehind},
        ("BT-4", "BT-5"),
        *WRITE,
        out({"alloc_bulk": (1,), "alloc_entry": (0, 1)}),
        base="batching-v14",
    ),
    mutant("calls_ahead", {"zswap_compress_pages": CallsAhead}, ("BT-10",), *WRITE, OUT),
    mutant(
        "unlocks_before_copying",
        {"zswap_compress_pages": UnlocksBeforeCopying},
        ("BT-12",),
        *WRITE,
        OUT,
        batch=3,
    ),
    mutant(
        "publishes_with_the_context",
        {"zswap_store_pages": PublishesWithTheContext},
        ("BT-12b",),
        *WRITE,
        OUT,
    ),
    mutant(
        "raw_though_forbidden",
        {"zswap_compress_pages": RawThoughForbidden},
        ("BT-14b",),
        NO_WRITEBACK,
        *WRITE,
        out({"compress": (1,)}),
    ),
    mutant(
        "counts_twice",
        {"zswap_compress_pages": CountsTwice},
        ("BT-15",),
        NO_WRITEBACK,
        *WRITE,
        out({"compress": (1,)}),
    ),
    mutant(
        "one_flag_for_all_cpus",
        {"cpu_online": CpuOnlineV4},
        ("BT-16",),
        do("cpu_offline", cpu=1),
        do("cpu_online", {"alloc_ctx": (1,)}, cpu=1),
        batch=3,
    ),
)
