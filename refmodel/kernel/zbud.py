"""zbud's page accounting: pages of two buddies, the lists they are found by, and their reclaim order.

Stands for ``mm/zbud.c``: ``zbud_alloc``, ``zbud_free`` and the pool's side of ``zbud_reclaim_page``.
A zbud page holds at most two objects, the first right behind the page's header and the last at the
page's end, so that what lies between them is one free region.  Freeing both objects frees the page;
that makes reclaim simple, and it is why zswap of 6.1 could write back from zbud but not from
zsmalloc.

The functions take a `Zbud` and return the next one.  The eviction of an object is zswap's affair:
`reclaim_begin` says which objects must go, `reclaim_end` takes the page back or returns its memory.

Left out: object contents, and the refusal of ``__GFP_HIGHMEM``, which zswap does not ask zbud for.

Source: ``mm/zbud.c``, 6.1.176.  A history that was recorded on 6.1.192 has the same pages and victims.
"""

from __future__ import annotations

from bisect import bisect_left
from errno import EINVAL, ENOSPC
from typing import NamedTuple

from refmodel.kernel.config import PAGE_SIZE

CHUNK_SIZE = PAGE_SIZE >> 6
"""Bytes of a chunk, the unit that buddies are measured in."""

ZHDR_SIZE_ALIGNED = CHUNK_SIZE
"""Bytes of a zbud page's header: one chunk."""

NCHUNKS = (PAGE_SIZE - ZHDR_SIZE_ALIGNED) // CHUNK_SIZE
"""Chunks of a zbud page that buddies can have."""

MAX_SIZE = PAGE_SIZE - ZHDR_SIZE_ALIGNED - CHUNK_SIZE
"""Bytes of the largest object: one chunk less than a page has room for."""

FIRST, LAST = 0, 1
"""The two buddies of a zbud page."""


class ZbudPage(NamedTuple):
    """One zbud page (``struct zbud_header``)."""

    first_chunks: int = 0
    """Chunks of the first buddy, 0 if it is free."""

    last_chunks: int = 0
    """Chunks of the last buddy, 0 if it is free."""

    under_reclaim: bool = False
    """Reclaim holds the page: it is on no list, and an empty one stays until reclaim ends."""

    @property
    def free_chunks(self) -> int:
        """Chunks that neither buddy has (``num_free_chunks``)."""
        return NCHUNKS - self.first_chunks - self.last_chunks

    def with_buddy(self, buddy: int, chunks: int) -> ZbudPage:
        """Return the page with so many chunks for one of its buddies."""
        if buddy == FIRST:
            return ZbudPage(chunks, self.last_chunks, self.under_reclaim)
        return ZbudPage(self.first_chunks, chunks, self.under_reclaim)


class Zbud(NamedTuple):
    """The zbud pages of one pool (``struct zbud_pool``).

    A handle is twice the page id plus the buddy (`FIRST` or `LAST`).  The order of pages with two
    buddies has no effect on anything but the LRU, so that no list of them is kept.
    """

    pages: tuple[ZbudPage | None, ...]
    """The page of each id; None where the id is free; the last is never None."""

    unbuddied: tuple[int, ...]
    """Ids of the pages with one buddy: fewest free chunks first, list head first among equals."""

    lru: tuple[int, ...]
    """Ids of the pages that reclaim can take, the one that got an object last at the front."""

    @property
    def pages_nr(self) -> int:
        """Number of pages that the pool holds (``zbud_get_pool_size``)."""
        return len(self.pages) - self.pages.count(None)


EMPTY = Zbud((), (), ())
"""A new pool."""


def check_size(size: int) -> int:
    """Return 0 if zbud can hold an object of ``size`` bytes, else a negative errno.

    Size 0 gives ``-EINVAL``, more than `MAX_SIZE` gives ``-ENOSPC``.
    Source: ``zbud_alloc``, 6.1.
    """
    if size == 0:
        return -EINVAL
    return -ENOSPC if size > MAX_SIZE else 0


