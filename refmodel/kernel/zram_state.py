"""The state of a zram device: its slots, its backing device, the passes of writeback, its counters.

Slot s of the swap device is index s of zram's table.  Its pool is number 0 among the pools of zsmalloc, its
compression streams are the contexts of that pool: zswap counts its own from 1.

Source: drivers/block/zram/zram_drv.h, Linux 6.12.117 and 7.3.4.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Literal

import attrs

from refmodel.kernel.zram_config import ZramSystem
from refmodel.machine import Layout, Place, component

if TYPE_CHECKING:
    from refmodel.kernel.config import Config

POOL = 0
"""The number of zram's pool."""

IO = Literal["", "read", "write"]


@component
class ZramSlot:
    """A table entry (struct zram_table_entry).

    handle: what leads to the page: a handle of the pool, the word of a same-filled page (ZRAM_SAME), or a block of
        the backing device (ZRAM_WB).
    size: bytes in the pool, 0 for a page that is not there.
    same, huge, wb: ZRAM_SAME, ZRAM_HUGE, ZRAM_WB.  idle: ZRAM_IDLE.
    selected: a pass of writeback has it (ZRAM_UNDER_WB, in 6.13 and later ZRAM_PP_SLOT).
    locked: somebody holds its lock for more than one step.
    """

    handle: int = 0
    size: int = 0
    same: bool = False
    huge: bool = False
    wb: bool = False
    idle: bool = False
    selected: bool = False
    locked: bool = False


EMPTY = ZramSlot()


@component
class ZramBlock:
    """A block of the backing device, and the one bio that may be under way to it.

    used: its bit in the bitmap.  content: what was written there last.
    io: what the device is doing with it.  folio, index: the page that a read fills.
    slot, bounce: where a write comes from, and the page that it writes.
    failed: the bio ended with an error.
    """

    used: bool = False
    content: Hashable = "never written"
    io: IO = ""
    folio: int = 0
    index: int = 0
    slot: int = 0
    bounce: Hashable = None
    failed: bool = False


@component
class ZramPass:
    """What completions of a pass of writeback use: the control block (struct zram_wb_ctl, 6.19 and later).

    live: it is allocated.  inflight: writes submitted and not seen to.  done: blocks whose write has ended.
    completing: completions that are inside an RCU read section.
    """

    live: bool = False
    inflight: int = 0
    done: tuple[int, ...] = ()
    completing: int = 0


@attrs.frozen
class ZramCounters:
    """Places of what mm_stat, io_stat, bd_stat and debug_stat show.

    pages_stored, same_pages, huge_pages: slots.  compr_data_size: bytes.  bd_count: blocks in use.
    The rest are events.
    """

    pages_stored: Place[int]
    same_pages: Place[int]
    huge_pages: Place[int]
    compr_data_size: Place[int]
    bd_count: Place[int]
    huge_pages_since: Place[int]
    failed_writes: Place[int]
    failed_reads: Place[int]
    notify_free: Place[int]
    miss_free: Place[int]
    writestall: Place[int]
    bd_reads: Place[int]
    bd_writes: Place[int]


_KEPT = frozenset({"pages_stored", "same_pages", "huge_pages", "compr_data_size", "bd_count", "miss_free"})
"""Counters that say how much there is of something, and the one that says why there is more than expected."""


@attrs.frozen
class ZramPlaces:
    """Places of zram; without a device the rows are empty.

    limit: pages that the pool may have, None for any.  requests: writes that a pass has under way at a time.
    block: [block], number 0 is never used.  busy: a pass of writeback is under way (pp_in_progress).
    ctl: the control block of the pass.
    """

    limit: int | None
    requests: int
    slot: Sequence[Place[ZramSlot]]
    block: Sequence[Place[ZramBlock]]
    busy: Place[bool]
    ctl: Place[ZramPass]
    count: ZramCounters


def describe_zram(layout: Layout, config: Config) -> ZramPlaces:
    """Lay out the device of a system: all slots are empty, all blocks free."""
    system = config.zram or ZramSystem()
    there = config.options.zram is not None
    names = [field.name for field in attrs.fields(ZramCounters)]
    return ZramPlaces(
        limit=system.limit,
        requests=system.requests,
        slot=layout.row("zram.slot", config.blocks if there else 0, EMPTY),
        block=layout.row("zram.block", system.backing + 1 if there and system.backing else 0, ZramBlock()),
        busy=layout.one("zram.busy", False),
        ctl=layout.one("zram.ctl", ZramPass()),
        count=ZramCounters(
            **{name: layout.counter(f"zram.{name}", grows=name not in _KEPT) for name in names}
        ),
    )
