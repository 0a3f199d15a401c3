"""Storing a folio in zswap: zswap_store (mm/zswap.c) of three kernels.

The three classes are siblings over one base: 6.12 stores single pages, 6.18 and 7.3 store a large
folio page by page and unwind the whole folio on failure, 6.1 is called through frontswap and charges
before it publishes.  In all of them a store that fails leaves no entry at the folio's slots: an old
entry would otherwise be loaded, or written back, over the newer bytes on the device (ZS-20).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, ClassVar

import attrs

from refmodel.kernel import choices, limit_decisions, memcg, zsmalloc
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import same_filled_word
from refmodel.kernel.folio import FolioOperation
from refmodel.kernel.state import ZswapEntry
from refmodel.kernel.table import lowest_free
from refmodel.kernel.zswap_entry import change_pool_ref, entry_to_nid, free_entry_memory, live_entry
from refmodel.kernel.zswap_limits import accept_pages_61, limit_hit, max_pages
from refmodel.kernel.zswap_pool import queue_pool_shrink
from refmodel.machine import Call, Next, Return, evolve, step

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView


def queue_shrink_work(v: KernelView) -> None:
    """Queue the global shrinker, unless it is queued already (queue_work)."""
    v[v.at.shrink_work] = evolve(v[v.at.shrink_work], pending=True)


def alloc_entry(v: KernelView, nid: int, refcount: int = 0) -> int:
    """Allocate a zswap_entry, preferably on a node; return its number, or 0.

    The preference is not a demand: under pressure the memory comes from another node, and the entry
    then belongs on that node's LRU (H-11).  A system has ``Sizes.entries`` of them.
    """
    used = v[v.at.entries_used]
    number = lowest_free(used)
    if number == len(v.at.entry) or v.fails(choices.ALLOC_ENTRY):
        v[v.at.zs.reject_kmemcache_fail] += 1
        return 0
    zonelist = v.cfg.sizes.zonelists[nid]
    node = v.choose(choices.ENTRY_NODE, zonelist) if len(zonelist) > 1 else nid
    v[v.at.entries_used] = used | 1 << number
    v[v.at.entry[number]] = ZswapEntry(node, refcount=refcount)
    return number


def alloc_lru(v: KernelView, group: int) -> bool:
    """Make the LRU lists of a cgroup and its ancestors exist (memcg_list_lru_alloc)."""
    missing = [m for m in memcg.ancestors(v, group) if not v[v.at.lru_ready[m]]]
    if not missing:
        return True
    if v.fails(choices.ALLOC_LRU):
        return False
    for m in missing:
        v[v.at.lru_ready[m]] = True
    return True


def lru_add(v: KernelView, number: int, entry: ZswapEntry, nid: int) -> None:
    """Put an entry at the tail of the list of a node and its owner's present cgroup.

    From here on writeback can see it, so everything in it must be set.  A cgroup that goes offline may have
    given its list to its parent already, which marks it dead; then the entry goes there too (I-13).
    """
    group = v[v.at.objcg[entry.objcg]]
    while v[v.at.lru_dead[group][nid]]:
        group = v[v.at.memcg[group]].parent
    v[v.at.lru[group][nid]] += (number,)
    v.emit("lru_add", swp=entry.swpentry, nid=nid, memcg=group, ret=1)


@attrs.define
class ZswapStoreBase(FolioOperation):
    """What all stores have in common: their arguments and small moves.

    folio: a locked folio in the swap cache.  Value: whether zswap took it.
    """

    folio: int
    entry: int = 0
    old: int = 0
    pool: int = 0
    objcg: int = 0
    """Whom the store charges, found when it begins; if that cgroup goes offline meanwhile, its parent."""

    def finish(self, v: KernelView, ok: bool, ret: int) -> Return:
        """End the store and tell observers."""
        folio = self.the_folio(v)
        v.emit("store", swp=folio.swap, nr=len(folio.contents), nid=folio.nid, ret=ret, ok=ok)
        return Return(ok)


@attrs.define
class ZswapStore612(ZswapStoreBase):
    """Store a single page; a large folio is refused."""

    source: ClassVar[str] = "mm/zswap.c zswap_store(), Linux 6.12.117"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z5", "B12")

    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Refuse a large folio, and everything while zswap is disabled.

        A large folio was never stored, so there is no old entry to erase; a single page may have one
        from before zswap was disabled.
        """
        if len(self.the_folio(v).contents) > 1:
            return self.finish(v, False, 0)
        return self.check_memcg_limit if v[v.at.zswap].enabled else self.erase_old

    @step
    def check_memcg_limit(self, v: KernelView) -> Next:
        """Ask whether the owner may use zswap; over its limit, shrink its own lists once.

        After a shrink that wrote something back the limit is not asked again: one eviction admits one
        store, and usage may end above the limit (H-4).
        """
        self.objcg = memcg.folio_objcg(v, self.the_folio(v))
        if self.objcg and not memcg.may_zswap(v, self.objcg):
            return Call(v.ops.shrink_memcg(memcg=v[v.at.objcg[self.objcg]]), self.after_memcg_shrink)
        return self.check_pool_limit

    @step
    def after_memcg_shrink(self, v: KernelView) -> Next:
        """Refuse the page if nothing could be written back for it."""
        return self.reject if self.result else self.check_pool_limit

    @step
    def check_pool_limit(self, v: KernelView) -> Next:
        """Refuse the page while the pool is full and until it has shrunk to the accept threshold."""
        return self.reject if limit_hit(v) else self.alloc_entry

    @step
    def alloc_entry(self, v: KernelView) -> Next:
        """Allocate the entry, preferably on the folio's node."""
        self.entry = alloc_entry(v, self.the_folio(v).nid)
        return self.get_pool if self.entry else self.reject

    @step
    def get_pool(self, v: KernelView) -> Next:
        """Take a reference to the current pool; the entry inherits it."""
        pools = v[v.at.pool_list]
        if not pools:
            return self.free_entry
        self.pool = pools[0]
        change_pool_ref(v, self.pool, +1)
        return self.alloc_lru

    @step
    def alloc_lru(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists: adding to them later must not fail."""
        return self.compress if alloc_lru(v, v[v.at.objcg[self.objcg]]) else self.put_pool

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the page into the pool."""
        work = v.ops.zswap_compress(self.folio, 0, self.entry, self.pool)
        return Call(work, self.after_compress)

    @step
    def after_compress(self, v: KernelView) -> Next:
        """Give up what was taken if the page was refused."""
        return self.init_entry if self.result else self.put_pool

    @step
    def init_entry(self, v: KernelView) -> Next:
        """Set the fields that others read, while nobody can see the entry."""
        folio = self.the_folio(v)
        v[v.at.entry[self.entry]] = evolve(
            live_entry(v, self.entry), swpentry=folio.swap, objcg=self.objcg, pool=self.pool, referenced=True
        )
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Put the entry into the tree, replacing an older one of the slot in the same step."""
        place = v.at.tree[self.the_folio(v).swap]
        if v.fails(choices.XA_STORE):
            v[v.at.zs.reject_alloc_fail] += 1
            return self.free_object
        self.old, v[place] = v[place], self.entry
        return self.free_old

    @step
    def free_old(self, v: KernelView) -> Next:
        """Free the entry that was replaced: the folio was loaded, dirtied and swapped out again (B10)."""
        if self.old:
            return Call(v.ops.zswap_entry_free(self.old), self.charge)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the compressed length to the owner; reclaim context, so it cannot fail."""
        entry = live_entry(v, self.entry)
        if entry.objcg:
            memcg.charge_zswap(v, entry.objcg, entry.length)
            v[v.at.mc[v[v.at.objcg[entry.objcg]]].zswpout] += 1
        return self.lru_add

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Put the entry on its LRU list, last of all: writeback starts from there."""
        entry = live_entry(v, self.entry)
        lru_add(v, self.entry, entry, entry_to_nid(v, entry))
        return self.count

    @step
    def count(self, v: KernelView) -> Next:
        """Count the page."""
        v[v.at.zs.stored_pages] += 1
        v[v.at.vm.zswpout] += 1
        return self.finish(v, True, 1)

    @step
    def free_object(self, v: KernelView) -> Next:
        """Undo: free the compressed bytes."""
        zsmalloc.free(v, live_entry(v, self.entry).handle)
        return self.put_pool

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Undo: drop the pool reference."""
        change_pool_ref(v, self.pool, -1)
        return self.free_entry

    @step
    def free_entry(self, v: KernelView) -> Next:
        """Undo: free the entry, which nobody has seen."""
        free_entry_memory(v, self.entry)
        return self.reject

    @step
    def reject(self, v: KernelView) -> Next:
        """Refuse the page; while the pool counts as full, every refusal queues the global shrinker."""
        if v[v.at.reached_full]:
            queue_shrink_work(v)
        return self.erase_old

    @step
    def erase_old(self, v: KernelView) -> Next:
        """Take an older entry of the slot out of the tree: newer bytes go to the device (I-10, I-11)."""
        place = v.at.tree[self.the_folio(v).swap]
        self.old, v[place] = v[place], 0
        if self.old:
            return Call(v.ops.zswap_entry_free(self.old), self.refused)
        return self.finish(v, False, 0)

    @step
    def refused(self, v: KernelView) -> Next:
        """End without having stored anything."""
        return self.finish(v, False, 0)


@attrs.define
class ZswapStore73(ZswapStoreBase):
    """Store a folio of any size, page by page; a page that fails unwinds the whole folio."""

    source: ClassVar[str] = "mm/zswap.c zswap_store() and zswap_store_page(), Linux 7.3.4"
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z5", "B4", "B9", "B10", "B11", "B12")

    index: int = 0
    """The page in work, counted from the start of the folio."""

    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Refuse the folio while zswap is disabled, but erase what its slots still hold."""
        return self.check_memcg_limit if v[v.at.zswap].enabled else self.erase_page

    @step
    def check_memcg_limit(self, v: KernelView) -> Next:
        """Ask once per folio whether the owner may use zswap; over its limit, shrink its lists once."""
        self.objcg = memcg.folio_objcg(v, self.the_folio(v))
        if self.objcg and not memcg.may_zswap(v, self.objcg):
            return Call(v.ops.shrink_memcg(memcg=v[v.at.objcg[self.objcg]]), self.after_memcg_shrink)
        return self.check_pool_limit

    @step
    def after_memcg_shrink(self, v: KernelView) -> Next:
        """Refuse the folio if nothing could be written back for it."""
        return self.reject if self.result else self.check_pool_limit

    @step
    def check_pool_limit(self, v: KernelView) -> Next:
        """Refuse the folio while the pool is full and until it has shrunk to the accept threshold."""
        return self.reject if limit_hit(v) else self.get_pool

    @step
    def get_pool(self, v: KernelView) -> Next:
        """Hold the current pool for the length of the store, so that each page can take its own reference."""
        pools = v[v.at.pool_list]
        if not pools:
            return self.reject
        self.pool = pools[0]
        change_pool_ref(v, self.pool, +1)
        return self.alloc_lru

    @step
    def alloc_lru(self, v: KernelView) -> Next:
        """Make sure that the owner has LRU lists: adding to them later must not fail."""
        return self.alloc_entry if alloc_lru(v, v[v.at.objcg[self.objcg]]) else self.put_pool

    @step
    def alloc_entry(self, v: KernelView) -> Next:
        """Allocate the entry of the next page, preferably on the page's node."""
        self.entry = alloc_entry(v, self.the_folio(v).nid)
        return self.compress if self.entry else self.put_pool

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the page into the pool."""
        work = v.ops.zswap_compress(self.folio, self.index, self.entry, self.pool)
        return Call(work, self.after_compress)

    @step
    def after_compress(self, v: KernelView) -> Next:
        """Give up the folio if the page was refused."""
        return self.publish if self.result else self.free_entry

    @step
    def publish(self, v: KernelView) -> Next:
        """Put the entry into the tree, replacing an older one of the slot in the same step."""
        if v.fails(choices.XA_STORE):
            v[v.at.zs.reject_alloc_fail] += 1
            return self.free_object
        place = v.at.tree[self.the_folio(v).swap + self.index]
        self.old, v[place] = v[place], self.entry
        return self.free_old

    @step
    def free_old(self, v: KernelView) -> Next:
        """Free the entry that was replaced (B10)."""
        if self.old:
            return Call(v.ops.zswap_entry_free(self.old), self.charge)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Take the entry's own pool reference, charge its length, count it.

        Everything that freeing an entry undoes is done for this page before the next page can fail,
        so the unwinding is exact at any page (Z11, B11).
        """
        length = live_entry(v, self.entry).length
        change_pool_ref(v, self.pool, +1)
        if self.objcg:
            memcg.charge_zswap(v, self.objcg, length)
        v[v.at.zs.stored_pages] += 1
        if v.cfg.options.raw_pages and length == PAGE_SIZE:
            v[v.at.zs.stored_incompressible_pages] += 1
        return self.init_entry

    @step
    def init_entry(self, v: KernelView) -> Next:
        """Set the fields that writeback reads: after the tree, before the LRU.

        Loads and invalidations cannot see the slot: the folio is locked in the swap cache.
        """
        folio = self.the_folio(v)
        v[v.at.entry[self.entry]] = evolve(
            live_entry(v, self.entry),
            pool=self.pool,
            swpentry=folio.swap + self.index,
            objcg=self.objcg,
            referenced=True,
        )
        return self.lru_add

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Put the entry on its LRU list: from here on writeback can see it."""
        entry = live_entry(v, self.entry)
        lru_add(v, self.entry, entry, entry_to_nid(v, entry))
        self.index += 1
        return self.alloc_entry if self.index < len(self.the_folio(v).contents) else self.count

    @step
    def count(self, v: KernelView) -> Next:
        """Count the pages, once for the whole folio, and drop the store's pool reference."""
        folio = self.the_folio(v)
        if self.objcg:
            v[v.at.mc[v[v.at.objcg[self.objcg]]].zswpout] += len(folio.contents)
        v[v.at.vm.zswpout] += len(folio.contents)
        change_pool_ref(v, self.pool, -1)
        return self.finish(v, True, 1)

    @step
    def free_object(self, v: KernelView) -> Next:
        """Undo the page in work: free its compressed bytes."""
        zsmalloc.free(v, live_entry(v, self.entry).handle)
        return self.free_entry

    @step
    def free_entry(self, v: KernelView) -> Next:
        """Undo the page in work: free its entry, which nobody has seen."""
        free_entry_memory(v, self.entry)
        return self.put_pool

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Drop the store's pool reference; entries of earlier pages keep theirs."""
        change_pool_ref(v, self.pool, -1)
        return self.reject

    @step
    def reject(self, v: KernelView) -> Next:
        """Refuse the folio; while the pool counts as full, every refusal queues the global shrinker."""
        if v[v.at.reached_full]:
            queue_shrink_work(v)
        self.index = 0
        return self.erase_page

    @step
    def erase_page(self, v: KernelView) -> Next:
        """Take whatever a slot of the folio holds out of the tree: pages of this store and older ones alike."""
        folio = self.the_folio(v)
        if self.index == len(folio.contents):
            return self.finish(v, False, 0)
        place = v.at.tree[folio.swap + self.index]
        self.index += 1
        self.old, v[place] = v[place], 0
        if self.old:
            return Call(v.ops.zswap_entry_free(self.old), self.erase_page)
        return self.erase_page


@attrs.define
class ZswapStore61(ZswapStoreBase):
    """Store a single page through frontswap: the old copy goes first, the charge precedes the tree.

    Value: whether zswap took the page.  Observers see the errno of the hook.
    """

    source: ClassVar[str] = (
        "mm/frontswap.c __frontswap_store(), mm/zswap.c zswap_frontswap_store(), Linux 6.1.192"
    )
    requirements: ClassVar[tuple[str, ...]] = ("Z1", "Z4", "Z5")

    error: int = 0

    @step
    def invalidate_old(self, v: KernelView) -> Next:
        """Drop an older copy of the slot first: whether the store succeeds or fails, it must not stay."""
        return Call(v.ops.zswap_invalidate(slot=self.the_folio(v).swap), self.check_enabled)

    @step
    def check_enabled(self, v: KernelView) -> Next:
        """Refuse a large folio with -EINVAL, and everything with -ENODEV while zswap is disabled."""
        if len(self.the_folio(v).contents) > 1:
            return self.fail_with(-errno.EINVAL)
        there = v[v.at.zswap].enabled and v[v.at.si].zswap_trees
        return self.check_memcg_limit if there else self.fail_with(-errno.ENODEV)

    @step
    def check_memcg_limit(self, v: KernelView) -> Next:
        """Refuse a page whose owner may not use zswap: there is no list of its own to shrink."""
        self.objcg = memcg.folio_objcg(v, self.the_folio(v))
        if self.objcg and not memcg.may_zswap(v, self.objcg):
            return self.fail_with(-errno.ENOMEM)
        return self.check_pool_limit

    @step
    def check_pool_limit(self, v: KernelView) -> Next:
        """Refuse the page while the pool is over its limit and until it is below the accept threshold.

        A full pool asks the allocator of the oldest pool to evict something.
        """
        cur, limit, full = v[v.at.pool_total_size], max_pages(v), v[v.at.reached_full]
        if cur > limit:
            v[v.at.zs.pool_limit_hit] += 1
            queue_pool_shrink(v)
        stays = limit_decisions.stays_full_61(cur, limit, accept_pages_61(v), full)
        if stays != full:
            v[v.at.reached_full] = stays
        return self.fail_with(-errno.ENOMEM) if stays else self.alloc_entry

    @step
    def alloc_entry(self, v: KernelView) -> Next:
        """Allocate the entry with the tree's reference."""
        self.entry = alloc_entry(v, self.the_folio(v).nid, refcount=1)
        return self.check_same_filled if self.entry else self.fail_with(-errno.ENOMEM)

    @step
    def check_same_filled(self, v: KernelView) -> Next:
        """Keep a page of one repeated word as that word: length 0, no object, no pool (Z4)."""
        content = self.the_folio(v).contents[0]
        if same_filled_word(content) is None:
            return self.get_pool
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, swpentry=self.the_folio(v).swap, value=content)
        v[v.at.zs.same_filled_pages] += 1
        return self.charge

    @step
    def get_pool(self, v: KernelView) -> Next:
        """Take a reference to the current pool; the entry inherits it."""
        pools = v[v.at.pool_list]
        if not pools:
            self.error = -errno.EINVAL
            return self.free_entry
        self.pool = pools[0]
        change_pool_ref(v, self.pool, +1)
        return self.compress

    @step
    def compress(self, v: KernelView) -> Next:
        """Compress the page into the pool."""
        work = v.ops.zswap_compress(self.folio, 0, self.entry, self.pool)
        return Call(work, self.after_compress)

    @step
    def after_compress(self, v: KernelView) -> Next:
        """Give up what was taken if the page was refused."""
        if self.result == 0:
            return self.init_entry
        self.error = self.result
        return self.put_pool

    @step
    def init_entry(self, v: KernelView) -> Next:
        """Set the slot and the pool while nobody can see the entry."""
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, swpentry=self.the_folio(v).swap, pool=self.pool)
        return self.charge

    @step
    def charge(self, v: KernelView) -> Next:
        """Charge the length to the owner: before the page is published, unlike later kernels."""
        entry = live_entry(v, self.entry)
        v[v.at.entry[self.entry]] = evolve(entry, objcg=self.objcg)
        if self.objcg:
            memcg.charge_zswap(v, self.objcg, entry.length)
            v[v.at.mc[v[v.at.objcg[self.objcg]]].zswpout] += 1
        return self.publish

    @step
    def publish(self, v: KernelView) -> Next:
        """Insert into the tree; an entry that is already there is counted and put."""
        place = v.at.tree[self.the_folio(v).swap]
        self.old, v[place] = v[place], self.entry
        if self.old:
            v[v.at.zs.duplicate_entry] += 1
            return Call(v.ops.zswap_entry_free(self.old), self.count)
        return self.count

    @step
    def count(self, v: KernelView) -> Next:
        """Count the page and set the frontswap bit of the slot."""
        v[v.at.zs.stored_pages] += 1
        zsmalloc.update_total_size(v)
        v[v.at.vm.zswpout] += 1
        v[v.at.frontswap[self.the_folio(v).swap]] = True
        return self.finish(v, True, 0)

    @step
    def put_pool(self, v: KernelView) -> Next:
        """Undo: drop the pool reference."""
        change_pool_ref(v, self.pool, -1)
        return self.free_entry

    @step
    def free_entry(self, v: KernelView) -> Next:
        """Undo: free the entry, which nobody has seen."""
        free_entry_memory(v, self.entry)
        return self.refuse

    @step
    def refuse(self, v: KernelView) -> Next:
        """Refuse the page with the error of the hook."""
        return self.finish(v, False, self.error)

    def fail_with(self, error: int) -> Next:
        """Go and refuse the page with a negative errno."""
        self.error = error
        return self.refuse
