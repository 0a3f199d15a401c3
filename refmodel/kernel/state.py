"""The state: every component of the model and the place where it lives.

One record per thing that the kernel keeps: a page-table entry, a folio, a swap slot, a place of the
swap cache, a place of a zswap tree, a zswap entry, an LRU list of one node and memory cgroup, a
pool, a compression context, counters named as the kernel names them.  Each field carries its
meaning; which step may write it is said by the operations.

Numbers: swap slots are page offsets on the one swap device, offset 0 is never handed out, so 0 means
"no slot".  Folios, zswap entries, zsmalloc handles and pools count from 1; 0 means "none".  Memory
cgroup 0 is the root, and it has no objcg (objcg 0 means "charged to nobody").

Sources: mm/zswap.c, mm/swapfile.c, mm/swap_state.c, mm/memory.c, mm/memcontrol.c of Linux 6.1.192,
6.12.117, 6.18.15 and 7.3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Literal, TypedDict

import attrs

from refmodel.kernel.config import Config
from refmodel.kernel.crypto import ZERO_PAGE
from refmodel.kernel.iaa_state import IaaPlaces, describe_iaa
from refmodel.kernel.kcompressd_state import KcompressdPlaces, describe_kcompressd
from refmodel.kernel.lru_lists import LruPlaces, describe_lists
from refmodel.kernel.vswap_state import VswapPlaces, describe_vswap, virtual_entries
from refmodel.kernel.zram_state import POOL, ZramPlaces, describe_zram
from refmodel.machine import Layout, Place, component

Content = Hashable
"""The content of one page: 4096 bytes, or a small token.  A page of zeroes is always ``ZERO_PAGE``."""

UNKNOWN: Content = "never written"
"""What a device block or a fresh page of the swap cache holds before anything was written there."""


# --- processes and memory ---------------------------------------------------------------------------


@component
class Pte:
    """One page-table entry of an anonymous mapping.

    At most one of ``folio``, ``slot``, ``zeropage`` and ``poisoned`` says where it points; all unset is
    an empty entry.  ``exclusive`` is the mark that no other process can reach the page (PageAnonExclusive of
    a mapped page, pte_swp_exclusive of a swap entry).
    """

    folio: int = 0
    index: int = 0
    """Which page of the folio, counted in pages."""
    slot: int = 0
    zeropage: bool = False
    poisoned: bool = False
    """The page could not be read when its swap device was taken away: touching it is SIGBUS."""
    dirty: bool = False
    exclusive: bool = False


EMPTY_PTE = Pte()


@component
class Folio:
    """A folio of anonymous memory: 2^order pages of one node, charged to one memory cgroup."""

    nid: int
    memcg: int
    """Number of the cgroup, or of the objcg where folios are charged to these (7.3); ``folio_memcg`` tells which."""
    contents: tuple[Content, ...]
    """Content of each page; the number of pages is its length."""
    rmap: tuple[Place[Pte], ...] = ()
    """Places of the page-table entries that map a page of it, ascending."""
    locked: bool = False
    uptodate: bool = True
    dirty: bool = False
    writeback: bool = False
    reclaim: bool = False
    """PG_reclaim: to be rotated to the tail of its LRU when writeback ends."""
    swapbacked: bool = True
    """False after MADV_FREE: the folio may be dropped while it stays clean."""
    swap: int = 0
    """First slot when the folio is in the swap cache (or is read without it), else 0."""
    swapcache: bool = False
    refs: int = 0
    """References of operations in flight; page tables and swap cache count through ``rmap`` and ``swapcache``."""
    lru: bool = True
    """PG_lru: reclaim can find the folio.  Isolation clears it, so that one reclaim at a time works on it."""
    active: bool = False
    """PG_active: it is put back to be scanned late; only where LRU lists have an order."""


class FolioFlags(TypedDict, total=False):
    """Flags of a folio that steps set together."""

    lru: bool
    active: bool
    locked: bool
    uptodate: bool
    dirty: bool
    writeback: bool
    reclaim: bool
    swapbacked: bool


@component
class Truth:
    """What a process last wrote to one of its pages (kept for the promise only)."""

    content: Content = ZERO_PAGE


# --- swap slots ---------------------------------------------------------------------------------------


@component
class SwapSlot:
    """The swap map entry of one slot.

    count: page-table entries that name the slot.
    cache: the slot is pinned by the swap cache (SWAP_HAS_CACHE; in 7.3 the table word is a folio).
    memcg: the cgroup whose memory.swap.current carries the slot (swap_cgroup record), 0 if none.

    Free is count 0 without cache.  With the per-CPU return cache of 6.1 and 6.12 a slot that was freed
    keeps ``cache`` until the cache is flushed, although no folio holds it.
    """

    count: int = 0
    cache: bool = False
    memcg: int = 0


FREE_SLOT = SwapSlot()


@component
class SwapDevice:
    """The swap device (struct swap_info_struct).

    on: slots can be handed out (SWP_WRITEOK).
    size: slots that it has.  free: slots of them that can be allocated.
    users: swap operations can pin it (get_swap_device); swapoff ends that once no slot is in use.
    claimed: the block device is open; from the start of swapon to the end of swapoff nobody else can open it.
    zswap_trees: zswap has an index for it; false while it is off, and in 6.1 where the allocation failed.
    synchronous: a read is over when its submission returns (SWP_SYNCHRONOUS_IO, SWP_READ_SYNCHRONOUS_IO).
    synchronous_writes: a write is (SWP_SYNCHRONOUS_IO, SWP_WRITE_SYNCHRONOUS_IO).
    """

    on: bool
    synchronous: bool
    synchronous_writes: bool
    size: int
    free: int
    users: bool = True
    claimed: bool = True
    zswap_trees: bool = True


# --- zswap ----------------------------------------------------------------------------------------------


@component
class ZswapEntry:
    """Metadata of one stored page (struct zswap_entry).

    Fields stay 0 until the store has set them; ``length`` is in bytes.
    slab_nid: node of the memory that the metadata itself lies in.
    nid: node of the page, where the metadata keeps it (batching v13 and v14), else -1.
    refcount: 6.1 only: 1 for the tree plus one per user.
    value: 6.1 only: what a same-filled page holds (the kernel keeps its 64-bit word); its length is 0.
    """

    slab_nid: int
    swpentry: int = 0
    length: int = 0
    referenced: bool = False
    pool: int = 0
    handle: int = 0
    objcg: int = 0
    refcount: int = 0
    value: Content = None
    nid: int = -1


@component
class ZswapPool:
    """One configuration of compressor and allocator, and its life (struct zswap_pool).

    killed: the initial reference was dropped because another pool became current.  Killed and without a
        reference the pool waits for its release.
    compr_batch_size: pages that one call of its compressor may take, 1 where there are no batches.
    """

    compressor: str
    zpool: str
    killed: bool = False
    compr_batch_size: int = 1


@component
class ZswapParams:
    """Module parameters and switches of zswap."""

    enabled: bool
    compressor: str
    zpool: str
    max_pool_percent: int = 20
    accept_threshold_percent: int = 90
    shrinker_enabled: bool = False
    ever_enabled: bool = True
    """zswap_ever_enabled: set when a pool is created, never cleared."""
    has_pool: bool = True
    """zswap_has_pool: some pool has become current, never cleared."""
    init: Literal["uninit", "succeeded", "failed"] = "succeeded"
    """zswap_init_state: whether what all pools share has been set up."""


UNSET = ""
"""The compressor or allocator parameter when not even the default exists (ZSWAP_PARAM_UNSET)."""


@component
class ShrinkWork:
    """The work item of the global shrinker: at most one run at a time, at most one more pending.

    pools: 6.1 only, where each pool has an item of its own: pools whose items are pending, oldest first.
    """

    pending: bool = False
    running: bool = False
    pools: tuple[int, ...] = ()


@component
class AcompCtx:
    """Compression context of one pool on one CPU (struct crypto_acomp_ctx), without its lock: there or not.

    online: the CPU has not left it (batching v8, whose contexts stay when their CPU goes).
    reqs: pages that its requests and buffers can take in one call.
    buffers: what the buffers hold while the context is locked: results of the call, and between two calls of
        one user those of the call before.
    error: what the last call of its user returned, 0 or a negative errno; None where the results say it.
    """

    present: bool = False
    online: bool = True
    reqs: int = 1
    buffers: tuple[Any, ...] = ()
    error: int | None = None


@component
class ZsObject:
    """One object in a zsmalloc (or zbud) pool: what a handle leads to.

    size: bytes asked for.  size_class, zspage: where it lies.  data: the compressed bytes.
    nid: node on which its memory was asked for.
    slot: what the header before the data names, which allocators that evict have in 6.1, else 0.
    """

    pool: int
    size: int
    size_class: int
    zspage: int
    data: Any
    nid: int
    slot: int = 0


# --- memory cgroups -------------------------------------------------------------------------------------


@component
class Memcg:
    """A memory cgroup: its place in the tree and its zswap controls.

    zswap_max, swap_max: memory.zswap.max and memory.swap.max in pages, None for "max".
    """

    parent: int
    online: bool = True
    zswap_max: int | None = None
    swap_max: int | None = None
    zswap_writeback: bool = True


@attrs.frozen
class VmCounters:
    """Places of the /proc/vmstat counters (pages; nr_zspages in pool pages)."""

    zswpin: Place[int]
    zswpout: Place[int]
    zswpwb: Place[int]
    pswpin: Place[int]
    pswpout: Place[int]
    swpin_zero: Place[int]
    swpout_zero: Place[int]
    nr_swapcached: Place[int]
    nr_zspages: Place[int]
    pgmajfault: Place[int]
    thp_swpout: Place[int]
    thp_swpout_fallback: Place[int]


@attrs.frozen
class ZswapCounters:
    """Places of the debugfs zswap counters; pool sizes are kept per pool."""

    stored_pages: Place[int]
    same_filled_pages: Place[int]
    stored_incompressible_pages: Place[int]
    pool_limit_hit: Place[int]
    reject_reclaim_fail: Place[int]
    reject_alloc_fail: Place[int]
    reject_kmemcache_fail: Place[int]
    reject_compress_fail: Place[int]
    reject_compress_poor: Place[int]
    decompress_fail: Place[int]
    written_back_pages: Place[int]
    duplicate_entry: Place[int]


@attrs.frozen
class MemcgCounters:
    """Places of one cgroup's own (not hierarchical) counters.

    zswap: bytes.  zswapped, zswap_incomp: pages.  swap: slots charged.  The rest are events.
    """

    zswap: Place[int]
    zswapped: Place[int]
    zswap_incomp: Place[int]
    zswpin: Place[int]
    zswpout: Place[int]
    zswpwb: Place[int]
    pswpin: Place[int]
    pswpout: Place[int]
    swpin_zero: Place[int]
    swpout_zero: Place[int]
    swapcached: Place[int]
    pgmajfault: Place[int]
    swap: Place[int]


@attrs.frozen
class MthpCounters:
    """Places of one folio order's counters in hugepages-*kB/stats."""

    anon_fault_alloc: Place[int]
    swpout: Place[int]
    swpout_fallback: Place[int]
    zswpout: Place[int]
    swpin: Place[int]
    split: Place[int]


