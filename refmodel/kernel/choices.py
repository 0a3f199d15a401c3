"""Every choice point of the kernel model: what the kernel code does not decide itself.

Points with ``fault`` set have "nothing fails" as their first answer.
"""

from __future__ import annotations

from refmodel.machine import ChoicePoint

ALLOC_FOLIO = ChoicePoint(
    "alloc_folio", "A folio for a fault or for swap-in cannot be allocated.", fault=True
)
FOLIO_NODE = ChoicePoint("folio_node", "The node that a freshly allocated folio comes from.")
ALLOC_SLOT = ChoicePoint("alloc_slot", "No swap slot of the order can be handed out.", fault=True)
SLOT = ChoicePoint("slot", "The first slot that the swap allocator hands out.")
ALLOC_CLUSTER = ChoicePoint(
    "alloc_cluster",
    "A cluster of virtual entries, its descriptors or its number cannot be allocated.",
    fault=True,
)
ADD_TO_SWAP_CACHE = ChoicePoint(
    "add_to_swap_cache", "The swap cache cannot take the folio (xarray node).", fault=True
)
ALLOC_ENTRY = ChoicePoint("alloc_entry", "The zswap_entry cannot be allocated.", fault=True)
ALLOC_BULK = ChoicePoint(
    "alloc_bulk",
    "The entries of a batch cannot be allocated in one call (kmem_cache_alloc_bulk).",
    fault=True,
)
ENTRY_NODE = ChoicePoint("entry_node", "The node whose memory the zswap_entry comes from.")
ALLOC_LRU = ChoicePoint("alloc_lru", "memcg_list_lru_alloc cannot make the lists of a cgroup.", fault=True)
CPU = ChoicePoint(
    "cpu", "The CPU that the task runs on when it picks something that each CPU has its own of."
)
COMPRESS = ChoicePoint(
    "compress", "What the compressor makes of a page: a length and data, or an error.", fault=True
)
COMPLETION = ChoicePoint("completion", "Which of the requests in flight the device completes next.")
DECOMPRESS = ChoicePoint("decompress", "The stored bytes cannot be decompressed.", fault=True)
ALLOC_OBJECT = ChoicePoint("alloc_object", "The pool cannot allocate a handle or a zspage.", fault=True)
XA_STORE = ChoicePoint("xa_store", "The zswap tree cannot allocate a node for the entry.", fault=True)
BOUNCE_BUFFER = ChoicePoint(
    "bounce_buffer", "The load's bounce buffer cannot be allocated (6.1).", fault=True
)
DISK_WRITE = ChoicePoint("disk_write", "The write to the swap device fails.", fault=True)
BACKING_IO = ChoicePoint("backing_io", "A read or a write of the backing device of zram fails.", fault=True)
FAULT_RETRY = ChoicePoint(
    "fault_retry", "The fault finds its page-table entry changed and gives up.", fault=True
)
ALLOC_POOL = ChoicePoint("alloc_pool", "A part of a new zswap pool cannot be allocated.", fault=True)
ALLOC_CTX = ChoicePoint("alloc_ctx", "A compression context cannot be allocated for a CPU.", fault=True)
ALLOC_PARAM = ChoicePoint("alloc_param", "The string of a module parameter cannot be allocated.", fault=True)
ZSWAP_SETUP = ChoicePoint(
    "zswap_setup", "The caches, the work queue or the shrinker of zswap cannot be set up.", fault=True
)
SIGNAL = ChoicePoint("signal", "A signal is pending for the task that takes a device out of use.", fault=True)
ALLOC_TREES = ChoicePoint(
    "alloc_trees", "The zswap trees of a device cannot be allocated at swapon.", fault=True
)
FOLIO_HELD = ChoicePoint(
    "folio_held",
    "Somebody else holds a reference to the folio that reclaim is about to free.",
    fault=True,
)
RECLAIM = ChoicePoint(
    "reclaim",
    "An allocation, or its charge to a cgroup, runs short and enters reclaim before it is served.",
    fault=True,
)
VICTIM = ChoicePoint("victim", "What an allocation that runs short reclaims: a folio, or entries of zswap.")

IAA_STATUS = ChoicePoint(
    "iaa_status", "What an IAA device reports of a job, where it is not success.", fault=True
)
IAA_MAP = ChoicePoint(
    "iaa_map", "A buffer does not map to one segment that the device can reach.", fault=True
)
IAA_SIGNAL = ChoicePoint(
    "iaa_signal", "A signal is pending for the task that sleeps until a descriptor is free.", fault=True
)
IAA_BUSY = ChoicePoint(
    "iaa_busy", "A shared queue has refused a job at every try, because others fill it.", fault=True
)
IAA_SPIN = ChoicePoint(
    "iaa_spin", "A million looks at a completion record have not shown the end of its job.", fault=True
)
IAA_BOUNCE = ChoicePoint(
    "iaa_bounce", "A buffer was mapped by way of a bounce buffer, which unmapping copies back.", fault=True
)
IAA_ENABLE = ChoicePoint("iaa_enable", "A work queue cannot be enabled when it is bound.", fault=True)

START_THREAD = ChoicePoint("start_thread", "A thread of kcompressd cannot be started.", fault=True)
