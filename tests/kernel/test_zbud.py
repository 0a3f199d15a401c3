"""zbud's pages, buddies and reclaim order."""

from errno import EINVAL, ENOSPC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refmodel.kernel.zbud import (
    CHUNK_SIZE,
    EMPTY,
    FIRST,
    LAST,
    MAX_SIZE,
    NCHUNKS,
    Zbud,
    check_size,
    free,
    malloc,
    malloc_new_page,
    needs_page,
    reclaim_begin,
    reclaim_end,
    size_to_chunks,
)

HALF = 31 * CHUNK_SIZE
"""Bytes of an object that shares a page with another of its size."""


def pool_of(*sizes: int) -> Zbud:
    """Return a pool in which objects of these sizes were allocated one after another."""
    pool = EMPTY
    for size in sizes:
        pool, _, _ = malloc(pool, size)
    return pool


class TestSizes:
    """What zbud can hold."""

    def test_a_page_has_63_chunks_of_64_bytes(self) -> None:
        """One of the 64 chunks of a page is the header."""
        assert (CHUNK_SIZE, NCHUNKS, MAX_SIZE) == (64, 63, 3968)

    @pytest.mark.parametrize(("size", "answer"), [(0, -EINVAL), (1, 0), (3968, 0), (3969, -ENOSPC)])
    def test_sizes_out_of_range_are_refused(self, size: int, answer: int) -> None:
        """No object is empty or larger than 62 chunks."""
        assert check_size(size) == answer

    @pytest.mark.parametrize(("size", "chunks"), [(1, 1), (64, 1), (65, 2), (2157, 34), (3621, 57)])
    def test_sizes_are_rounded_up_to_chunks(self, size: int, chunks: int) -> None:
        """A begun chunk counts."""
        assert size_to_chunks(size) == chunks

    @pytest.mark.parametrize("size", [-1, 0, 3969])
    def test_an_unchecked_size_is_a_mistake_of_the_caller(self, size: int) -> None:
        """The message names the bounds."""
        with pytest.raises(ValueError, match="expected 1 to 3968"):
            malloc(EMPTY, size)


class TestMalloc:
    """Which page serves an allocation."""

    def test_the_first_object_makes_a_page(self) -> None:
        """It becomes the first buddy."""
        pool, handle, pages = malloc(EMPTY, HALF)
        assert (handle, pages) == (FIRST, 1)
        assert pool.pages_nr == 1

    def test_two_objects_share_a_page(self) -> None:
        """The second becomes the last buddy."""
        pool, handle, pages = malloc(pool_of(HALF), HALF)
        assert (handle, pages) == (LAST, 0)
        assert pool.unbuddied == ()

    def test_two_large_objects_do_not_share_a_page(self) -> None:
        """34 and 34 chunks are more than 63."""
        assert needs_page(pool_of(2157), 2157)
        assert pool_of(2157, 2157).pages_nr == 2

    def test_the_least_sufficient_room_is_taken(self) -> None:
        """A small object leaves the larger gaps to larger ones."""
        pool = pool_of(40 * 64, 50 * 64, 45 * 64)
        assert malloc(pool, 18 * 64)[1] == 2 * 2 + LAST
        assert malloc(pool, 13 * 64)[1] == 2 * 1 + LAST

    def test_among_equals_the_latest_page_is_taken(self) -> None:
        """The list of a number of free chunks is used from its head."""
        assert malloc(pool_of(40 * 64, 40 * 64), 64)[1] == 2 * 1 + LAST

    def test_a_freed_first_buddy_is_used_again(self) -> None:
        """A page with only a last buddy takes a first one."""
        pool, _ = free(pool_of(HALF, HALF), FIRST)
        pool, handle, pages = malloc(pool, HALF)
        assert (handle, pages) == (FIRST, 0)

    def test_a_page_can_be_made_although_there_is_room(self) -> None:
        """Two allocations that both found no room make two pages."""
        pool, handle, pages = malloc_new_page(pool_of(HALF), HALF)
        assert (handle, pages) == (2 * 1 + FIRST, 1)
        assert pool.unbuddied == (1, 0)


class TestFree:
    """Which pages go away with an object."""

    def test_the_last_object_takes_the_page_along(self) -> None:
        """A page stays while one buddy lives."""
        pool, pages = free(pool_of(HALF, HALF), LAST)
        assert pages == 0
        assert free(pool, FIRST) == (EMPTY, 1)

    def test_the_lowest_free_id_is_taken_again(self) -> None:
        """Ids stay small, so that equal histories give equal pools."""
        pool, _ = free(pool_of(2157, 2157, 2157), 0)
        assert malloc(pool, 2157)[1] == 0

    def test_a_free_keeps_the_place_in_the_lru(self) -> None:
        """Only an allocation makes a page recent."""
        pool = pool_of(HALF, HALF, 2157)
        assert free(pool, FIRST)[0].lru == pool.lru

    @pytest.mark.parametrize("handle", [-1, 1, 2, 9])
    def test_a_dead_handle_is_refused(self, handle: int) -> None:
        """The message names the handle and what its page holds."""
        with pytest.raises(ValueError, match=f"zbud handle {handle} leads to no object"):
            free(pool_of(2157), handle)


