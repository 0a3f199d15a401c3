"""Which slots of zram hold a page, and which of them a pass of writeback takes."""

from __future__ import annotations

from types import SimpleNamespace

from refmodel.engines.contract import breaks
from refmodel.engines.part_of_system import part_of_system
from refmodel.kernel import zram_slot, zram_writeback
from refmodel.kernel.table import KernelView
from refmodel.kernel.zram_state import ZramSlot
from refmodel.machine import evolve

PAGE = 4096
"""Bytes of a page."""


def a_pass_takes_pages_of_the_pool_that_no_other_pass_has(
    mode: str, size: int, huge: bool, idle: bool, wb: bool, selected: bool
) -> bool:
    """Writeback takes only pages that are in the pool, are not on the device yet, and are in no other pass.

    Source: drivers/block/zram/zram_drv.c writeback_store(), Linux 6.12.117
    Requirement: K9

    pre: mode in ("idle", "huge", "huge_idle")
    pre: 0 <= size <= PAGE
    post: implies(_, size > 0 and not wb and not selected)
    post: implies(_, (idle or mode == "huge") and (huge or mode == "idle"))
    post: implies(size > 0 and idle and huge and not wb and not selected, _)
    post: implies(size > 0 and not wb and not selected and mode == "idle", _ == idle)
    post: implies(size > 0 and not wb and not selected and mode == "huge", _ == huge)
    """
    return zram_writeback.wants(mode, ZramSlot(1, size, huge=huge, idle=idle, wb=wb, selected=selected))


@breaks(a_pass_takes_pages_of_the_pool_that_no_other_pass_has, zram_writeback.wants)
def takes_what_is_on_the_device(mode: str, slot: ZramSlot) -> bool:
    """A page is written back a second time, whatever the mode and wherever it is."""
    return True


@breaks(a_pass_takes_pages_of_the_pool_that_no_other_pass_has, zram_writeback.wants)
def takes_nothing(mode: str, slot: ZramSlot) -> bool:
    """No page is ever written back."""
    return False


def a_slot_holds_a_page_in_one_of_three_ways(size: int, same: bool, wb: bool) -> bool:
    """A slot holds a page if that is in the pool, or one word repeated, or on the backing device; else it is empty.

    Source: drivers/block/zram/zram_drv.c zram_allocated(), Linux 6.12.117
    Requirement: K9

    pre: 0 <= size <= PAGE
    post: implies(size == 0 and not same and not wb, not _)
    post: implies(size > 0 or same or wb, _)
    """
    return zram_slot.is_allocated(ZramSlot(1, size, same=same, wb=wb))


@breaks(a_slot_holds_a_page_in_one_of_three_ways, zram_slot.is_allocated)
def forgets_words(slot: ZramSlot) -> bool:
    """A page of one word counts as no page."""
    return bool(slot.size) or slot.wb


@breaks(a_slot_holds_a_page_in_one_of_three_ways, zram_slot.is_allocated)
def goes_by_the_handle(slot: ZramSlot) -> bool:
    """Every slot with a handle holds a page."""
    return bool(slot.handle)


def who_uses_a_slot_takes_it_from_the_idle(size: int, idle: bool, selected: bool, goes: bool) -> ZramSlot:
    """From any slot: a use takes the mark of idleness away, and the mark of a pass where that goes with the page.

    Source: drivers/block/zram/zram_drv.c zram_accessed(), Linux 6.12.117
    Requirement: K9

    pre: 0 <= size <= PAGE
    post: not _.idle
    post: _.selected == (selected and not goes)
    post: _.size == size
    """
    options = SimpleNamespace(zram=SimpleNamespace(mark_goes_with_content=goes))
    v = part_of_system(
        [ZramSlot(1, size, idle=idle, selected=selected)],
        cfg=SimpleNamespace(options=options),
        zram=SimpleNamespace(slot=[0], count=None),
    )
    zram_slot.access(v, 0)
    slot: ZramSlot = v[0]
    return slot


@breaks(who_uses_a_slot_takes_it_from_the_idle, zram_slot.access)
def stays_idle(v: KernelView, index: int) -> None:
    """A slot that is used stays idle and in its pass."""


@breaks(who_uses_a_slot_takes_it_from_the_idle, zram_slot.access)
def drops_the_page(v: KernelView, index: int) -> None:
    """A use empties the slot."""
    v[0] = evolve(v[0], size=v[0].size - 1)
