"""Compressing a batch: calls and copies, buffers, what an error makes of a page, and who waits for the context."""

from __future__ import annotations

import errno

import pytest

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Compressed, Packed
from refmodel.kernel.zswap_load import KernelBug
from refmodel.kernel.zswap_pool import live_pool
from refmodel.machine import evolve
from tests.kernel.batches import MEMCG, NID, POSTINGS, RAW, V6, V8, Stores, moved
from tests.kernel.toy import LENGTH

FROM_V6, FROM_V8 = POSTINGS[1:], POSTINGS[2:]
REFUSING = POSTINGS[:6]
"""Postings in which a page that does not compress refuses its folio."""


def storing(kernel: str, batch: int, pages: int = 4) -> tuple[Stores, int]:
    """Return a system, and a folio in it that is stored as one batch."""
    toy = Stores(kernel, batch, max_batch=4)
    return toy, toy.cached(range(1, pages + 1))


# --- calls and buffers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", POSTINGS)
def test_a_batching_compressor_takes_all_pages_before_one_is_copied(kernel: str) -> None:
    """One call, then each page out of its own buffer (B3)."""
    toy, folio = storing(kernel, batch=4)
    toy.store(folio)

    assert toy.order("acomp_call", "compress", "copy") == ["acomp_call"] + 4 * ["compress"] + 4 * ["copy"]
    assert toy.told("copy", "buffer") == [0, 1, 2, 3]


@pytest.mark.parametrize("kernel", FROM_V8)
def test_a_sequential_compressor_takes_a_page_when_the_last_one_is_copied(kernel: str) -> None:
    """All of them go through the same buffer."""
    toy, folio = storing(kernel, batch=1)
    toy.store(folio)

    assert toy.order("acomp_call", "compress", "copy") == 4 * ["acomp_call", "compress", "copy"]
    assert toy.told("copy", "buffer") == [0, 0, 0, 0]