def size_to_chunks(size: int) -> int:
    """Return the chunks that an object of ``size`` bytes takes.

    ValueError tells that zbud holds no such object; `check_size` has the errno.
    """
    if not 0 < size <= MAX_SIZE:
        raise ValueError(f"zbud object of {size} bytes, expected 1 to {MAX_SIZE}; ask check_size first")
    return -(-size // CHUNK_SIZE)


def needs_page(pool: Zbud, size: int) -> bool:
    """Whether no zbud page has room for an object of ``size`` bytes beside its only buddy."""
    return _first_fit(pool, size_to_chunks(size)) == len(pool.unbuddied)


def malloc(pool: Zbud, size: int) -> tuple[Zbud, int, int]:
    """Allocate an object: return the next pool, the handle and the pages added (0 or 1).

    The page with the least sufficient room takes the object as its second buddy; without one, a new
    page takes it as its first.  The page becomes the most recent one for reclaim.
    Source: ``zbud_alloc``, 6.1.
    """
    chunks = size_to_chunks(size)
    at = _first_fit(pool, chunks)
    if at == len(pool.unbuddied):
        return malloc_new_page(pool, size)
    page_id = pool.unbuddied[at]
    page = _page(pool, page_id)
    buddy = LAST if page.first_chunks else FIRST
    pages = _with_page(pool.pages, page_id, page.with_buddy(buddy, chunks))
    unbuddied = (*pool.unbuddied[:at], *pool.unbuddied[at + 1 :])
    return Zbud(pages, unbuddied, (page_id, *_without(pool.lru, page_id))), 2 * page_id + buddy, 0


def malloc_new_page(pool: Zbud, size: int) -> tuple[Zbud, int, int]:
    """Allocate an object in a new page, whatever room there is; return as `malloc` does.

    The kernel drops the pool lock between a search that found nothing and the use of the new page,
    since it allocates the page in between.  A model that lets others run there uses this for the
    second half.  The page id is the lowest free one of the pool.
    Source: ``zbud_alloc``, 6.1.
    """
    page_id = pool.pages.index(None) if None in pool.pages else len(pool.pages)
    pages = _with_page(pool.pages, page_id, ZbudPage(first_chunks=size_to_chunks(size)))
    grown = Zbud(pages, pool.unbuddied, (page_id, *pool.lru))
    return _add_unbuddied(grown, page_id), 2 * page_id + FIRST, 1


def free(pool: Zbud, handle: int) -> tuple[Zbud, int]:
    """Free an object: return the next pool and the pages freed (0 or 1).

    The last object takes its page along, unless reclaim holds the page: then `reclaim_end` frees it.
    The page keeps its place in the LRU.
    ValueError tells that the handle leads to no object: the caller freed it twice.
    Source: ``zbud_free``, 6.1.
    """
    page_id, buddy = divmod(handle, 2)
    page = pool.pages[page_id] if 0 <= page_id < len(pool.pages) else None
    if page is None or not page[buddy]:
        raise ValueError(f"zbud handle {handle} leads to no object (page {page_id} is {page}); free it once")
    page = page.with_buddy(buddy, 0)
    unbuddied = _without(pool.unbuddied, page_id)
    pool = Zbud(_with_page(pool.pages, page_id, page), unbuddied, pool.lru)
    if page.under_reclaim:
        return pool, 0
    if page.first_chunks or page.last_chunks:
        return _add_unbuddied(pool, page_id), 0
    return _free_page(pool, page_id), 1


def reclaim_begin(pool: Zbud) -> tuple[Zbud, int, tuple[int, ...]]:
    """Take the least recent page off all lists: return the next pool, the page id and its handles.

    The caller evicts the objects in the order of the handles, first buddy before last, until one
    eviction fails, and then calls `reclaim_end`.  An eviction that succeeds has freed its object.
    ValueError tells that the LRU is empty, for which the kernel's reclaim answers ``-EINVAL``.
    Source: ``zbud_reclaim_page``, 6.1.
    """
    if not pool.lru:
        raise ValueError(f"zbud pool of {pool.pages_nr} pages has none to reclaim; look at Zbud.lru first")
    page_id = pool.lru[-1]
    page = _page(pool, page_id)
    pages = _with_page(pool.pages, page_id, page._replace(under_reclaim=True))
    handles = tuple(2 * page_id + buddy for buddy in (FIRST, LAST) if page[buddy])
    return Zbud(pages, _without(pool.unbuddied, page_id), pool.lru[:-1]), page_id, handles


def reclaim_end(pool: Zbud, page_id: int) -> tuple[Zbud, int]:
    """Finish the reclaim of a page: return the next pool and the pages freed (0 or 1).

    A page whose objects all went is freed, which is a success of ``zbud_reclaim_page``.  Another
    goes back to the lists, as the most recent page; the kernel then tries the next one, up to the
    retries that ``zpool_shrink`` allows (8).
    Source: ``zbud_reclaim_page``, 6.1.
    """
    page = _page(pool, page_id)._replace(under_reclaim=False)
    pool = Zbud(_with_page(pool.pages, page_id, page), pool.unbuddied, pool.lru)
    if not page.first_chunks and not page.last_chunks:
        return _free_page(pool, page_id), 1
    pool = Zbud(pool.pages, pool.unbuddied, (page_id, *pool.lru))
    if page.first_chunks and page.last_chunks:
        return pool, 0
    return _add_unbuddied(pool, page_id), 0


def _first_fit(pool: Zbud, chunks: int) -> int:
    """Return the place in the unbuddied pages of the first with at least so many free chunks."""
    return bisect_left(pool.unbuddied, chunks, key=lambda page_id: _page(pool, page_id).free_chunks)


def _add_unbuddied(pool: Zbud, page_id: int) -> Zbud:
    """Put a page at the head of the unbuddied list for its free chunks."""
    at = _first_fit(pool, _page(pool, page_id).free_chunks)
    return Zbud(pool.pages, (*pool.unbuddied[:at], page_id, *pool.unbuddied[at:]), pool.lru)


def _free_page(pool: Zbud, page_id: int) -> Zbud:
    pages = _with_page(pool.pages, page_id, None)
    while pages and pages[-1] is None:
        pages = pages[:-1]
    return Zbud(pages, pool.unbuddied, _without(pool.lru, page_id))


def _page(pool: Zbud, page_id: int) -> ZbudPage:
    page = pool.pages[page_id]
    if page is None:
        raise ValueError(f"zbud pool has no page {page_id}; use the ids and handles of live objects")
    return page


def _with_page(
    pages: tuple[ZbudPage | None, ...], page_id: int, page: ZbudPage | None
) -> tuple[ZbudPage | None, ...]:
    return (*pages[:page_id], page, *pages[page_id + 1 :])


def _without(ids: tuple[int, ...], page_id: int) -> tuple[int, ...]:
    if page_id not in ids:
        return ids
    at = ids.index(page_id)
    return (*ids[:at], *ids[at + 1 :])
