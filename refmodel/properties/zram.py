"""Invariants of a zram device: its slots, its pool, its backing device, its counters (KC-21 and ZR-1 to ZR-7).

That a read gives the bytes that were written is the promise (ZS-18), which looks through all states of a slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.state import FREE_SLOT
from refmodel.kernel.zram_slot import is_allocated
from refmodel.kernel.zram_state import POOL
from refmodel.properties.property import history_property, state_property

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView
    from refmodel.kernel.zram_state import ZramSlot
    from refmodel.machine import Event
    from refmodel.properties.index import Index

_DRV = "drivers/block/zram/zram_drv.c, Linux 6.12.117"


def _slots(v: KernelView) -> Iterator[tuple[int, ZramSlot]]:
    """Yield the slots that hold something, by number."""
    for number, place in enumerate(v.at.zram.slot):
        if is_allocated(v[place]):
            yield number, v[place]


@state_property(
    "KC-21",
    source=f"mm_stat_show(), {_DRV}",
    requirements=("B16", "K8"),
    bug="a page is stored and not counted (planted)",
    only="zram",
)
def counters_are_those_of_the_slots(index: Index) -> str | None:
    """While nothing is under way the counters of zram are those of its slots: pages, same-filled, huge, bytes."""
    v, count = index.v, index.v.at.zram.count
    slots = [slot for _, slot in _slots(v)]
    expected = {
        "pages_stored": (v[count.pages_stored], len(slots)),
        "same_pages": (v[count.same_pages], sum(slot.same for slot in slots)),
        "huge_pages": (v[count.huge_pages], sum(slot.huge for slot in slots)),
        "compr_data_size": (v[count.compr_data_size], sum(slot.size for slot in slots)),
        "bd_count": (v[count.bd_count], sum(slot.wb for slot in slots)),
    }
    for name, (found, wanted) in expected.items():
        if found != wanted:
            return f"{name} is {found}; expected {wanted}, as the slots are"
    return None


@state_property(
    "ZR-1",
    when="step",
    source=f"zram_free_page(), zram_write_page(), {_DRV}",
    requirements=("K8",),
    bug="a same-filled page keeps its size (planted)",
    only="zram",
)
def a_slot_is_in_one_state(index: Index) -> str | None:
    """A slot is empty, or same-filled, or compressed, or huge, or on the backing device: one of these."""
    for number, slot in enumerate(index.v[place] for place in index.v.at.zram.slot):
        states = [
            name
            for name, there in (
                ("same-filled", slot.same),
                ("on the backing device", slot.wb),
                ("huge", slot.huge),
                ("compressed", 0 < slot.size < PAGE_SIZE),
            )
            if there
        ]
        if len(states) > 1:
            return f"zram slot {number} is {' and '.join(states)}; expected one of them"
        if slot.huge != (slot.size == PAGE_SIZE):
            return f"zram slot {number} has {slot.size} bytes, huge {slot.huge}; expected {PAGE_SIZE} bytes if huge"
        if not states and slot.handle:
            return f"zram slot {number} is empty with handle {slot.handle}; expected none"
    return None


@state_property(
    "ZR-2",
    when="step",
    source=f"zram_write_page(), {_DRV}",
    requirements=("B16",),
    bug="an object is freed under its slot (planted)",
    only="zram",
)
def a_slot_has_its_object(index: Index) -> str | None:
    """A compressed or huge page has an object of its own in the pool, of the size that the slot says."""
    owner: dict[int, int] = {}
    for number, slot in _slots(index.v):
        if not slot.size:
            continue
        stored = index.objects.get(slot.handle)
        if stored is None or stored.pool != POOL or stored.size != slot.size:
            return f"zram slot {number} names handle {slot.handle}, {stored}; expected {slot.size} bytes of zram's pool"
        if owner.setdefault(slot.handle, number) != number:
            return (
                f"zram slots {owner[slot.handle]} and {number} share handle {slot.handle}; expected one each"
            )
    return None


@state_property(
    "ZR-3",
    source=f"zram_free_page(), {_DRV}",
    requirements=("B16",),
    bug="a slot forgets its object (planted)",
    only="zram",
)
def nothing_is_leaked(index: Index) -> str | None:
    """While nothing is under way every object of the pool belongs to a slot, and so does every block in use."""
    v = index.v
    named = {slot.handle for _, slot in _slots(v) if slot.size}
    lost = [handle for handle, stored in index.objects.items() if stored.pool == POOL and handle not in named]
    if lost:
        return f"handles {lost} of zram's pool belong to no slot; expected one for each"
    on_disk = {slot.handle for _, slot in _slots(v) if slot.wb}
    for number, place in enumerate(v.at.zram.block):
        if v[place].used != (number in on_disk):
            return f"block {number} is {'' if v[place].used else 'not '}in use; expected the blocks {sorted(on_disk)}"
    return None


@state_property(
    "ZR-4",
    source=f"zram_slot_free_notify(), {_DRV}",
    requirements=("S8",),
    bug="ZR-N",
    only="zram",
)
def pages_go_with_their_swap_slots(index: Index) -> str | None:
    """While nothing is under way no zram slot holds a page whose swap slot is free, but for frees that were missed."""
    v = index.v
    left = [number for number, _ in _slots(v) if v[v.at.slot[number]] == FREE_SLOT]
    missed = v[v.at.zram.count.miss_free]
    return (
        f"zram slots {left} hold pages of free swap slots; expected {missed or 'none'}, as many as frees were missed"
        if len(left) > missed
        else None
    )


@state_property(
    "ZR-5",
    source=f"writeback_store(), {_DRV}",
    requirements=("K2",),
    bug="a pass leaves its mark on a slot (planted)",
    only="zram",
)
def nothing_of_zram_is_held(index: Index) -> str | None:
    """While nothing is under way no lock and no mark of a slot is set, no stream taken, no bio and no pass there."""
    v = index.v
    for number, slot in enumerate(v[place] for place in v.at.zram.slot):
        if slot.locked or slot.selected:
            return (
                f"zram slot {number} is {'locked' if slot.locked else 'selected'} at rest; expected neither"
            )
    for cpu, place in enumerate(v.at.ctx_locked[POOL]):
        if v[place]:
            return f"the compression stream of CPU {cpu} is taken at rest; expected it free"
    for number, block in enumerate(v[place] for place in v.at.zram.block):
        if block.io:
            return f"a {block.io} of block {number} is under way at rest; expected none"
    if v[v.at.zram.busy] or v[v.at.zram.ctl].live:
        return "a pass of writeback is under way at rest; expected none"
    return None


@state_property(
    "ZR-6",
    when="step",
    source="struct zram_wb_ctl, drivers/block/zram/zram_drv.c, Linux 7.3.4",
    requirements=("K2",),
    bug="the control block goes while a write is under way (planted)",
    only="zram",
)
def writes_have_their_control_block(index: Index) -> str | None:
    """While a write of a pass is under way, or was not seen to, its control block is there and counts it."""
    v = index.v
    ctl = v[v.at.zram.ctl]
    under_way = sum(v[place].io == "write" for place in v.at.zram.block)
    expected = under_way + len(ctl.done)
    if expected and not ctl.live:
        return f"{expected} writes of a pass have no control block; expected it there"
    return None if ctl.inflight == expected else f"the pass counts {ctl.inflight} writes; expected {expected}"


@history_property(
    "ZR-7",
    source="zswap compression batching v12 22/23: a batch that fails cleans up after itself; the same for a bio",
    requirements=("B16",),
    bug="ZR-B",
    only="zram batches",
)
def a_batch_that_fails_stores_nothing(events: list[Event], v: KernelView) -> str | None:
    """A bio that fails has put none of its pages into a slot, where pages are compressed in batches."""
    bios: dict[int, range] = {}
    stored: set[int] = set()
    for name, fields in events:
        slot = fields.get("slot", 0)
        if name == "zram_bio":
            bios[slot] = range(slot, slot + fields["nr"])
            stored.difference_update(bios[slot])
        elif name == "zram_store":
            stored.add(slot)
        elif name == "zram_bio_failed" and not stored.isdisjoint(bios[slot]):
            return f"the bio of slot {slot} failed with {len(stored.intersection(bios[slot]))} pages stored; expected 0"
    return None
