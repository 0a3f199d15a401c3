"""Storing a folio in batches: how long they are, who holds a context for how long, what is asked and counted once."""

from __future__ import annotations

import pytest

from refmodel.engines import contents
from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Codec, DeflateIaa, Zstd
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import ChoicePoint, evolve
from tests.kernel.batches import MEMCG, NID, POSTINGS, RAW, V4, V6, V8, V14, Stores
from tests.kernel.toy import LENGTH

FROM_V6, FROM_V8, FROM_V9 = POSTINGS[1:], POSTINGS[2:], POSTINGS[3:]

Lengths = tuple[int, int, list[int], list[int]]
"""Pages of the folio, pages that the compressor takes in a call, pages of each batch, pages of each call."""

LENGTHS: tuple[Lengths, ...] = (
    (1, 1, [1], [1]),
    (1, 8, [1], [1]),
    (4, 8, [4], [4]),
    (16, 8, [8, 8], [8, 8]),
    (16, 1, [8, 8], 16 * [1]),
    (512, 8, 64 * [8], 64 * [8]),
    (512, 1, 64 * [8], 512 * [1]),
    (16, 5, [5, 5, 5, 1], [5, 5, 5, 1]),
    (16, 16, [8, 8], [8, 8]),
)


def stored_lengths(kernel: str, pages: int, batch: int) -> tuple[list[int], list[int]]:
    """Store a folio; return the lengths of batches and of calls."""
    toy = Stores(kernel, batch, room=2 * pages + 1)
    assert toy.store(toy.cached(range(1, pages + 1)))
    return toy.told("batch", "nr"), toy.told("acomp_call", "nr")


@pytest.mark.parametrize("kernel", FROM_V8)
@pytest.mark.parametrize("row", LENGTHS, ids=lambda row: f"{row[0]} pages, {row[1]} a call")
def test_a_batch_is_as_long_as_the_compressors_or_eight_pages(kernel: str, row: Lengths) -> None:
    pages, batch, *lengths = row

    assert stored_lengths(kernel, pages, batch) == tuple(lengths)


@pytest.mark.parametrize("row", LENGTHS, ids=lambda row: f"{row[0]} pages, {row[1]} a call")
def test_v6_stores_a_folio_whole_or_page_by_page(row: Lengths) -> None:
    pages, batch, _, calls = row

    assert stored_lengths(V6, pages, batch) == ([pages] if batch > 1 else pages * [1], calls)


@pytest.mark.parametrize("row", LENGTHS, ids=lambda row: f"{row[0]} pages, {row[1]} a call")
def test_v4_has_batches_for_large_folios_of_batching_compressors_only(row: Lengths) -> None:
    pages, batch, *lengths = row

    assert stored_lengths(V4, pages, batch) == (([], []) if pages == 1 or batch == 1 else tuple(lengths))


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize(("batch", "kept"), [(1, 1), (5, 5), (8, 8), (16, 8)])
def test_a_pool_and_its_contexts_know_how_many_pages_a_call_takes(kernel: str, batch: int, kept: int) -> None:
    toy = Stores(kernel, batch)

    assert live_pool(toy.v, 1).compr_batch_size == kept
    assert toy.v[toy.v.at.acomp_ctx[1][0]].reqs == kept


@pytest.mark.parametrize("kernel", FROM_V8)
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("longest", range(1, 9))
def test_a_batch_is_no_longer_than_a_store_takes_at_a_time(kernel: str, batch: int, longest: int) -> None:
    toy = Stores(kernel, batch, longest)
    rest = [16 % longest] if 16 % longest else []

    assert toy.store(toy.cached(range(1, 17)))
    assert toy.told("batch", "nr") == 16 // longest * [longest] + rest


# --- contexts -----------------------------------------------------------------------------------------------------

LOCKS = ("ctx_lock", "ctx_unlock")


@pytest.mark.parametrize(
    ("kernel", "batch"),
    [(V4, 2), (V8, 1), *((kernel, batch) for kernel in FROM_V9 for batch in (1, 2))],
)
def test_a_context_is_locked_for_a_batch_after_its_allocation_and_before_its_publication(
    kernel: str, batch: int
) -> None:
    toy = Stores(kernel, batch, max_batch=2)
    toy.store(toy.cached(range(1, 5)))
    one = ["batch", "entry_alloc", "entry_alloc", *LOCKS, "xa_store", "xa_store", "batch_end"]

    assert toy.order(*one) == 2 * one


