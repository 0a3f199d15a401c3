"""Virtual swap space: one descriptor per swapped-out page, physical slots only when something is written."""

from __future__ import annotations

import attrs

from refmodel.kernel import (
    swap_slots,
    vswap_alloc,
    vswap_backing,
    vswap_free,
    vswap_io,
    vswap_swapoff,
    vswap_zswap,
)
from refmodel.kernel.table import NOT_THERE
from refmodel.profiles.linux import LINUX_6_18

VSWAP_V6 = attrs.evolve(
    LINUX_6_18,
    name="vswap-v6",
    base="linux-6.18",
    kernel="6.19",
    summary="Virtual Swap Space v6 on Linux 6.19: page tables name descriptors, the device is optional.",
    operations=attrs.evolve(
        LINUX_6_18.operations,
        do_swap_page=vswap_io.VswapDoSwapPage,
        shrink_folio=vswap_io.VswapShrinkFolio,
        add_to_swap=vswap_alloc.FolioAllocSwap,
        swap_writepage=vswap_io.SwapWriteout,
        end_swap_write=vswap_io.VswapEndSwapWrite,
        swap_read=vswap_io.VswapSwapRead,
        read_swap_cache_async=vswap_io.VswapReadSwapCacheAsync,
        put_swap_folio=swap_slots.PutSwapFolio73,
        swap_put_map=vswap_free.SwapPutEntries,
        free_swap_slot=NOT_THERE,
        swap_range_free=vswap_free.VswapFree,
        zswap_invalidate=NOT_THERE,
        zswap_store=vswap_zswap.VswapZswapStore,
        zswap_writeback_entry=vswap_zswap.VswapZswapWriteback,
        shrinker_count=vswap_zswap.VswapShrinkerCount,
        cpu_offline=vswap_alloc.VswapCpuOffline,
        swapon=vswap_swapoff.VswapSwapOn,
        swapoff=vswap_swapoff.VswapSwapOff,
        vswap_release_backing=vswap_backing.VswapReleaseBacking,
        vswap_alloc_swap_slot=vswap_backing.VswapAllocSwapSlot,
        vswap_cpu_dead=vswap_alloc.VswapCpuDead,
    ),
    options=attrs.evolve(LINUX_6_18.options, virtual_swap=True),
)
"""Virtual Swap Space, patch series v6 (5 May 2026), without its last patch, a per-CPU cache of look-ups.

The series stands on 6.19, between linux-6.18 and linux-7.3: what it does not change is taken from
linux-6.18, among it the private path of synchronous devices, which 6.19 still has.
"""