@pytest.mark.parametrize("kernel", POSTINGS)
def test_a_batch_that_is_shorter_uses_the_first_buffers(kernel: str) -> None:
    toy = Stores(kernel, batch=3)
    toy.store(toy.cached(range(1, 5)))

    assert toy.told("acomp_call", "nr") == [3, 1]
    assert toy.told("copy", "buffer") == [0, 1, 2, 0]


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize("order", [(3, 2, 1, 0), (1, 3, 0, 2)])
def test_in_which_order_a_device_ends_does_not_matter(kernel: str, order: tuple[int, ...]) -> None:
    """Buffer k holds page k, whenever that was done (A6)."""
    toy, folio = storing(kernel, batch=4)
    toy.completions = list(order)
    first = toy.folio(folio).swap
    toy.store(folio)

    assert [toy.stored(first + index) for index in range(4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize("batch", [2, 4])
def test_an_object_has_length_and_node_of_its_page(kernel: str, batch: int) -> None:
    """The memory is asked for on the folio's node, wherever the CPU is (M03)."""
    toy, folio = storing(kernel, batch)
    toy.results = {page: Compressed(100 * page, Packed(page)) for page in (1, 2, 3, 4)}
    toy.store(folio)
    objects = [toy.v[toy.v.at.zs_object[handle]] for handle in (1, 2, 3, 4)]

    assert [(kept.size, kept.nid) for kept in objects if kept] == [(100 * page, NID) for page in (1, 2, 3, 4)]
    assert [toy.entry(number).length for number in (1, 2, 3, 4)] == [100, 200, 300, 400]


# --- pages that do not compress ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", POSTINGS)
@pytest.mark.parametrize(("batch", "tried"), [(1, 2), (4, 4)])
def test_all_pages_of_a_call_are_tried_whatever_becomes_of_one(kernel: str, batch: int, tried: int) -> None:
    toy, folio = storing(kernel, batch)
    toy.forbid_writeback()
    toy.refuse(2)

    assert not toy.store(folio)
    assert len(toy.told("compress", "ret")) == tried


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize(
    ("error", "counter"),
    [(errno.ENOSPC, "zs.reject_compress_poor"), (errno.EINVAL, "zs.reject_compress_fail")],
)
def test_a_page_that_does_not_fit_counts_as_poor_and_every_other_error_as_failure(
    kernel: str, error: int, counter: str
) -> None:
    toy, folio = storing(kernel, batch=4)
    toy.forbid_writeback()
    toy.refuse(1, 2, 3, errno=error)
    before = toy.counters()

    assert not toy.store(folio)
    assert moved(before, toy.counters()) == {counter: 3}
    assert toy.told("copy", "swp") == []


@pytest.mark.parametrize("kernel", REFUSING)
def test_one_such_page_refuses_the_folio_up_to_v11(kernel: str) -> None:
    toy, folio = storing(kernel, batch=4)
    toy.refuse(3)

    assert not toy.store(folio)
    assert toy.v[toy.v.at.zs.reject_compress_fail] == 1


@pytest.mark.parametrize("kernel", RAW)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("pages", [(1,), (2, 3), (1, 2, 3, 4)])
def test_such_pages_are_kept_raw_from_v12_on(kernel: str, batch: int, pages: tuple[int, ...]) -> None:
    """As long as a page, counted apart, and with no reject counter; others of the call are compressed."""
    toy, folio = storing(kernel, batch)
    first, nr = toy.folio(folio).swap, len(pages)
    toy.refuse(*pages)

    assert toy.store(folio)
    assert toy.told("copy", "len") == [PAGE_SIZE if page in pages else LENGTH for page in (1, 2, 3, 4)]
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == nr
    assert toy.v[toy.v.at.mc[MEMCG].zswap] == nr * PAGE_SIZE + (4 - nr) * LENGTH
    assert toy.told("reject", "why") == []
    assert [toy.loaded(first + index) for index in range(4)] == [1, 2, 3, 4]


@pytest.mark.parametrize("kernel", RAW)
def test_a_raw_page_needs_an_object_of_a_whole_page(kernel: str) -> None:
    """Without memory for it the folio is refused: it is no better off than others (FP-C)."""
    toy, folio = storing(kernel, batch=4)
    toy.refuse(2)
    toy.fail(choices.ALLOC_OBJECT, 2)
    before = toy.zswap_holds()

    assert not toy.store(folio)
    assert (toy.told("reject", "why"), toy.zswap_holds()) == (["reject_alloc_fail"], before)


# --- the context ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", FROM_V6)
def test_another_store_waits_for_the_context_until_the_last_page_is_copied(kernel: str) -> None:
    """And finds its own results in the buffers, not those of the batch before (BI-6)."""
    toy, folio = storing(kernel, batch=4)
    other = toy.cached([11, 12, 13, 14])
    running, waiting = toy.begin(folio), toy.begin(other)
    toy.until(running, "copy")
    toy.until(waiting, "unlock_ctx")
    assert waiting.at[1] == "lock_ctx"
    toy.finish(running)

    assert toy.finish(waiting)
    first = toy.folio(other).swap
    assert [toy.stored(first + index) for index in range(4)] == [11, 12, 13, 14]


@pytest.mark.parametrize("kernel", [V8, *POSTINGS[3:]])
def test_batches_of_two_folios_take_turns_with_the_context(kernel: str) -> None:
    """From v9 on; v8 with a compressor that takes a page at a time."""
    toy = Stores(kernel, batch=1 if kernel == V8 else 2, max_batch=2)
    one, other = toy.begin(toy.cached([1, 2, 3, 4])), toy.begin(toy.cached([11, 12, 13, 14]))
    for _ in range(2):
        for running in (one, other):
            toy.until(running, "publish")
            assert running.advance(toy.v)

    assert toy.finish(one)
    assert toy.finish(other)
    assert [slot // 4 for slot in toy.told("copy", "swp")] == [1, 1, 2, 2, 1, 1, 2, 2]


@pytest.mark.parametrize("kernel", POSTINGS[3:])
def test_a_context_without_resources_stops_the_kernel(kernel: str) -> None:
    """That the CPU of a task has none in the pool is a defect elsewhere (HB-6)."""
    toy, folio = storing(kernel, batch=4)
    toy.v[toy.v.at.acomp_ctx[1][0]] = evolve(toy.v[toy.v.at.acomp_ctx[1][0]], present=False)

    with pytest.raises(KernelBug, match="pool 1 has no context for CPU 0"):
        toy.store(folio)


@pytest.mark.parametrize("kernel", [V6, V8])
def test_a_context_that_was_left_is_given_up_for_another(kernel: str) -> None:
    toy, folio = storing(kernel, batch=4)
    toy.v[toy.v.at.acomp_ctx[1][0]] = evolve(toy.v[toy.v.at.acomp_ctx[1][0]], online=False)
    toy.cpus = [0, 1]

    assert toy.store(folio)
    assert toy.told("ctx_lock", "cpu") == [1]


@pytest.mark.parametrize("kernel", FROM_V6)
def test_a_folio_goes_to_one_pool_in_its_batches_when_the_compressor_changes(kernel: str) -> None:
    """The new compressor takes another number of pages; whoever has begun keeps to the old one (BI-7)."""
    toy = Stores(kernel, batch=2)
    running = toy.begin(toy.cached(range(1, 9)))
    toy.until(running, "look")
    toy.v[toy.v.at.pool[2]] = evolve(live_pool(toy.v, 1), compr_batch_size=1)
    toy.v[toy.v.at.pool_ref[2]] = 1
    toy.v[toy.v.at.pool_list] = (2, 1)

    assert toy.finish(running)
    assert {toy.entry(number).pool for number in range(1, 9)} == {1}
    assert toy.told("acomp_call", "nr") == [2, 2, 2, 2]