@pytest.mark.parametrize(("kernel", "batch"), [(V6, 1), (V6, 2), (V8, 2)])
def test_v6_and_v8_lock_a_context_for_a_folio(kernel: str, batch: int) -> None:
    """v8 only where the compressor has batches (HB-8)."""
    toy = Stores(kernel, batch, max_batch=2)
    toy.store(toy.cached(range(1, 5)))
    names = toy.order(*LOCKS, "batch", "entry_alloc", "xa_store", "batch_end", "zswpout")

    assert (names[0], names[-2:]) == ("ctx_lock", ["ctx_unlock", "zswpout"])
    assert names.count("ctx_lock") == 1


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize(
    "fault",
    [choices.ALLOC_ENTRY, choices.COMPRESS, choices.ALLOC_OBJECT, choices.XA_STORE],
    ids=lambda f: f.name,
)
def test_no_context_stays_locked_when_a_folio_fails(kernel: str, fault: ChoicePoint) -> None:
    toy = Stores(kernel, batch=2)
    toy.forbid_writeback()
    toy.fail(fault)

    toy.store(toy.cached(range(1, 5)))
    assert not any(toy.v[place] for place in toy.v.at.ctx_locked[1])


@pytest.mark.parametrize("kernel", POSTINGS[3:8])
def test_a_task_that_moves_takes_the_context_of_its_cpu_for_the_next_batch(kernel: str) -> None:
    toy = Stores(kernel, batch=2)
    toy.cpus = [0, 1, 1, 0]

    assert toy.store(toy.cached(range(1, 9)))
    assert toy.told("ctx_lock", "cpu") == toy.told("ctx_unlock", "cpu") == [0, 1, 1, 0]


def test_v14_asks_once_for_the_folio_and_locks_that_context_for_each_batch() -> None:
    toy = Stores(V14, batch=2)
    toy.cpus = [1, 0, 0, 0]

    assert toy.store(toy.cached(range(1, 9)))
    assert toy.told("ctx_lock", "cpu") == toy.told("ctx_unlock", "cpu") == [1, 1, 1, 1]
    assert toy.cpus == [0, 0, 0]


# --- once a folio ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", FROM_V6)
def test_pages_count_as_swapped_out_when_all_of_them_are_stored(kernel: str) -> None:
    toy = Stores(kernel, batch=2)
    running = toy.begin(toy.cached(range(1, 9)))
    toy.until(running, "count")
    assert toy.v[toy.v.at.vm.zswpout] == 0
    toy.finish(running)

    assert toy.v[toy.v.at.vm.zswpout] == toy.v[toy.v.at.mc[MEMCG].zswpout] == 8
    assert toy.told("zswpout", "nr") == [8]


def test_v4_counts_each_batch_and_takes_nothing_back() -> None:
    """Pages of the first batch stay counted when the second one fails (HB-2)."""
    toy = Stores(V4, batch=2)
    toy.refuse(3)

    assert not toy.store(toy.cached(range(1, 5)))
    assert toy.v[toy.v.at.vm.zswpout] == 2


@pytest.mark.parametrize("kernel", POSTINGS[2:])
def test_a_store_holds_its_pool_and_so_does_each_entry(kernel: str) -> None:
    toy = Stores(kernel, batch=2)
    running = toy.begin(toy.cached(range(1, 5)))
    toy.until(running, "after_pages")
    assert toy.v[toy.v.at.pool_ref[1]] == 1 + 1 + 2
    toy.finish(running)

    assert toy.v[toy.v.at.pool_ref[1]] == 1 + 4


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize("batch", [1, 2])
def test_limits_are_looked_at_once_so_a_folio_may_end_above_them(kernel: str, batch: int) -> None:
    """A cgroup that may have one page more gets a whole folio (HB-10)."""
    toy = Stores(kernel, batch)
    toy.v[toy.v.at.memcg[MEMCG]] = evolve(toy.v[toy.v.at.memcg[MEMCG]], zswap_max=1)

    assert toy.store(toy.cached(range(1, 9)))
    assert toy.v[toy.v.at.mc[MEMCG].zswap] == 8 * LENGTH > PAGE_SIZE


