"""What is done with one slot of zram under its lock, each in one step (drivers/block/zram/zram_drv.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from refmodel.kernel import zsmalloc
from refmodel.kernel.allocators import Zsmalloc
from refmodel.kernel.crypto import Symbolic, page_filled_with
from refmodel.kernel.state import Content
from refmodel.kernel.zram_state import POOL, ZramSlot
from refmodel.machine import Wait, evolve

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def wait_for_slot(v: KernelView, index: int) -> Wait | None:
    """Return the wait for whoever has the lock of a slot, None if it is free."""
    return Wait(f"the lock of zram slot {index}") if v[v.at.zram.slot[index]].locked else None


def is_allocated(slot: ZramSlot) -> bool:
    """Whether a slot holds a page (zram_allocated)."""
    return bool(slot.size) or slot.same or slot.wb


def free_slot(v: KernelView, index: int) -> None:
    """Empty a slot: its object, its block or its word goes, and what counts it (zram_free_page, 6.12)."""
    place, count = v.at.zram.slot[index], v.at.zram.count
    slot, options = v[place], v.cfg.options.zram
    assert options is not None
    v[place] = ZramSlot(locked=slot.locked, selected=slot.selected and not options.mark_goes_with_content)
    if not is_allocated(slot):
        return
    if slot.wb:
        free_block(v, slot.handle)
    elif slot.same:
        v[count.same_pages] -= 1
    else:
        zsmalloc.free(v, slot.handle)
        v[count.compr_data_size] -= slot.size
        v[count.huge_pages] -= slot.huge
    v[count.pages_stored] -= 1


def access(v: KernelView, index: int) -> None:
    """Note that a slot was used: it is not idle, and no longer what a pass had selected (zram_accessed)."""
    place, options = v.at.zram.slot[index], v.cfg.options.zram
    assert options is not None
    slot = v[place]
    v[place] = evolve(slot, idle=False, selected=slot.selected and not options.mark_goes_with_content)


def in_memory(v: KernelView, slot: ZramSlot) -> Content:
    """Return the page of a slot that is not on the backing device; one that holds nothing reads as zeroes.

    Raises CorruptData when what is stored does not decompress.
    """
    codec = v.cfg.codecs[v.cfg.compressor]
    if slot.same or not slot.size:
        return page_filled_with(slot.handle, tokens=isinstance(codec, Symbolic))
    stored = v[v.at.zs_object[slot.handle]]
    assert stored is not None
    return stored.data if slot.huge else codec.decompress(stored.data)


def alloc_block(v: KernelView) -> int:
    """Take the first free block of the backing device; return 0 where there is none (alloc_block_bdev)."""
    for number, place in enumerate(v.at.zram.block):
        if number and not v[place].used:
            v[place] = evolve(v[place], used=True)
            v[v.at.zram.count.bd_count] += 1
            return number
    return 0


def free_block(v: KernelView, number: int) -> None:
    """Give a block back (free_block_bdev)."""
    place = v.at.zram.block[number]
    v[place] = evolve(v[place], used=False)
    v[v.at.zram.count.bd_count] -= 1


def content_of(v: KernelView, index: int) -> Content:
    """Return what the next reader of a slot is given."""
    slot = v[v.at.zram.slot[index]]
    return v[v.at.zram.block[slot.handle]].content if slot.wb else in_memory(v, slot)


def pool_is_full(v: KernelView) -> bool:
    """Whether the pool has more pages than its limit allows (zram_can_store_page)."""
    limit = v.at.zram.limit
    return limit is not None and v[v.at.pool_pages[POOL]] > limit


def huge_class_size(v: KernelView) -> int:
    """Return the compressed length in bytes from which a page is stored as it is (zs_huge_class_size)."""
    rules = v.cfg.allocators["zsmalloc"]
    assert isinstance(rules, Zsmalloc)
    return rules.rules.huge_class_size
