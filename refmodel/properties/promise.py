"""The promise: swap is a map.

A page holds what was last written to it, wherever its bytes are.  Twenty lines say where they are:
``authority`` names the holder of a slot's bytes, and everything else in zswap exists to keep it right.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from refmodel.kernel.crypto import ZERO_PAGE, CorruptData, is_zero
from refmodel.kernel.state import Content
from refmodel.kernel.zram_slot import content_of
from refmodel.kernel.zswap_decompress import decompress
from refmodel.properties.index import Index
from refmodel.properties.property import state_property

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

NOTHING: Content = "nothing that could be read"
"""The content of an entry that was released, or that does not decompress, and of a page that is nowhere."""


def authority(v: KernelView, slot: int) -> Content:
    """Return the bytes of a swapped-out page: what the next reader of its slot is given.

    A filled folio in the swap cache comes first, then the zero bit, then zswap, then the device
    (mm/memory.c do_swap_page, mm/page_io.c swap_read_folio, 6.12.117).  With virtual swap the slot is an
    entry, which has a block of the device only if it was written there.
    """
    folio = v[v.at.folio[v[v.at.swap_cache[slot]]]]
    if folio is not None and folio.uptodate:
        return folio.contents[slot - folio.swap]
    if v[v.at.zeromap[slot]]:
        return ZERO_PAGE
    number = v[v.at.tree[slot]]
    if number:
        return entry_content(v, number)
    if v.at.zram.slot:
        return zram_content(v, slot)
    block = v[v.at.vswap.physical[slot]] if v.cfg.options.virtual_swap else slot
    return v[v.at.device[block]] if block else NOTHING


def zram_content(v: KernelView, slot: int) -> Content:
    """Return the page that a slot of zram holds."""
    try:
        return content_of(v, slot)
    except CorruptData:
        return NOTHING


def entry_content(v: KernelView, number: int) -> Content:
    """Return the page that a zswap entry holds."""
    entry = v[v.at.entry[number]]
    if entry is None:
        return NOTHING
    if not entry.length:
        return entry.value
    if v[v.at.zs_object[entry.handle]] is None or v[v.at.pool[entry.pool]] is None:
        return NOTHING
    try:
        return decompress(v, entry)
    except CorruptData:
        return NOTHING


def same(one: Content, other: Content) -> bool:
    """Whether two contents are the same page: the page of zeroes has two spellings."""
    return one == other or (is_zero(one) and is_zero(other))


def shown(content: Content) -> str:
    """Return a short name of a page's content."""
    if is_zero(content):
        return "the page of zeroes"
    return f"bytes with CRC-32 {zlib.crc32(content):08x}" if isinstance(content, bytes) else repr(content)


@state_property(
    "ZS-18",
    source="mm/page_io.c swap_read_folio(), mm/zswap.c zswap_load(), Linux 6.12.117",
    requirements=("Z2", "S1"),
    bug="G6",
)
def swapped_out_page(index: Index) -> str | None:
    """The reader of a swapped-out page is given the bytes that its process last wrote.

    They come from the folio in the swap cache, else the zero bit, else the zswap entry, else the device.
    """
    for number, pte, written in index.pages:
        if pte.slot:
            found = authority(index.v, pte.slot)
            if not same(found, written):
                page = f"{index.page_name(number)}, swapped out to slot {pte.slot}"
                return f"{page}, would be read as {shown(found)}; expected {shown(written)}"
    return None


@state_property(
    "ZS-19",
    source="mm/memory.c do_swap_page(), Linux 6.12.117",
    requirements=("Z2", "S1"),
    bug="Z19b",
)
def page_in_memory(index: Index) -> str | None:
    """A page in memory holds what its process last wrote to it; a page that is nowhere is zeroes.

    A page that was lost when its device was taken away is marked so, and touching it is SIGBUS.
    """
    for number, pte, written in index.pages:
        if not pte.slot and not pte.poisoned:
            folio = index.folios.get(pte.folio)
            found = folio.contents[pte.index] if folio is not None else 0
            if found is not written and not same(found, written):
                return f"{index.page_name(number)} holds {shown(found)}; expected {shown(written)}"
    return None