@pytest.mark.parametrize("kernel", RAW)
@pytest.mark.parametrize("allowed", [True, False])
def test_writeback_is_asked_once_before_a_folio_is_stored(kernel: str, allowed: bool) -> None:
    """What is written to memory.zswap.writeback later is for the next folio (HB-9)."""
    toy = Stores(kernel, max_batch=2)
    toy.refuse(1, 2, 3, 4)
    place = toy.v.at.memcg[MEMCG]
    toy.v[place] = evolve(toy.v[place], zswap_writeback=allowed)
    running = toy.begin(toy.cached(range(1, 5)))
    toy.until(running, "check_enabled")
    toy.v[place] = evolve(toy.v[place], zswap_writeback=not allowed)

    assert toy.finish(running) is allowed
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == 4 * allowed


@pytest.mark.parametrize("kernel", RAW)
def test_writeback_is_asked_before_it_is_known_whether_zswap_is_enabled(kernel: str) -> None:
    """While zswap is disabled the answer is yes for all; a cgroup that forbids writeback may get raw pages by it."""
    toy = Stores(kernel)
    toy.refuse(1)
    toy.forbid_writeback()
    place = toy.v.at.zswap
    toy.v[place] = evolve(toy.v[place], enabled=False)
    running = toy.begin(toy.cached([1]))
    toy.until(running, "check_enabled")
    toy.v[place] = evolve(toy.v[place], enabled=True)

    assert toy.finish(running)
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == 1


# --- a folio that fails ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("page", range(1, 6))
def test_a_page_that_is_refused_takes_the_folio_with_it(kernel: str, batch: int, page: int) -> None:
    """What earlier batches have published goes, and so does every older entry of its slots (B9, B10)."""
    toy = Stores(kernel, batch, max_batch=2)
    toy.forbid_writeback()
    neighbour, folio = toy.cached([100]), toy.cached(range(11, 19))
    toy.store(neighbour)
    before = toy.zswap_holds()
    assert toy.store(folio)
    toy.refuse(10 + page)

    assert not toy.store(folio)
    assert toy.zswap_holds() == {**before, "zswpout": 1 + 8}


@pytest.mark.parametrize("kernel", FROM_V6)
def test_a_folio_that_is_stored_again_has_its_new_pages(kernel: str) -> None:
    """Old entries are replaced and freed one after the other (B10)."""
    toy = Stores(kernel, batch=2)
    toy.nodes = 8 * [NID]
    folio = toy.cached(range(1, 5))
    toy.store(folio)
    record = toy.folio(folio)
    toy.v[toy.v.at.folio[folio]] = evolve(record, contents=(5, 6, 7, 8))

    assert toy.store(folio)
    assert [toy.stored(slot) for slot in range(record.swap, record.swap + 4)] == [5, 6, 7, 8]
    assert toy.zswap_holds()["zswapped"] == [0, 4, 0]
    assert toy.listed() == {0: [], 1: list(range(record.swap, record.swap + 4))}


# --- real compressors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize("codec", [Zstd("6.18"), DeflateIaa()], ids=lambda codec: codec.name)
def test_sixteen_real_pages_load_back_byte_for_byte(kernel: str, codec: Codec) -> None:
    """One after the other with zstd, eight in a call with IAA; some are kept raw from v12 on."""
    shapes = range(40) if kernel in RAW else [number for number in range(40) if number % contents.SHAPES != 3]
    pages = [contents.page(number) for number in shapes][:16]
    toy = Stores(kernel, codec=codec)
    folio = toy.cached(pages)
    first = toy.folio(folio).swap

    assert toy.store(folio)
    assert toy.told("acomp_call", "nr") == (
        [8, 8] if codec.batch_size > 1 else [] if kernel == V4 else 16 * [1]
    )
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == 3 * (kernel in RAW)
    assert [toy.loaded(slot) for slot in range(first, first + 16)] == pages