class TestReclaim:
    """Which objects are evicted, and what becomes of their page."""

    def test_the_least_recent_page_is_taken(self) -> None:
        """An allocation as second buddy makes a page the most recent one."""
        pool = pool_of(2157, 3621, 25 * 64)
        assert reclaim_begin(pool)[1:] == (1, (2,))

    def test_the_first_buddy_is_evicted_before_the_last(self) -> None:
        """Both have to go before the page does."""
        assert reclaim_begin(pool_of(HALF, HALF))[2] == (FIRST, LAST)

    def test_a_page_under_reclaim_serves_no_allocation(self) -> None:
        """It is on no list."""
        pool, _, _ = reclaim_begin(pool_of(HALF))
        assert needs_page(pool, HALF)
        assert pool.lru == ()

    def test_an_emptied_page_stays_until_reclaim_ends(self) -> None:
        """``pages_nr`` counts it while the objects are evicted."""
        pool, page_id, handles = reclaim_begin(pool_of(HALF, HALF))
        for handle in handles:
            pool, pages = free(pool, handle)
            assert (pages, pool.pages_nr) == (0, 1)
        assert reclaim_end(pool, page_id) == (EMPTY, 1)

    def test_a_page_that_keeps_both_objects_becomes_the_most_recent(self) -> None:
        """The next attempt takes another page."""
        pool, page_id, _ = reclaim_begin(pool_of(HALF, HALF, 2157))
        pool, pages = reclaim_end(pool, page_id)
        assert (pages, pool.lru, pool.unbuddied) == (0, (0, 1), (1,))

    def test_a_page_that_keeps_one_object_can_take_another(self) -> None:
        """It goes to the unbuddied pages."""
        pool, page_id, handles = reclaim_begin(pool_of(HALF, HALF))
        pool, _ = free(pool, handles[0])
        pool, pages = reclaim_end(pool, page_id)
        assert pages == 0
        assert malloc(pool, HALF)[1] == FIRST

    def test_an_empty_pool_has_nothing_to_reclaim(self) -> None:
        """The caller looks at the LRU first."""
        with pytest.raises(ValueError, match="none to reclaim"):
            reclaim_begin(EMPTY)


class TestRecordedKernel:
    """A history of 6.1.192."""

    def test_pages_and_victims_are_those_of_the_recorded_kernel(self) -> None:
        """Compressed pages of 2149 and 3613 bytes, behind 8 bytes of zswap, have a page each.

        The pool grew by 120 pages for 120 of the smaller, by 60 for each of six times 60 of the
        larger, and by 42 for 42 more.  Reclaim took the first two pages stored, in that order.
        """
        pool, grown = EMPTY, list[int]()
        for size, count in [(2157, 120), *[(3621, 60)] * 6, (3621, 42)]:
            before = pool.pages_nr
            for _ in range(count):
                pool, _, _ = malloc(pool, size)
            grown.append(pool.pages_nr - before)
        assert grown == [120, 60, 60, 60, 60, 60, 60, 42]
        for victim in (0, 1):
            pool, page_id, handles = reclaim_begin(pool)
            assert handles == (2 * victim + FIRST,)
            pool, _ = free(pool, handles[0])
            pool, pages = reclaim_end(pool, page_id)
            assert pages == 1


class TestHistories:
    """Any history of allocations, frees and reclaims."""

    @given(
        st.lists(
            st.tuples(st.just("malloc"), st.integers(1, MAX_SIZE))
            | st.tuples(st.just("free"), st.integers(0, 999))
            | st.tuples(st.just("reclaim"), st.integers(0, 2)),
            max_size=60,
        )
    )
    @settings(deadline=None)
    def test_objects_and_pages_are_conserved(self, history: list[tuple[str, int]]) -> None:
        """Every live object has a place of its own, in pages that hold at least one and at most two.

        ``reclaim`` evicts as many objects as its number allows.
        """
        pool, live, pages = EMPTY, dict[int, int](), 0
        for what, number in history:
            if what == "malloc":
                needs = needs_page(pool, number)
                pool, handle, added = malloc(pool, number)
                assert handle not in live
                assert needs == bool(added)
                live[handle] = size_to_chunks(number)
                pages += added
            elif what == "free" and live:
                handle = sorted(live)[number % len(live)]
                pool, freed = free(pool, handle)
                del live[handle]
                pages -= freed
            elif what == "reclaim" and pool.lru:
                pool, page_id, handles = reclaim_begin(pool)
                for handle in handles[:number]:
                    pool, _ = free(pool, handle)
                    del live[handle]
                pool, freed = reclaim_end(pool, page_id)
                pages -= freed
            check_conservation(pool, live, pages)


def check_conservation(pool: Zbud, live: dict[int, int], pages: int) -> None:
    """The pool holds exactly the live objects, and its lists name exactly its pages."""
    there = {page_id: page for page_id, page in enumerate(pool.pages) if page}
    held = {
        2 * page_id + buddy: page[buddy]
        for page_id, page in there.items()
        for buddy in (FIRST, LAST)
        if page[buddy]
    }
    assert held == live
    assert pool.pages_nr == pages == len({handle // 2 for handle in live})
    assert sorted(pool.lru) == sorted(there)
    single = [page_id for page_id, page in there.items() if not (page.first_chunks and page.last_chunks)]
    assert sorted(pool.unbuddied) == single
    room = [there[page_id].free_chunks for page_id in pool.unbuddied]
    assert room == sorted(room)
