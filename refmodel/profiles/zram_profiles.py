"""Swap on zram: kernels and disciplines of kcompressd on a zram device whose slots are modelled.

The swap device of every other profile keeps a page per slot and knows nothing of compression.
"""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.kernel import zram_batch, zram_free, zram_kcompressd, zram_read, zram_write, zram_writeback
from refmodel.kernel.kcompressd_thread import DoSwapPageStable, DoSwapPageStable73
from refmodel.kernel.table import NOT_THERE
from refmodel.kernel.zram_config import ZramOptions
from refmodel.profiles.batching import BATCHING_V14
from refmodel.profiles.kcompressd_profiles import (
    KCOMPRESSD_A_ZEROED,
    KCOMPRESSD_B_REFERENCE,
    KCOMPRESSD_C,
)
from refmodel.profiles.linux import LINUX_6_12, LINUX_7_3
from refmodel.profiles.profile import Profile

_ZRAM_6_12 = ZramOptions(mark_goes_with_content=False)
_ZRAM_7_3 = ZramOptions(mark_goes_with_content=True)

_DRIVER = {
    "do_swap_page": DoSwapPageStable,
    "swap_write_device": zram_write.ZramSwapWriteDevice,
    "end_swap_write": zram_write.ZramEndSwapWrite,
    "swap_read": zram_read.ZramSwapRead,
    "swap_range_free": zram_free.ZramSwapRangeFree73,
    "zram_bio_write": zram_write.ZramBioWrite,
    "zram_write": zram_write.ZramWrite612,
    "zram_read": zram_read.ZramRead,
    "zram_end_read": zram_read.ZramEndRead,
    "zram_slot_free_notify": zram_free.ZramSlotFreeNotify,
    "zram_idle": zram_writeback.ZramIdle,
    "zram_writeback": zram_writeback.ZramWriteback,
}
_BATCHED_WRITEBACK = {
    "zram_writeback": zram_writeback.ZramWritebackBatch,
    "zram_writeback_endio": zram_writeback.ZramWritebackEndio,
}


def _on_zram(base: Profile, name: str, summary: str, options: ZramOptions, **classes: Any) -> Profile:
    return attrs.evolve(
        base,
        name=name,
        base=base.name,
        parts=(*base.parts, base.name),
        summary=summary,
        operations=attrs.evolve(base.operations, **{**_DRIVER, **classes}),
        options=attrs.evolve(base.options, zram=options),
    )


ZRAM_6_12 = _on_zram(
    LINUX_6_12,
    "zram-6.12",
    "Linux 6.12.117 on zram: writeback one page at a time, with the idle flag as its guard.",
    _ZRAM_6_12,
    swap_range_free=zram_free.ZramSwapRangeFree612,
)

ZRAM_7_3 = _on_zram(
    LINUX_7_3,
    "zram-7.3",
    "Linux 7.3.4 on zram: several writes of a pass under way, slots marked for it.",
    _ZRAM_7_3,
    do_swap_page=DoSwapPageStable73,
    zram_write=zram_write.ZramWrite,
    **_BATCHED_WRITEBACK,
)

ZRAM_BATCHING = _on_zram(
    BATCHING_V14,
    "zram-batching",
    "Proposal on batching v14: zram compresses the pages of a bio in batches, all or nothing.",
    attrs.evolve(_ZRAM_7_3, batches=True),
    zram_bio_write=zram_batch.ZramBioWriteBatch,
    zram_write=NOT_THERE,
    **_BATCHED_WRITEBACK,
)
"""B16: a user of the batching interface that its series announces and nobody has posted."""


def _queued(base: Profile, letter: str, **classes: Any) -> Profile:
    return _on_zram(
        base,
        f"zram-kcompressd-{letter}",
        f"{base.name} on zram.",
        attrs.evolve(_ZRAM_6_12, synchronous_writes=not base.options.split_synchronous),
        end_swap_write=zram_write.ZramEndSwapWriteRotates,
        **classes,
    )


ZRAM_KCOMPRESSD_A = _queued(KCOMPRESSD_A_ZEROED, "a")
ZRAM_KCOMPRESSD_B = _queued(KCOMPRESSD_B_REFERENCE, "b")
ZRAM_KCOMPRESSD_C = _queued(KCOMPRESSD_C, "c")


def _past_the_queue(base: Profile) -> Profile:
    return attrs.evolve(
        base,
        name=f"{base.name}-words",
        summary=f"Proposal on {base.name}: kswapd stores pages that one word fills in place, past the queue (K8).",
        operations=attrs.evolve(base.operations, kswapd_shrink=zram_kcompressd.KswapdShrinkWords),
    )


ZRAM_KCOMPRESSD_A_WORDS = _past_the_queue(ZRAM_KCOMPRESSD_A)
ZRAM_KCOMPRESSD_B_WORDS = _past_the_queue(ZRAM_KCOMPRESSD_B)

SPLIT_SYNCHRONOUS = attrs.evolve(
    LINUX_6_12,
    name="synchronous-split",
    base=LINUX_6_12.name,
    parts=(LINUX_6_12.name,),
    summary="Linux 6.12 whose devices say of reads and of writes on their own whether they are synchronous.",
    options=attrs.evolve(LINUX_6_12.options, split_synchronous=True),
)
"""mm: Split BLK_FEAT_SYNCHRONOUS and SWP_SYNCHRONOUS_IO into separate read and write flags, 11 October 2024.

Taken up as patch 1 of the RFC of March 2025 (K2)."""

_ALL = (
    ZRAM_6_12,
    ZRAM_7_3,
    ZRAM_BATCHING,
    ZRAM_KCOMPRESSD_A,
    ZRAM_KCOMPRESSD_A_WORDS,
    ZRAM_KCOMPRESSD_B,
    ZRAM_KCOMPRESSD_B_WORDS,
    ZRAM_KCOMPRESSD_C,
    SPLIT_SYNCHRONOUS,
)

ZRAM_PROFILES: dict[str, Profile] = {each.name: each for each in _ALL}
"""Profiles on zram, and the one with the split flag, by name."""