@attrs.frozen
class Places:
    """Where everything is.  Attributes are places, or rows and grids of places."""

    pte: Sequence[Sequence[Place[Pte]]]
    """[mm][page]: page tables of the processes, then of the children that they may fork."""
    forked: Sequence[Place[bool]]
    """[process]: whether its forked child lives."""
    policy: Sequence[Place[int | None]]
    """[process]: node that its pages are bound to, None for local."""
    mmap_lock: Sequence[Place[int]]
    """[mm]: how many operations use the address space and need it to stay as it is: readers of its lock."""
    mmap_writer: Sequence[Place[bool]]
    """[mm]: somebody changes the address space as a whole: the writer of its lock."""
    ptl: Sequence[Place[bool]]
    """[mm]: somebody holds the lock of its page table for more than one step."""
    truth: Sequence[Sequence[Place[Truth]]]
    thp_orders: Place[int]
    """Bit o set: anonymous faults may allocate folios of order o."""
    folio: Sequence[Place[Folio | None]]
    folios_used: Place[int]
    """Bit f set: folio f exists."""

    slot: Sequence[Place[SwapSlot]]
    swap_cache: Sequence[Place[int]]
    """[slot]: folio that holds the slot in the swap cache, or 0."""
    zeromap: Sequence[Place[bool]]
    device: Sequence[Place[Content]]
    """[slot]: what the swap device holds."""
    slot_cache_active: Place[bool]
    """Whether freed slots go through the per-CPU caches; set by the first order-0 allocation (6.1, 6.12)."""
    slot_cache_enabled: Place[bool]
    """Whether the caches may be used at all: not while swapoff empties them, nor without a device."""
    slot_cache: Sequence[Place[tuple[int, ...]]]
    """[cpu]: freed slots that wait for a flush, oldest first."""
    si: Place[SwapDevice]
    avail_list: Place[bool]
    """The device is on the list of available devices (swap_avail_heads): slots can be handed out and one is free.
    6.18 and later keep the opposite as a bit of the counter of slots in use (SWAP_USAGE_OFFLIST_BIT), to change both
    without the device's lock; in the model both change in one step anyway."""
    si_pins: Place[int]
    """Operations that have pinned the device: the end of swapoff waits for them."""

    tree: Sequence[Place[int]]
    """[slot]: zswap entry, or 0."""
    frontswap: Sequence[Place[bool]]
    """[slot]: 6.1: frontswap says that a copy was taken."""
    entry: Sequence[Place[ZswapEntry | None]]
    entries_used: Place[int]
    lru: Sequence[Sequence[Place[tuple[int, ...]]]]
    """[memcg][nid]: zswap entries, coldest first."""
    lru_dead: Sequence[Sequence[Place[bool]]]
    """[memcg][nid]: the list went to the parent's: look there (6.18 and later: LONG_MIN for its length)."""
    lru_ready: Sequence[Place[bool]]
    """[memcg]: whether it has lists: memcg_list_lru_alloc makes them, going offline takes them away."""
    pool: Sequence[Place[ZswapPool | None]]
    pool_ref: Sequence[Place[int]]
    """[pool]: references (percpu_ref, 6.1: kref): 1 while current, plus one per entry, plus one per store under
    way, in 6.1 also one per queued run of its shrink work."""
    pool_list: Place[tuple[int, ...]]
    """zswap_pools: the head is the current pool."""
    zswap: Place[ZswapParams]
    reached_full: Place[bool]
    next_shrink: Place[int]
    """zswap_next_shrink: the worker's cursor, a memcg, or -1 for none."""
    shrink_work: Place[ShrinkWork]
    acomp_ctx: Sequence[Sequence[Place[AcompCtx]]]
    """[pool][cpu]"""
    ctx_locked: Sequence[Sequence[Place[bool]]]
    """[pool][cpu]: the lock of the context, which may outlive what it protects (acomp_ctx->mutex)."""
    online_cpus: Place[tuple[int, ...]]
    """CPUs that run tasks, ascending (cpu_online_mask)."""
    param_locked: Place[bool]
    """A module parameter is being written (kernel_param_lock)."""
    hotplug_locked: Place[bool]
    """A CPU is coming or going: creation and destruction of pools have to wait (cpu_hotplug_lock)."""

    zs_class: Sequence[Sequence[Place[Any]]]
    """[pool][size class]: zspages of the class; None where the pool's allocator has no such class."""
    zs_object: Sequence[Place[ZsObject | None]]
    """[handle]"""
    objects_used: Place[int]
    pool_pages: Sequence[Place[int]]
    """[pool]: pages that its allocator holds."""
    pool_total_size: Place[int]
    """6.1 only: zswap_pool_total_size, in pages: all pools' pages as the last store or free saw them."""

    memcg: Sequence[Place[Memcg]]
    objcg: Sequence[Place[int]]
    """[objcg]: cgroup that it is charged to at this moment."""
    nr_disk_swapins: Sequence[Sequence[Place[int]]]
    """[memcg][nid]"""

    vm: VmCounters
    zs: ZswapCounters
    mc: Sequence[MemcgCounters]
    """[memcg]"""
    mthp: Sequence[MthpCounters]
    """[order]"""
    vswap: VswapPlaces
    """Virtual swap: where it exists, [slot] of all rows above but ``device`` means [virtual entry]."""
    iaa: IaaPlaces
    """IAA devices and their driver; without it the rows are empty."""
    kcompressd: KcompressdPlaces
    """Queues of kcompressd; without it the rows are empty."""
    zram: ZramPlaces
    """The zram device that is swapped to; without it the rows are empty.  Its pool is number 0."""
    reclaim: LruPlaces
    """The order of folios on LRU lists; where nobody asks for it the rows are empty."""


