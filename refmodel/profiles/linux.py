"""The released kernels: 6.1, 6.12, 6.18 and 7.3, side by side."""

from __future__ import annotations

import attrs

from refmodel.kernel import (
    controls,
    cpuhp,
    fork,
    madvise,
    memcg_offline,
    memory,
    page_io,
    slot_cache,
    swap_fault,
    swap_slots,
    swap_state,
    swapon,
    vmscan,
    zap,
    zswap_pool,
    zswap_shrink,
)
from refmodel.kernel import zswap_compress as compress
from refmodel.kernel import zswap_decompress as decompress
from refmodel.kernel import zswap_entry as entry
from refmodel.kernel import zswap_load as load
from refmodel.kernel import zswap_store as store
from refmodel.kernel import zswap_writeback as writeback
from refmodel.kernel.allocators import Allocator, Zbud, Zsmalloc
from refmodel.kernel.config import KernelOptions
from refmodel.kernel.table import NOT_THERE, OperationTable
from refmodel.kernel.zsmalloc_classes import ZSMALLOC_6_1, ZSMALLOC_6_12, SizeClasses
from refmodel.profiles.profile import Profile

_ZSMALLOC: dict[str, Allocator] = {"zsmalloc": Zsmalloc(SizeClasses(ZSMALLOC_6_12))}
_ZPOOL_6_12: dict[str, Allocator] = {**_ZSMALLOC, "zbud": Zbud(evicts=False)}
_ZPOOL_6_1: dict[str, Allocator] = {
    "zsmalloc": Zsmalloc(SizeClasses(ZSMALLOC_6_1)),
    "zbud": Zbud(evicts=True),
}

LINUX_6_12 = Profile(
    name="linux-6.12",
    kernel="6.12",
    summary="Linux 6.12.117: one entry visited per node and shrink, freed slots wait in per-CPU caches.",
    operations=OperationTable(
        read_page=memory.ReadPage,
        write_page=memory.WritePage,
        store_byte=memory.StoreByte,
        madvise_pageout=madvise.MadvisePageout,
        madvise_free=madvise.MadviseFree,
        madvise_willneed=madvise.MadviseWillneed,
        zap_pages=zap.ZapPages,
        fork=fork.Fork,
        exit_child=zap.ExitChild,
        do_swap_page=swap_fault.DoSwapPage,
        direct_reclaim=vmscan.DirectReclaim,
        shrink_folio=vmscan.ShrinkFolio,
        split_folio=vmscan.SplitFolio,
        add_to_swap=swap_slots.AddToSwap612,
        swap_writepage=page_io.SwapWritepage,
        swap_write_device=page_io.SwapWriteDevice,
        end_swap_write=page_io.EndSwapWrite,
        swap_read=page_io.SwapRead,
        read_swap_cache_async=swap_state.ReadSwapCacheAsync,
        swap_cache_alloc_folio=swap_state.SwapCacheAlloc612,
        swap_cache_del=swap_state.SwapCacheDel,
        folio_free_swap=swap_state.FolioFreeSwap,
        free_folios=swap_state.FreeFolios,
        put_swap_folio=swap_slots.PutSwapFolio612,
        free_swap_and_cache=zap.FreeSwapAndCache,
        swap_put_map=swap_slots.SwapPutMap612,
        free_swap_slot=swap_slots.FreeSwapSlot612,
        swap_range_free=swap_slots.SwapRangeFree612,
        zswap_store=store.ZswapStore612,
        zswap_compress=compress.ZswapCompress,
        zswap_load=load.ZswapLoad612,
        zswap_decompress=decompress.ZswapDecompress,
        zswap_invalidate=entry.ZswapInvalidate,
        zswap_entry_free=entry.ZswapEntryFree,
        zswap_writeback_entry=writeback.ZswapWriteback612,
        list_lru_walk=zswap_shrink.ListLruWalk,
        shrink_memcg=zswap_shrink.ShrinkMemcg,
        shrink_worker=zswap_shrink.ShrinkWorker612,
        shrinker_count=zswap_shrink.ShrinkerCount,
        shrinker_scan=zswap_shrink.ShrinkerScan,
        pool_create=zswap_pool.PoolCreate612,
        pool_release=zswap_pool.PoolRelease,
        set_compressor=zswap_pool.SetCompressor612,
        set_zpool=zswap_pool.SetZpool612,
        set_param=controls.SetParam612,
        set_memcg=controls.SetMemcg612,
        set_thp=controls.SetThp612,
        bind=controls.Bind,
        cpu_online=cpuhp.CpuOnline612,
        cpu_offline=cpuhp.CpuOffline612,
        drain_slot_cache=slot_cache.DrainSlotCache612,
        memcg_offline=memcg_offline.MemcgOffline612,
        swapon=swapon.SwapOn612,
        swapoff=swapon.SwapOff612,
    ),
    options=KernelOptions(
        zero_map=True,
        drop_synchronous_cache=False,
        shrink_memcg_budget=1,
        memcg_counts_disk=False,
        memcg_counts_incompressible=False,
        folio_objcg=False,
        mthp_zswpout=False,
        set_up_at_boot=False,
        virtual_swap=False,
        raw_pages=False,
        object_node="cpu",
        split_to_zeropage=True,
    ),
    allocators=_ZPOOL_6_12,
)
"""Debian 6.12.117-1~deb12u1, the kernel of the ``*-6.12`` traces."""

