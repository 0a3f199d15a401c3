"""Zswap compression batching: the postings v4 to v14 of the series, side by side.

What a posting does not change is taken from linux-6.18, the nearest model that stores large folios, although v4 to
v11 stood on older kernels (6.13 to 6.17) and v13 and v14 on later ones.  v5 and v7 were not read.  Postings are as
written; what is known to be wrong in one is an exhibit of the museum, whose remedy says what was intended.
"""

from __future__ import annotations

from typing import Any

import attrs

from refmodel.kernel import (
    acomp,
    cpuhp,
    cpuhp_batch,
    reclaim_batch,
    swapin_batch,
    zswap_compress_pages,
    zswap_ctx_v4,
    zswap_decompress,
    zswap_store_batch,
    zswap_store_pages,
    zswap_store_pages_insert_first,
)
from refmodel.kernel import zswap_entry as entry
from refmodel.kernel.table import NOT_THERE
from refmodel.profiles.linux import LINUX_6_18
from refmodel.profiles.profile import Profile


def _posting(
    before: Profile,
    name: str,
    summary: str,
    options: dict[str, Any],
    base: str = LINUX_6_18.name,
    **classes: Any,
) -> Profile:
    return attrs.evolve(
        before,
        name=name,
        base=base,
        summary=summary,
        operations=attrs.evolve(before.operations, **classes),
        options=attrs.evolve(before.options, **options),
    )


BATCHING_V4 = _posting(
    LINUX_6_18,
    "batching-v4",
    "Batching v4, November 2024: a store of its own for large folios of a pool that has batches.",
    {"batching": True, "raw_pages": False},
    zswap_store=zswap_store_batch.ZswapStoreV4,
    zswap_store_pages=zswap_store_pages.ZswapStorePagesV4,
    zswap_compress=zswap_ctx_v4.ZswapCompressV4,
    zswap_compress_pages=zswap_ctx_v4.ZswapCompressPagesV4,
    zswap_decompress=zswap_ctx_v4.ZswapDecompressV4,
    zswap_entry_free=entry.ZswapEntryFree,
    cpu_online=cpuhp_batch.CpuOnlineV4,
    cpu_offline=cpuhp_batch.CpuOfflineV4,
    acomp_compress=acomp.AcompParallel,
)
"""Message-Id 20241123070127.332773."""

BATCHING_V6 = _posting(
    BATCHING_V4,
    "batching-v6",
    "Batching v6, February 2025: a folio is allocated, compressed and published whole.",
    {},
    zswap_store=zswap_store_batch.ZswapStoreV6,
    zswap_store_pages=zswap_store_pages.ZswapStorePages,
    zswap_compress=NOT_THERE,
    zswap_compress_pages=zswap_compress_pages.ZswapCompressPagesV8,
    zswap_decompress=zswap_decompress.ZswapDecompress618,
    cpu_online=cpuhp.CpuOnline612,
    cpu_offline=cpuhp.CpuOffline618,
)
"""20250206072102.29045; 14/16, the base of the function, is inferred from 15/16 and 16/16."""

BATCHING_V8 = _posting(
    BATCHING_V6,
    "batching-v8",
    "Batching v8, March 2025: batches of 8 pages, requests in a chain.",
    {},
    zswap_store=zswap_store_batch.ZswapStoreV8,
    acomp_compress=acomp.AcompChained,
    cpu_online=cpuhp_batch.CpuOnlineV8,
    cpu_offline=cpuhp_batch.CpuOfflineV8,
)
"""Known from a review reply that quotes the patch in full, and a tree with its resource patches."""

BATCHING_V9 = _posting(
    BATCHING_V8,
    "batching-v9",
    "Batching v9, April 2025: one routine for all compressors, contexts live as long as their pool.",
    {},
    zswap_store=zswap_store_batch.ZswapStoreV9,
    zswap_compress_pages=zswap_compress_pages.ZswapCompressPages,
    acomp_compress=acomp.AcompParallel,
    zswap_decompress=zswap_decompress.ZswapDecompress73,
    cpu_online=cpuhp_batch.CpuOnlineV9,
    cpu_offline=cpuhp.CpuOffline73,
)
"""20250430205305.22844 and its resend of 8 May 2025."""