def truth_of(v: Any, place: int) -> Place[Truth]:
    """Return the place of what the process last wrote to the page of a page-table entry."""
    return v.at.truth[0][0] + (place - v.at.pte[0][0])  # type: ignore[no-any-return]  # v is untyped here


GAUGES = frozenset(
    {
        "nr_swapcached", "nr_zspages", "stored_pages", "same_filled_pages", "stored_incompressible_pages",
        "zswap", "zswapped", "zswap_incomp", "swapcached", "swap",
    }
)  # fmt: skip
"""Counters that say how much there is of something; the others count events."""


def _counters(layout: Layout, kind: type[Any], prefix: str) -> Any:
    names = [field.name for field in attrs.fields(kind)]
    return kind(**{name: layout.counter(f"{prefix}.{name}", grows=name not in GAUGES) for name in names})


def describe(config: Config) -> tuple[Layout, Places]:
    """Lay out a system of the configured sizes in its initial state.

    The device is on if it has slots, zswap is enabled as the configuration says, and its initial pool exists
    with a context on every CPU, unless the configuration says that there is none.
    """
    layout, size = Layout(), config.sizes
    mms, cgroups = 2 * size.processes, size.memcgs + 1
    blocks = config.blocks
    slots = virtual_entries(config) if config.options.virtual_swap else blocks
    zram = config.options.zram
    reads = config.synchronous_device or zram is not None
    writes = reads if zram is None else zram.synchronous_writes
    device = SwapDevice(
        blocks > 1,
        reads,
        writes if config.synchronous_writes is None else config.synchronous_writes,
        size=blocks - 1,
        free=blocks - 1,
        users=blocks > 1,
        claimed=blocks > 1,
    )
    there = config.initial_pool
    params = ZswapParams(
        config.zswap_enabled,
        config.compressor,
        config.zpool,
        ever_enabled=there,
        has_pool=there,
        init="succeeded" if there or config.options.set_up_at_boot else "uninit",
    )
    allocator = config.allocators[config.zpool]
    columns = max(each.classes for each in config.allocators.values())

    batch = config.batch_size(config.compressor)
    first, ctx = (
        ZswapPool(config.compressor, config.zpool, compr_batch_size=batch),
        AcompCtx(True, reqs=batch),
    )

    pools = {**({1: allocator} if there else {}), **({POOL: config.allocators["zsmalloc"]} if zram else {})}

    def no_object(pool: int) -> Callable[[int], Any]:
        made = pools.get(pool)
        return lambda column: made.empty if made is not None and column < made.classes else None

    places = Places(
        pte=layout.grid("pte", mms, size.pages, EMPTY_PTE),
        forked=layout.row("forked", size.processes, False),
        policy=layout.row("policy", size.processes, None),
        mmap_lock=tuple(layout.counter(f"mmap_lock[{mm}]") for mm in range(mms)),
        mmap_writer=layout.row("mmap_writer", mms, False),
        ptl=layout.row("ptl", mms, False),
        truth=layout.grid("truth", mms, size.pages, Truth(), ghost=True),
        thp_orders=layout.one("thp_orders", 0),
        folio=layout.row("folio", size.folios + 1, None),
        folios_used=layout.one("folios_used", 1),
        slot=layout.row("slot", slots, FREE_SLOT),
        swap_cache=layout.row("swap_cache", slots, 0),
        zeromap=layout.row("zeromap", slots, False),
        device=layout.row("device", blocks, UNKNOWN),
        slot_cache_active=layout.one("slot_cache_active", False),
        slot_cache_enabled=layout.one("slot_cache_enabled", True),
        slot_cache=layout.row("slot_cache", size.cpus, ()),
        si=layout.one("si", device),
        avail_list=layout.one("avail_list", blocks > 1),
        si_pins=layout.counter("si_pins"),
        tree=layout.row("tree", slots, 0),
        frontswap=layout.row("frontswap", slots, False),
        entry=layout.row("entry", size.entries + 1, None),
        entries_used=layout.one("entries_used", 1),
        lru=layout.grid("lru", cgroups, size.nodes, ()),
        lru_dead=layout.grid("lru_dead", cgroups, size.nodes, False),
        lru_ready=layout.row("lru_ready", cgroups, lambda memcg: memcg == 0),
        pool=layout.row(
            "pool",
            size.pools + 1,
            lambda p: first if there and p == 1 else None,
        ),
        pool_ref=layout.row("pool_ref", size.pools + 1, lambda p: int(there and p == 1)),
        pool_list=layout.one("pool_list", (1,) if there else ()),
        zswap=layout.one("zswap", params),
        reached_full=layout.one("reached_full", False),
        next_shrink=layout.one("next_shrink", -1),
        shrink_work=layout.one("shrink_work", ShrinkWork()),
        acomp_ctx=tuple(
            layout.row(f"acomp_ctx[{p}]", size.cpus, ctx if p in pools else AcompCtx())
            for p in range(size.pools + 1)
        ),
        ctx_locked=tuple(layout.row(f"ctx_locked[{p}]", size.cpus, False) for p in range(size.pools + 1)),
        online_cpus=layout.one("online_cpus", tuple(range(size.cpus))),
        param_locked=layout.one("param_locked", False),
        hotplug_locked=layout.one("hotplug_locked", False),
        zs_class=tuple(layout.row(f"zs_class[{p}]", columns, no_object(p)) for p in range(size.pools + 1)),
        zs_object=layout.row("zs_object", size.objects + 1, None),
        objects_used=layout.one("objects_used", 1),
        pool_pages=layout.row("pool_pages", size.pools + 1, 0),
        pool_total_size=layout.one("pool_total_size", 0),
        memcg=layout.row("memcg", cgroups, lambda memcg: Memcg(parent=-1 if memcg == 0 else 0)),
        objcg=layout.row("objcg", cgroups, lambda objcg: objcg),
        nr_disk_swapins=tuple(
            tuple(layout.counter(f"nr_disk_swapins[{m}][{nid}]", grows=True) for nid in range(size.nodes))
            for m in range(cgroups)
        ),
        vm=_counters(layout, VmCounters, "vm"),
        zs=_counters(layout, ZswapCounters, "zs"),
        mc=tuple(_counters(layout, MemcgCounters, f"memcg[{memcg}]") for memcg in range(cgroups)),
        mthp=tuple(_counters(layout, MthpCounters, f"mthp[{order}]") for order in range(size.max_order + 1)),
        vswap=describe_vswap(layout, config, blocks),
        iaa=describe_iaa(layout, config),
        kcompressd=describe_kcompressd(layout, config),
        zram=describe_zram(layout, config),
        reclaim=describe_lists(layout, config.lists),
    )
    return layout, places
