"""zbud's chunks and buddies, and a pool of its pages as objects come and go."""

from __future__ import annotations

import errno

from refmodel.engines.contract import breaks
from refmodel.kernel import zbud
from refmodel.kernel.zbud import Zbud, ZbudPage

PAGES = 2
"""Pages of a pool, at most."""


def an_object_gets_the_fewest_chunks(size: int) -> int:
    """An object gets as many chunks of 64 bytes as it needs, and no more; a page has 63 for both buddies.

    Source: mm/zbud.c size_to_chunks(), Linux 6.1
    Requirement: Z1

    pre: 1 <= size <= zbud.MAX_SIZE
    post: _ * 64 >= size
    post: (_ - 1) * 64 < size
    post: 1 <= _ < zbud.NCHUNKS
    """
    return zbud.size_to_chunks(size)


@breaks(an_object_gets_the_fewest_chunks, zbud.size_to_chunks)
def rounds_down(size: int) -> int:
    """The end of an object has no chunk."""
    return size // 64


@breaks(an_object_gets_the_fewest_chunks, zbud.size_to_chunks)
def wastes_a_chunk(size: int) -> int:
    """An object gets a chunk more than it needs."""
    return -(-size // 64) + 1


def what_does_not_fit_is_refused(size: int) -> int:
    """No object has 0 bytes, and the largest leaves a chunk of the page and its header.

    Source: mm/zbud.c zbud_alloc(), Linux 6.1
    Requirement: Z1

    pre: 0 <= size <= 2**20
    post: (_ == 0) == (1 <= size <= 4096 - 128)
    post: implies(size == 0, _ == -errno.EINVAL)
    post: implies(size > 4096 - 128, _ == -errno.ENOSPC)
    """
    return zbud.check_size(size)


@breaks(what_does_not_fit_is_refused, zbud.check_size)
def takes_whole_pages(size: int) -> int:
    """An object may take the whole page, header included; nothing is an error."""
    return -errno.ENOMEM if size == 0 or size > 4096 else 0


def _pool(first: tuple[int, ...], last: tuple[int, ...]) -> Zbud:
    """Return a pool of pages with so many chunks for each buddy, most recent first."""
    pages = tuple([ZbudPage(a, b) for a, b in zip(first, last, strict=True)])
    single = [n for n, page in enumerate(pages) if not (page.first_chunks and page.last_chunks)]
    by_room = tuple(sorted(single, key=lambda n: pages[n].free_chunks))
    return Zbud(pages, by_room, tuple(range(len(pages))))


def _legal(pool: Zbud) -> bool:
    """Whether each page is on the LRU once, and those with one buddy are found, the least room first."""
    there = [n for n, page in enumerate(pool.pages) if page is not None]
    room = [page.free_chunks for n in pool.unbuddied if (page := pool.pages[n]) is not None]
    single = [n for n in there if (page := pool.pages[n]) and bool(page[0]) != bool(page[1])]
    lists = sorted(pool.lru) == there and sorted(pool.unbuddied) == single
    return lists and all(room[k] <= room[k + 1] for k in range(len(room) - 1))


def an_allocation_keeps_the_lists(
    first: tuple[int, ...], last: tuple[int, ...], chunks: int
) -> tuple[Zbud, int, int]:
    """From any legal pool: an object more leads to a legal one; its page is the most recent, and new if it has to be.

    Source: mm/zbud.c zbud_alloc(), Linux 6.1
    Requirement: Z1
    Random: PAGES = 20

    pre: len(first) == len(last) <= PAGES
    pre: all(each in (0, 30) for each in first)
    pre: all(each in (0, 20) for each in last)
    pre: all(a or b for a, b in zip(first, last))
    pre: 1 <= chunks <= 40
    post: _legal(_[0])
    post: _[0].lru[0] == _[1] // 2
    post: _[2] == (0 if any(a * b == 0 and 63 - a - b >= chunks for a, b in zip(first, last)) else 1)
    """
    return zbud.malloc(_pool(first, last), chunks * 64)


@breaks(an_allocation_keeps_the_lists, zbud.malloc)
def never_shares_a_page(pool: Zbud, size: int) -> tuple[Zbud, int, int]:
    """Every object gets a page, which goes to the end of the LRU."""
    grown, handle, pages = zbud.malloc_new_page(pool, size)
    return grown._replace(lru=(*grown.lru[1:], grown.lru[0])), handle, pages


@breaks(an_allocation_keeps_the_lists, zbud.malloc)
def stays_on_the_list(pool: Zbud, size: int) -> tuple[Zbud, int, int]:
    """A page that got its second buddy is still found as one with room."""
    if zbud.needs_page(pool, size):
        return zbud.malloc_new_page(pool, size)
    number = pool.unbuddied[-1]
    page = pool.pages[number]
    assert page is not None
    pages = (*pool.pages[:number], page.with_buddy(zbud.LAST, -(-size // 64)), *pool.pages[number + 1 :])
    return Zbud(pages, pool.unbuddied, pool.lru), 2 * number + zbud.LAST, 0


def a_free_undoes_an_allocation(
    first: tuple[int, ...], last: tuple[int, ...], chunks: int
) -> tuple[int, Zbud]:
    """From any legal pool: an object that comes and goes leaves as many pages as there were, and a legal pool.

    Source: mm/zbud.c zbud_alloc() and zbud_free(), Linux 6.1
    Requirement: Z1
    Random: PAGES = 20

    pre: len(first) == len(last) <= PAGES
    pre: all(each in (0, 30) for each in first)
    pre: all(each in (0, 20) for each in last)
    pre: all(a or b for a, b in zip(first, last))
    pre: 1 <= chunks <= 40
    post: _[0] == 0
    post: _[1].pages_nr == len(first)
    post: _legal(_[1])
    """
    grown, handle, added = zbud.malloc(_pool(first, last), chunks * 64)
    pool, freed = zbud.free(grown, handle)
    return added - freed, pool


@breaks(a_free_undoes_an_allocation, zbud.free)
def keeps_the_page(pool: Zbud, handle: int) -> tuple[Zbud, int]:
    """The page of the last object stays."""
    page = pool.pages[handle // 2]
    assert page is not None
    pages = (*pool.pages[: handle // 2], page.with_buddy(handle % 2, 0), *pool.pages[handle // 2 + 1 :])
    return Zbud(pages, pool.unbuddied, pool.lru), 0


def reclaim_gives_back_what_it_takes(
    first: tuple[int, ...], last: tuple[int, ...]
) -> tuple[Zbud, int, tuple[int, ...], Zbud, int]:
    """From any legal pool: reclaim takes the oldest page off all lists; if nothing goes, it is the most recent.

    Source: mm/zbud.c zbud_reclaim_page(), Linux 6.1
    Requirement: Z1
    Random: PAGES = 20

    pre: 1 <= len(first) == len(last) <= PAGES
    pre: all(each in (0, 30) for each in first)
    pre: all(each in (0, 20) for each in last)
    pre: all(a or b for a, b in zip(first, last))
    post: _[1] not in _[0].lru and _[1] not in _[0].unbuddied
    post: len(_[2]) == (1 if first[-1] * last[-1] == 0 else 2)
    post: _legal(_[3]) and _[3].lru[0] == _[1] and not any(page.under_reclaim for page in _[3].pages)
    post: _[4] == 0
    """
    held, page_id, handles = zbud.reclaim_begin(_pool(first, last))
    back, freed = zbud.reclaim_end(held, page_id)
    return held, page_id, handles, back, freed


@breaks(reclaim_gives_back_what_it_takes, zbud.reclaim_begin)
def leaves_it_on_the_lists(pool: Zbud) -> tuple[Zbud, int, tuple[int, ...]]:
    """A page is reclaimed while others can find it, and both its buddies are evicted, there or not."""
    page_id = pool.lru[-1]
    return pool, page_id, (2 * page_id, 2 * page_id + 1)


@breaks(reclaim_gives_back_what_it_takes, zbud.reclaim_end)
def loses_the_page(pool: Zbud, page_id: int) -> tuple[Zbud, int]:
    """The page is freed with its objects."""
    return pool, 1