BATCHING_V10 = _posting(
    BATCHING_V9,
    "batching-v10",
    "Batching v10, July 2025: entries allocated in bulk and initialised before compression.",
    {},
    zswap_store_pages=zswap_store_pages.ZswapStorePagesV10,
)
"""20250704042323.10318."""

BATCHING_V11 = attrs.evolve(
    BATCHING_V10,
    name="batching-v11",
    summary="Batching v11, July 2025: steps as v10.",
)
"""20250801043642.8103, 23/24 as quoted in review."""

BATCHING_V12 = _posting(
    BATCHING_V11,
    "batching-v12",
    "Batching v12, September 2025: scatter lists, pages that fail are stored raw.",
    {"raw_pages": True},
    zswap_store=zswap_store_batch.ZswapStoreV12,
    zswap_compress_pages=zswap_compress_pages.ZswapCompressPagesV12,
    zswap_entry_free=entry.ZswapEntryFree73,
)
"""20250926033502.7486."""

BATCHING_V13 = _posting(
    BATCHING_V12,
    "batching-v13",
    "Batching v13, November 2025: the entry keeps the node of its page.",
    {"lru_node": "entry"},
    zswap_store_pages=zswap_store_pages.ZswapStorePagesV13,
    cpu_online=cpuhp.CpuOnline73,
)
"""20251104091235.8793; 22/22 is known only as quoted in review."""

BATCHING_V14 = _posting(
    BATCHING_V13,
    "batching-v14",
    "Batching v14, January 2026: one compression context a folio, the fall-back cleans up after itself.",
    {},
    zswap_store=zswap_store_batch.ZswapStoreV14,
    zswap_store_pages=zswap_store_pages.ZswapStorePagesV14,
)
"""20260125033537.334628."""

POSTINGS = (
    BATCHING_V4, BATCHING_V6, BATCHING_V8, BATCHING_V9, BATCHING_V10, BATCHING_V11, BATCHING_V12, BATCHING_V13,
    BATCHING_V14,
)  # fmt: skip
"""The postings in their order."""

BATCHING_DECOMPRESS = _posting(
    BATCHING_V14,
    "batching-decompress",
    "Proposal on v14: faults read a window of slots ahead and decompress what they can of it in batches.",
    {},
    base=BATCHING_V14.name,
    do_swap_page=swapin_batch.DoSwapPageReadahead,
    swapin_readahead=swapin_batch.SwapinReadahead,
    swap_read_batch=swapin_batch.SwapReadBatch,
    zswap_load_batch=swapin_batch.ZswapLoadBatch,
    acomp_decompress=acomp.AcompDecompressParallel,
)
"""Roadmap of v9, item 3; nobody has posted it with this store."""

BATCHING_RECLAIM = _posting(
    BATCHING_V14,
    "batching-reclaim",
    "Proposal on v14: reclaim stores pages of several folios, whatever their sizes, in common batches.",
    {},
    madvise_pageout=reclaim_batch.MadvisePageoutBatch,
    shrink_folio_list=reclaim_batch.ShrinkFolioList,
    shrink_folio_begin=reclaim_batch.ShrinkFolioBegin,
    shrink_folio_finish=reclaim_batch.ShrinkFolioFinish,
    swap_writepage_begin=reclaim_batch.SwapWritepageBegin,
    swap_writepage_finish=reclaim_batch.SwapWritepageFinish,
    zswap_store_folios=reclaim_batch.ZswapStoreFolios,
    zswap_store_span=reclaim_batch.ZswapStoreSpan,
)
"""Roadmap of v9, item 2; v1 had a patch for it, and v4 a store that took several folios."""

BATCHING_V14_INSERT_FIRST = _posting(
    BATCHING_V14,
    "batching-v14-insert-first",
    "Proposal on v14: all insertions of a batch come first, charges, counters and lists when nothing can fail.",
    {},
    base=BATCHING_V14.name,
    zswap_store_pages=zswap_store_pages_insert_first.ZswapStorePagesInsertFirst,
)
"""Asked for in the review of v12 22/23 (October 2025); its author kept the other order."""

PROPOSALS = (BATCHING_DECOMPRESS, BATCHING_RECLAIM, BATCHING_V14_INSERT_FIRST)
"""What the roadmap of the series names, or its review, and no posting of it has."""
