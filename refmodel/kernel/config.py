"""Configuration of a system: sizes, constants, and the small differences between kernels.

``Sizes`` come from a preset and say how much of everything there is.  ``KernelOptions`` come from a
profile: the differences between kernel versions that are too small for an operation class of their
own.  ``Config`` joins them with what one run fixes (parameters at start, compressors, allocator).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from refmodel.kernel.allocators import Allocator
    from refmodel.kernel.crypto import Codec
    from refmodel.kernel.iaa_config import IaaOptions, IaaSystem
    from refmodel.kernel.kcompressd_config import KcompressdOptions, KcompressdSystem
    from refmodel.kernel.lru_lists import LruLists
    from refmodel.kernel.zram_config import ZramOptions, ZramSystem

PAGE_SIZE = 4096
"""Bytes of a page."""

MAX_BATCH = 8
"""Pages that a store takes at a time, at most (ZSWAP_MAX_BATCH_SIZE, zswap compression batching v6 to v14)."""

MAX_RECLAIM_RETRIES = 16
"""Failures after which the global shrinker gives up (mm/internal.h)."""


@attrs.frozen
class Sizes:
    """How much of everything a system has.

    slots counts the offsets of the swap device including offset 0, which is never used.
    slot_cache counts the slots that a CPU's return cache holds before it is flushed
    (SWAP_SLOTS_CACHE_SIZE, 64 in 6.1 and 6.12); a small device needs a small one.
    max_batch is how many pages a store can take at a time (ZSWAP_MAX_BATCH_SIZE), 1 to 8.
    totalram_pages is what ``max_pool_percent`` is a share of, in pages.
    vswap_cluster_size counts the virtual entries of a cluster (512 in the kernel), a power of two;
    vswap_clusters says how many clusters can exist at a time.
    zonelists: for each node, the nodes from which its allocations take memory, the node itself first.

    Raises ValueError for a batch that no kernel has.
    """

    nodes: int = 1
    cpus: int = 1
    memcgs: int = 1
    processes: int = 1
    pages: int = 4
    slots: int = 8
    slot_cache: int = 64
    folios: int = 12
    entries: int = 8
    objects: int = 8
    pools: int = 3
    max_order: int = 2
    max_batch: int = 8
    totalram_pages: int = 60
    vswap_cluster_size: int = 8
    vswap_clusters: int = 8
    zonelists: tuple[tuple[int, ...], ...] = attrs.field(init=False, repr=False, eq=False)

    @zonelists.default
    def _preferences(self) -> tuple[tuple[int, ...], ...]:
        nodes = range(self.nodes)
        return tuple((nid, *(n for n in nodes if n != nid)) for nid in nodes)

    def __attrs_post_init__(self) -> None:
        """Refuse batches that are too long for the kernel's 8-bit counts and fixed arrays."""
        if not 1 <= self.max_batch <= MAX_BATCH:
            near = min(max(self.max_batch, 1), MAX_BATCH)
            raise ValueError(f"max_batch {self.max_batch}: expected 1 to {MAX_BATCH} pages; {near} works")

    def node_of_cpu(self, cpu: int) -> int:
        """Return the node that a CPU belongs to: CPUs are dealt to the nodes in turn."""
        return cpu % self.nodes