LINUX_6_1 = attrs.evolve(
    LINUX_6_12,
    name="linux-6.1",
    kernel="6.1",
    summary="Linux 6.1.192: frontswap hooks, same-filled pages, loads keep the entry, the allocator evicts.",
    operations=attrs.evolve(
        LINUX_6_12.operations,
        swap_put_map=swap_slots.SwapPutMap61,
        free_swap_slot=swap_slots.FreeSwapSlot61,
        swap_range_free=swap_slots.SwapRangeFree61,
        zswap_store=store.ZswapStore61,
        zswap_compress=compress.ZswapCompress61,
        zswap_load=load.ZswapLoad61,
        zswap_decompress=decompress.ZswapDecompress61,
        zswap_invalidate=entry.FrontswapInvalidate,
        zswap_entry_free=entry.ZswapEntryFree61,
        zswap_writeback_entry=writeback.ZswapWriteback61,
        shrink_worker=zswap_shrink.ShrinkWorker61,
        pool_create=zswap_pool.PoolCreate61,
        list_lru_walk=NOT_THERE,
        shrink_memcg=NOT_THERE,
        shrinker_scan=NOT_THERE,
        set_param=controls.SetParam61,
        set_memcg=controls.SetMemcg61,
        set_thp=controls.SetThp61,
        cpu_online=cpuhp.CpuOnline61,
        cpu_offline=cpuhp.CpuOffline61,
        drain_slot_cache=slot_cache.DrainSlotCache61,
        memcg_offline=memcg_offline.MemcgOffline61,
        swapon=swapon.SwapOn61,
        swapoff=swapon.SwapOff61,
    ),
    options=attrs.evolve(LINUX_6_12.options, zero_map=False, set_up_at_boot=True, split_to_zeropage=False),
    allocators=_ZPOOL_6_1,
)
"""Debian 6.1.192-2, the kernel of the ``*-6.1`` traces."""

LINUX_6_18 = attrs.evolve(
    LINUX_6_12,
    name="linux-6.18",
    base="linux-6.12",
    kernel="6.18",
    summary="Linux 6.18.15: large folios page by page, incompressible pages stored raw, slots freed at once.",
    operations=attrs.evolve(
        LINUX_6_12.operations,
        madvise_pageout=madvise.MadvisePageout618,
        add_to_swap=swap_slots.AddToSwap618,
        swap_cache_alloc_folio=swap_state.SwapCacheAlloc618,
        put_swap_folio=swap_slots.PutSwapFolio73,
        swap_put_map=swap_slots.SwapPutMap618,
        free_swap_slot=swap_slots.FreeSwapSlot618,
        swap_range_free=swap_slots.SwapRangeFree73,
        zswap_store=store.ZswapStore73,
        zswap_compress=compress.ZswapCompress618,
        zswap_load=load.ZswapLoad618,
        zswap_decompress=decompress.ZswapDecompress618,
        zswap_entry_free=entry.ZswapEntryFree73,
        zswap_writeback_entry=writeback.ZswapWriteback618,
        set_compressor=zswap_pool.SetCompressor618,
        set_zpool=NOT_THERE,
        set_param=controls.SetParam618,
        cpu_offline=cpuhp.CpuOffline618,
        drain_slot_cache=NOT_THERE,
        memcg_offline=memcg_offline.MemcgOffline618,
        swapoff=swapon.SwapOff618,
    ),
    options=attrs.evolve(
        LINUX_6_12.options,
        memcg_counts_disk=True,
        mthp_zswpout=True,
        raw_pages=True,
        object_node="page",
        reuse_large=True,
    ),
    allocators=_ZSMALLOC,
)
"""Debian 6.18.15-1~bpo13+1, the kernel of the ``*-6.18`` traces."""

LINUX_7_3 = attrs.evolve(
    LINUX_6_18,
    name="linux-7.3",
    base="linux-6.18",
    kernel="7.3",
    summary="Linux 7.3.4: every load through the swap cache, 32 entries visited per node and shrink.",
    operations=attrs.evolve(
        LINUX_6_18.operations,
        add_to_swap=swap_slots.AddToSwap73,
        do_swap_page=swap_fault.DoSwapPage73,
        swap_cache_alloc_folio=swap_state.SwapCacheAlloc73,
        swap_put_map=swap_slots.SwapPutMap73,
        free_swap_slot=NOT_THERE,
        zswap_compress=compress.ZswapCompress73,
        zswap_load=load.ZswapLoad73,
        zswap_decompress=decompress.ZswapDecompress73,
        zswap_writeback_entry=writeback.ZswapWriteback73,
        cpu_online=cpuhp.CpuOnline73,
        cpu_offline=cpuhp.CpuOffline73,
    ),
    options=attrs.evolve(
        LINUX_6_18.options,
        drop_synchronous_cache=True,
        shrink_memcg_budget=32,
        memcg_counts_incompressible=True,
        folio_objcg=True,
    ),
)
"""Debian 7.3.4-1~bpo13+1, the kernel of the ``*-7.3`` traces."""
