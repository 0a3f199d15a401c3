"""The operation table and the view through which kernel operations see the system.

A profile fills the table: one class per operation.  Operations call each other through the table
(``v.ops.zswap_store(folio=...)``), so a sibling class, or a bug that replaces one step, is in effect
wherever the operation is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from refmodel.machine import Layout, View

if TYPE_CHECKING:
    from collections.abc import Iterable

    from refmodel.kernel import (
        acomp,
        controls,
        cpuhp,
        fork,
        madvise,
        memory,
        page_io,
        reclaim_batch,
        slot_cache,
        swap_fault,
        swap_slots,
        swap_state,
        swapin_batch,
        vmscan,
        vswap_alloc,
        vswap_backing,
        vswap_free,
        zap,
        zswap_pool,
        zswap_shrink,
    )
    from refmodel.kernel.config import Config
    from refmodel.kernel.iaa_batch import IaaBatch
    from refmodel.kernel.iaa_bind import IaaAttribute, IaaBind, IaaUnbind
    from refmodel.kernel.iaa_call import IaaCall, IaaCallBatch
    from refmodel.kernel.iaa_engine import IaaEngineBegin, IaaEngineEnd, IaaHalt
    from refmodel.kernel.iaa_job import IaaJob
    from refmodel.kernel.iaa_poll import IaaInterrupt, IaaPoll
    from refmodel.kernel.iaa_sleep import IaaSleep
    from refmodel.kernel.iaa_verify import IaaVerify
    from refmodel.kernel.kcompressd_submit import (
        KcompressdSubmitBio,
        Kswapd,
        KswapdShrinkFolio,
    )
    from refmodel.kernel.kcompressd_thread import (
        KcompressdLimit,
        KcompressdParam,
        KcompressdRun,
        KcompressdStop,
        KcompressdSwapoutA,
        KcompressdSwapoutB,
    )
    from refmodel.kernel.memcg_offline import MemcgOffline612
    from refmodel.kernel.shrink_lru import LruAddDrain, ShrinkLruList
    from refmodel.kernel.state import Places
    from refmodel.kernel.swapon import SwapOff612, SwapOn612
    from refmodel.kernel.vswap_swapoff import VswapSwapOff
    from refmodel.kernel.zram_batch import ZramBioWriteBatch
    from refmodel.kernel.zram_free import ZramSlotFreeNotify
    from refmodel.kernel.zram_read import ZramEndRead, ZramRead
    from refmodel.kernel.zram_write import ZramBioWrite, ZramWrite
    from refmodel.kernel.zram_writeback import ZramIdle, ZramWriteback, ZramWritebackEndio
    from refmodel.kernel.zswap_compress import ZswapCompress
    from refmodel.kernel.zswap_compress_pages import ZswapCompressPages
    from refmodel.kernel.zswap_decompress import ZswapDecompress
    from refmodel.kernel.zswap_entry import ZswapEntryFree, ZswapInvalidate
    from refmodel.kernel.zswap_load import ZswapLoadBase
    from refmodel.kernel.zswap_store import ZswapStoreBase
    from refmodel.kernel.zswap_store_pages import ZswapStorePages
    from refmodel.kernel.zswap_writeback import ZswapWritebackBase


NOT_THERE: Any = None
"""In place of the class of an operation that a profile does not have."""


@attrs.frozen(kw_only=True)
class OperationTable:
    """Which class implements each operation in one profile, in the order in which a page meets them.

    Operations with the value NOT_THERE exist in some profiles only.
    """

    read_page: type[memory.ReadPage]
    write_page: type[memory.WritePage]
    store_byte: type[memory.StoreByte]
    madvise_pageout: type[madvise.MadvisePageout]
    madvise_free: type[madvise.MadviseFree]
    madvise_willneed: type[madvise.MadviseWillneed]
    zap_pages: type[zap.ZapPages]
    fork: type[fork.Fork]
    exit_child: type[zap.ExitChild]
    do_swap_page: type[swap_fault.DoSwapPage]

    direct_reclaim: type[vmscan.DirectReclaim]
    shrink_folio: type[vmscan.ShrinkFolio]
    shrink_folio_list: type[reclaim_batch.ShrinkFolioList] = NOT_THERE
    shrink_folio_begin: type[reclaim_batch.ShrinkFolioBegin] = NOT_THERE
    shrink_folio_finish: type[reclaim_batch.ShrinkFolioFinish] = NOT_THERE
    split_folio: type[vmscan.SplitFolio]
    add_to_swap: type[swap_slots.AddToSwap612] | type[vswap_alloc.FolioAllocSwap]
    swap_writepage: type[page_io.SwapWritepage]
    swap_writepage_begin: type[reclaim_batch.SwapWritepageBegin] = NOT_THERE
    swap_writepage_finish: type[reclaim_batch.SwapWritepageFinish] = NOT_THERE
    swap_write_device: type[page_io.SwapWriteDevice]
    end_swap_write: type[page_io.EndSwapWrite]
    swap_read: type[page_io.SwapRead]
    read_swap_cache_async: type[swap_state.ReadSwapCacheAsync]
    swapin_readahead: type[swapin_batch.SwapinReadahead] = NOT_THERE
    swap_read_batch: type[swapin_batch.SwapReadBatch] = NOT_THERE
    swap_cache_alloc_folio: type[swap_state.SwapCacheAlloc612]
    swap_cache_del: type[swap_state.SwapCacheDel]
    folio_free_swap: type[swap_state.FolioFreeSwap]
    free_folios: type[swap_state.FreeFolios]
    put_swap_folio: type[swap_slots.PutSwapFolio612]
    free_swap_and_cache: type[zap.FreeSwapAndCache]
    swap_put_map: type[swap_slots.SwapPutMap612] | type[vswap_free.SwapPutEntries]
    free_swap_slot: type[swap_slots.FreeSwapSlot612]
    swap_range_free: type[swap_slots.SwapRangeFree612] | type[vswap_free.VswapFree]

    zswap_store: type[ZswapStoreBase]
    zswap_compress: type[ZswapCompress]
    zswap_store_folios: type[reclaim_batch.ZswapStoreFolios] = NOT_THERE
    zswap_store_span: type[reclaim_batch.ZswapStoreSpan] = NOT_THERE
    zswap_store_pages: type[ZswapStorePages] = NOT_THERE
    zswap_compress_pages: type[ZswapCompressPages] = NOT_THERE
    acomp_compress: type[acomp.AcompCompress] = NOT_THERE
    acomp_decompress: type[acomp.AcompDecompress] = NOT_THERE
    zswap_load: type[ZswapLoadBase]
    zswap_load_batch: type[swapin_batch.ZswapLoadBatch] = NOT_THERE
    zswap_decompress: type[ZswapDecompress]
    zswap_invalidate: type[ZswapInvalidate]
    zswap_entry_free: type[ZswapEntryFree]
    zswap_writeback_entry: type[ZswapWritebackBase]
    list_lru_walk: type[zswap_shrink.ListLruWalk]
    shrink_memcg: type[zswap_shrink.ShrinkMemcg]
    shrink_worker: type[zswap_shrink.ShrinkWorkerBase]
    shrinker_count: type[zswap_shrink.ShrinkerCount]
    shrinker_scan: type[zswap_shrink.ShrinkerScan]

    pool_create: type[zswap_pool.PoolCreate612]
    pool_release: type[zswap_pool.PoolRelease]
    set_compressor: type[zswap_pool.SetCompressor612]
    set_zpool: type[zswap_pool.SetZpool612] = NOT_THERE
    set_param: type[controls.SetParam612]
    set_memcg: type[controls.SetMemcg612]
    set_thp: type[controls.SetThp612]
    bind: type[controls.Bind]
    cpu_online: type[cpuhp.CpuOnline612]
    cpu_offline: type[cpuhp.CpuOffline612]
    drain_slot_cache: type[slot_cache.DrainSlotCache612] = NOT_THERE
    memcg_offline: type[MemcgOffline612]
    swapon: type[SwapOn612]
    swapoff: type[SwapOff612] | type[VswapSwapOff]

    vswap_release_backing: type[vswap_backing.VswapReleaseBacking] = NOT_THERE
    vswap_alloc_swap_slot: type[vswap_backing.VswapAllocSwapSlot] = NOT_THERE
    vswap_cpu_dead: type[vswap_alloc.VswapCpuDead] = NOT_THERE

    iaa_call: type[IaaCall] = NOT_THERE
    iaa_call_batch: type[IaaCallBatch] = NOT_THERE
    iaa_job: type[IaaJob] = NOT_THERE
    iaa_sleep: type[IaaSleep] = NOT_THERE
    iaa_verify: type[IaaVerify] = NOT_THERE
    iaa_batch: type[IaaBatch] = NOT_THERE
    iaa_poll: type[IaaPoll] = NOT_THERE
    iaa_interrupt: type[IaaInterrupt] = NOT_THERE
    iaa_engine_begin: type[IaaEngineBegin] = NOT_THERE
    iaa_engine_end: type[IaaEngineEnd] = NOT_THERE
    iaa_halt: type[IaaHalt] = NOT_THERE
    iaa_bind: type[IaaBind] = NOT_THERE
    iaa_unbind: type[IaaUnbind] = NOT_THERE
    iaa_attribute: type[IaaAttribute] = NOT_THERE

    kswapd: type[Kswapd] = NOT_THERE
    kswapd_shrink: type[KswapdShrinkFolio] = NOT_THERE
    kswapd_writepage: type[page_io.SwapWritepage] = NOT_THERE
    kcompressd_submit: type[KcompressdSubmitBio] = NOT_THERE
    kcompressd_swapout: type[KcompressdSwapoutA] | type[KcompressdSwapoutB] = NOT_THERE
    kcompressd_run: type[KcompressdRun] = NOT_THERE
    kcompressd_stop: type[KcompressdStop] = NOT_THERE
    kcompressd_param: type[KcompressdParam] = NOT_THERE
    kcompressd_limit: type[KcompressdLimit] = NOT_THERE
    shrink_lru_list: type[ShrinkLruList] = NOT_THERE
    lru_add_drain: type[LruAddDrain] = NOT_THERE

    zram_bio_write: type[ZramBioWrite] | type[ZramBioWriteBatch] = NOT_THERE
    zram_write: type[ZramWrite] = NOT_THERE
    zram_read: type[ZramRead] = NOT_THERE
    zram_end_read: type[ZramEndRead] = NOT_THERE
    zram_slot_free_notify: type[ZramSlotFreeNotify] = NOT_THERE
    zram_idle: type[ZramIdle] = NOT_THERE
    zram_writeback: type[ZramWriteback] = NOT_THERE
    zram_writeback_endio: type[ZramWritebackEndio] = NOT_THERE


class KernelView(View):
    """The view of a sequential run, with what kernel operations need besides components.

    at: places of the components.  cfg: sizes, options, compressors.  ops: the operation table.
    layout: names of the places.
    """

    __slots__ = ("at", "cfg", "layout", "ops")

    at: Places
    cfg: Config
    ops: OperationTable
    layout: Layout

    def __init__(
        self, components: Iterable[Any], at: Places, cfg: Config, ops: OperationTable, layout: Layout
    ) -> None:
        """Start from the given components."""
        super().__init__(components)
        self.at, self.cfg, self.ops, self.layout = at, cfg, ops, layout


def lowest_free(used: int) -> int:
    """Return the lowest number whose bit is clear in a map of used numbers."""
    return (used ^ (used + 1)).bit_length() - 1