@attrs.frozen(kw_only=True)
class KernelOptions:
    """Small differences between kernels; each says what it changes.

    zero_map: pages full of zeroes are kept as a bit per slot, outside zswap (6.12 and later).
    drop_synchronous_cache: a fault frees the swap cache copy of a synchronous device at once (7.3).
    shrink_memcg_budget: list entries that one shrink_memcg call visits per node.
    memcg_counts_disk: the memory cgroup counts pswpin and pswpout (6.18 and later).
    memcg_counts_incompressible: the memory cgroup counts zswap_incomp (7.3).
    folio_objcg: a folio is charged to an objcg, not to a cgroup (7.3).
    mthp_zswpout: the order's statistics count folios stored whole (6.18 and later).
    set_up_at_boot: zswap sets itself up at boot even while it is disabled (6.1); later kernels wait until
        somebody enables it.
    virtual_swap: page tables name virtual entries; physical slots are allocated when something is written.
    batching: a pool knows how many pages its compressor takes in one call, and its contexts have room for them.
    raw_pages: an entry of PAGE_SIZE bytes holds the page itself, not a compressed stream (6.18 and later).
    object_node: the node on which memory for a compressed page is asked for: that of the "cpu" that compresses
        (to 6.12), or that of the "page".
    bulk_node: the node that entries come from which are allocated in bulk: that of the "cpu", or "any".
    lru_node: what says on which node's LRU list an entry goes: the "memory" of the entry, the node id in the
        "entry" (batching v13), or a node id that the "caller" of the addition hands over, while the removal
        goes by the memory.
    lengths_tested: a store in batches takes no success for one that is as long as the page, or of nothing.
    iaa: which driver of IAA devices there is, None for none.
    kcompressd: which discipline of kcompressd there is, None for none.
    zram: what the zram is like that is swapped to, None where the swap device is another one.
    split_synchronous: a device says of reads and of writes on their own whether they are synchronous (K2).
    split_to_zeropage: where a large folio is split, its pages full of zeroes are let go, and page tables map the
        shared zero page instead (6.12 and later).
    reuse_large: a write may keep a page of a large folio that only one process maps (6.18 and later).
    """

    zero_map: bool
    drop_synchronous_cache: bool
    shrink_memcg_budget: int
    memcg_counts_disk: bool
    memcg_counts_incompressible: bool
    folio_objcg: bool
    mthp_zswpout: bool
    set_up_at_boot: bool
    virtual_swap: bool
    raw_pages: bool
    object_node: Literal["cpu", "page"]
    batching: bool = False
    bulk_node: Literal["cpu", "any"] = "any"
    lru_node: Literal["memory", "entry", "caller"] = "memory"
    lengths_tested: bool = False
    iaa: IaaOptions | None = None
    kcompressd: KcompressdOptions | None = None
    zram: ZramOptions | None = None
    split_synchronous: bool = False
    split_to_zeropage: bool = False
    reuse_large: bool = False


@attrs.frozen(eq=False)
class Config:
    """Everything that stays fixed during a run.

    allocators: those that a pool can use, by the name that the ``zpool`` parameter takes.
    codecs: the compressors that exist, by the name that the ``compressor`` parameter takes.
    compressor, zpool: the parameters at start, which are those of the initial pool.
    initial_pool: whether there is one.  Without it zswap is disabled, and either nobody has set it up, or
        the creation of the pool failed at boot.
    device_slots: slots of the swap device that can be used, None for all that the sizes give; 0: no device.
    iaa: the IAA devices, where a profile has their driver; None for one small device.
    kcompressd: the queues, where a profile has some; None for small ones.
    zram: the device, where a profile has zram; None for one without a backing device.
    synchronous_device, synchronous_writes: whether reads of the swap device are synchronous, and whether writes are,
        None for the same as reads.  Zram is synchronous in any case.
    lists: LRU lists whose order is kept; None where reclaim is told which folio it comes by.
    """

    sizes: Sizes
    options: KernelOptions
    allocators: Mapping[str, Allocator]
    codecs: Mapping[str, Codec]
    compressor: str = "lzo"
    zpool: str = "zsmalloc"
    zswap_enabled: bool = True
    initial_pool: bool = True
    synchronous_device: bool = False
    device_slots: int | None = None
    iaa: IaaSystem | None = None
    kcompressd: KcompressdSystem | None = None
    zram: ZramSystem | None = None
    synchronous_writes: bool | None = None
    lists: LruLists | None = None

    def __attrs_post_init__(self) -> None:
        """Refuse what no kernel can be in.

        Raises ValueError for an allocator that does not exist, and for zswap enabled without a pool.
        """
        if self.zpool not in self.allocators:
            raise ValueError(f"zpool {self.zpool!r}: expected one of {', '.join(self.allocators)}")
        if self.zswap_enabled and not self.initial_pool:
            raise ValueError(
                "zswap_enabled without initial_pool: zswap cannot be on without a pool; set one of them"
            )
        if self.synchronous_writes is not None and not self.options.split_synchronous:
            raise ValueError(
                "synchronous for reads alone: expected a profile whose flag is split, such as synchronous-split"
            )

    @property
    def blocks(self) -> int:
        """Page slots of the swap device, with number 0, which is never used."""
        return self.sizes.slots if self.device_slots is None else self.device_slots + 1

    def batch_size(self, compressor: str) -> int:
        """Return how many pages one call of a compressor may take in a pool (crypto_acomp_batch_size, clipped).

        1 without batching, and for a compressor that only a recorded parameter names.
        """
        codec = self.codecs.get(compressor)
        if codec is None or not self.options.batching:
            return 1
        return min(codec.batch_size, self.sizes.max_batch)

    @property
    def allocator(self) -> Allocator:
        """The allocator of the initial pool."""
        return self.allocators[self.zpool]
