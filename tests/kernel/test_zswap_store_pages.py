"""Storing one batch: in which order, what each failure undoes, and where entries come from."""

from __future__ import annotations

import pytest

from refmodel.kernel import choices
from refmodel.machine import ChoicePoint
from tests.kernel.batches import BULK, MEMCG, NID, POSTINGS, V4, V9, V14, Stores, moved
from tests.kernel.toy import LENGTH

FROM_V6 = POSTINGS[1:]
OWN_NODE = POSTINGS[7:]
"""Postings whose entries keep the node of their page."""


def storing(kernel: str, batch: int = 4, pages: int = 4) -> tuple[Stores, int]:
    """Return a system, and a folio in it that is stored as one batch."""
    toy = Stores(kernel, batch, max_batch=4)
    return toy, toy.cached(range(1, pages + 1))


# --- order --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", FROM_V6)
def test_a_batch_is_allocated_then_compressed_then_published_page_by_page(kernel: str) -> None:
    """A page is in the tree, then charged, then on its list; only then the next one follows (B11, B12)."""
    toy, folio = storing(kernel)
    toy.store(folio)
    names = ("entry_alloc", "acomp_call", "copy", "xa_store", "account", "charge", "lru_add")
    page = ["xa_store", "account", "charge", "lru_add"]

    assert toy.order(*names) == 4 * ["entry_alloc"] + ["acomp_call"] + 4 * ["copy"] + 4 * page


def test_v4_charges_a_batch_after_all_of_it_is_on_its_lists() -> None:
    """One charge of all bytes, which counts as one page (HB-2)."""
    toy, folio = storing(V4)
    toy.store(folio)

    assert toy.order("xa_store", "account", "charge", "lru_add") == (
        4 * ["xa_store", "lru_add"] + 4 * ["account"] + ["charge"]
    )
    assert toy.told("charge", "size") == [4 * LENGTH]
    assert toy.v[toy.v.at.mc[MEMCG].zswapped] == 1


@pytest.mark.parametrize("kernel", POSTINGS)
def test_pages_are_published_in_the_order_of_their_slots(kernel: str) -> None:
    """In the tree and on the list, so that the first page is the coldest."""
    toy, folio = storing(kernel)
    first = toy.folio(folio).swap
    toy.nodes = 4 * [NID]
    toy.store(folio)

    assert toy.told("xa_store", "swp") == toy.listed()[NID] == list(range(first, first + 4))


@pytest.mark.parametrize("kernel", FROM_V6)
def test_an_older_entry_goes_between_tree_and_charge(kernel: str) -> None:
    """It is freed as soon as it is replaced, before the next page (B10)."""
    toy, folio = storing(kernel, pages=2)
    toy.store(folio)
    toy.store(folio)

    assert toy.order("xa_store", "entry_free", "uncharge", "account", "lru_add") == 2 * [
        "xa_store",
        "entry_free",
        "uncharge",
        "account",
        "lru_add",
    ]


@pytest.mark.parametrize("kernel", POSTINGS)
def test_an_entry_is_filled_before_compression_from_v10_on(kernel: str) -> None:
    """Before that it is filled between tree and list, and looks empty to whoever comes through the tree (B8)."""
    toy, folio = storing(kernel)
    running = toy.begin(folio)
    toy.until(running, "publish")
    entry = toy.entry(1)

    filled = (entry.swpentry, entry.pool, entry.objcg, entry.referenced)
    assert filled == ((toy.folio(folio).swap, 1, MEMCG, True) if kernel in BULK else (0, 0, 0, False))
    assert entry.length == LENGTH


# --- where entries come from ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", BULK)
def test_entries_allocated_in_bulk_come_from_any_node(kernel: str) -> None:
    """A bulk allocation cannot be told a node (B7)."""
    toy, folio = storing(kernel)
    toy.nodes = [0, 1, 1, 0]
    toy.store(folio)

    assert [toy.entry(number).slab_nid for number in (1, 2, 3, 4)] == [0, 1, 1, 0]


@pytest.mark.parametrize("kernel", BULK)
def test_without_memory_for_all_entries_each_comes_from_the_pages_node(kernel: str) -> None:
    toy, folio = storing(kernel)
    toy.fail(choices.ALLOC_BULK)

    assert toy.store(folio)
    assert toy.failing == {}
    assert [toy.entry(number).slab_nid for number in (1, 2, 3, 4)] == 4 * [NID]


@pytest.mark.parametrize("kernel", BULK)
def test_a_bulk_allocation_gives_all_or_none(kernel: str) -> None:
    """With three entries left for four pages none comes in bulk; the fall-back finds out that they do not suffice."""
    toy, folio = storing(kernel)
    toy.v[toy.v.at.entries_used] = (1 << len(toy.v.at.entry)) - 1 & ~0b1110
    running = toy.begin(folio)
    toy.until(running, "free_bulk" if kernel == V14 else "store_pages_failed")

    assert toy.told("entry_alloc", "entry") == [1, 2, 3]
    assert [toy.entry(number).slab_nid for number in (1, 2, 3)] == 3 * [NID]


@pytest.mark.parametrize("kernel", POSTINGS)
def test_an_entry_keeps_the_node_of_its_page_from_v13_on(kernel: str) -> None:
    """And goes on the list of that node; in v10 to v12 on that of its own memory (Z3, HB-4)."""
    toy, folio = storing(kernel)
    toy.nodes = [0, 1, 0, 0]
    slots = toy.folio(folio).swap + 0, toy.folio(folio).swap + 1
    toy.store(folio)

    assert toy.entry(1).nid == (NID if kernel in OWN_NODE else -1)
    assert (slots[0] in toy.listed()[NID]) is (kernel not in BULK or kernel in OWN_NODE)
    assert slots[1] in toy.listed()[NID]


# --- failures -------------------------------------------------------------------------------------------------------

PLACES = (1, 2, 4, 5, 7, 8)
"""Which of the eight pages of two batches fails: first, middle and last of each."""


def failing(kernel: str, batch: int) -> tuple[Stores, int]:
    """Return a system in which a page is stored, and a folio of eight pages that is going to fail."""
    toy = Stores(kernel, batch, max_batch=4)
    toy.forbid_writeback()
    assert toy.store(toy.cached([100]))
    return toy, toy.cached(range(1, 9))


def check_nothing_is_left(toy: Stores, folio: int, **counted: int) -> None:
    """Store a folio that fails; see that only these counters have moved, and everything else is as before."""
    held, counters = toy.zswap_holds(), toy.counters()

    assert not toy.store(folio)
    assert toy.failing == {}
    assert toy.zswap_holds() == held
    assert moved(counters, toy.counters()) == {f"zs.{name}": by for name, by in counted.items()}


@pytest.mark.parametrize("kernel", [*POSTINGS[1:4], V14])
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("nth", PLACES)
def test_no_memory_for_an_entry_leaves_nothing(kernel: str, batch: int, nth: int) -> None:
    """FP-A: the entries before it are given back, and one counter says why."""
    toy, folio = failing(kernel, batch)
    toy.always = (choices.ALLOC_BULK,)
    toy.fail(choices.ALLOC_ENTRY, nth)
    check_nothing_is_left(toy, folio, reject_kmemcache_fail=1)


@pytest.mark.parametrize("kernel", POSTINGS[4:8])
@pytest.mark.parametrize("nth", PLACES)
def test_v10_to_v13_free_handles_that_were_never_set(kernel: str, nth: int) -> None:
    """FP-A after a bulk allocation that failed: harmless only if no entry of the batch is there yet (HB-3)."""
    toy, folio = failing(kernel, batch=4)
    toy.always = (choices.ALLOC_BULK,)
    toy.fail(choices.ALLOC_ENTRY, nth)
    if nth in (1, 5):
        check_nothing_is_left(toy, folio, reject_kmemcache_fail=1)
    else:
        with pytest.raises(LookupError, match="its handle is freed before it was set"):
            toy.store(folio)


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize("nth", PLACES)
def test_a_page_that_a_sequential_compressor_refuses_leaves_nothing(kernel: str, nth: int) -> None:
    """FP-B': pages before it have objects already; one page is counted, for no other is tried."""
    toy, folio = failing(kernel, batch=1)
    toy.refuse(nth, 8)
    check_nothing_is_left(toy, folio, reject_compress_fail=1)


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize(("pages", "counted"), [((1,), 1), ((2, 4), 2), ((5, 6, 7, 8), 4), ((4, 5), 1)])
def test_pages_that_a_batching_compressor_refuses_leave_nothing(
    kernel: str, pages: tuple[int, ...], counted: int
) -> None:
    """FP-B: every refused page of the call is counted; there are no objects yet."""
    toy, folio = failing(kernel, batch=4)
    toy.refuse(*pages)
    check_nothing_is_left(toy, folio, reject_compress_fail=counted)


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("nth", PLACES)
def test_no_memory_for_an_object_leaves_nothing(kernel: str, batch: int, nth: int) -> None:
    """FP-C: the objects of pages before it are freed, then all entries of the batch."""
    toy, folio = failing(kernel, batch)
    toy.fail(choices.ALLOC_OBJECT, nth)
    check_nothing_is_left(toy, folio, reject_alloc_fail=1)


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("nth", PLACES)
def test_no_memory_for_the_tree_leaves_nothing(kernel: str, batch: int, nth: int) -> None:
    """FP-D: the batch undoes what it has not published, the folio everything that was."""
    toy, folio = failing(kernel, batch)
    first = toy.folio(folio).swap
    toy.fail(choices.XA_STORE, nth)
    check_nothing_is_left(toy, folio, reject_alloc_fail=1)

    published, others = toy.told("xa_store", "entry"), toy.told("entry_put", "entry")
    assert toy.told("entry_free", "swp") == list(range(first, first + nth - 1))
    assert sorted(published + others) == sorted(toy.told("entry_alloc", "entry"))


@pytest.mark.parametrize("kernel", FROM_V6)
@pytest.mark.parametrize(
    "fault", [choices.COMPRESS, choices.ALLOC_OBJECT, choices.XA_STORE], ids=lambda fault: fault.name
)
def test_entries_that_fell_back_are_undone_like_others(kernel: str, fault: ChoicePoint) -> None:
    """Entries that were allocated one by one are freed in one call all the same (B7)."""
    toy, folio = failing(kernel, batch=4)
    toy.always = (choices.ALLOC_BULK,)
    toy.fail(fault, nth=7)
    counter = "reject_compress_fail" if fault is choices.COMPRESS else "reject_alloc_fail"
    check_nothing_is_left(toy, folio, **{counter: 1})


@pytest.mark.parametrize("nth", [2, 3])
def test_v4_frees_what_it_has_published_in_the_batch(nth: int) -> None:
    """The tree still names it, and the unwinding of the folio finds it there (HB-1)."""
    toy, folio = failing(V4, batch=4)
    toy.fail(choices.XA_STORE, nth)

    with pytest.raises(LookupError, match="zswap entry 2: used after it was freed"):
        toy.store(folio)


def test_v9_sets_a_handle_with_the_allocation_and_v14_looks_at_none() -> None:
    """Why neither has HB-3: what the clean-up sees of entries without object."""
    for kernel, step in ((V9, "store_pages_failed"), (V14, "free_bulk")):
        toy, folio = failing(kernel, batch=4)
        toy.always = (choices.ALLOC_BULK,)
        toy.fail(choices.ALLOC_ENTRY, 3)
        running = toy.begin(folio)
        toy.until(running, step)
        assert toy.entry(2).handle == (0 if kernel == V9 else -1)
        assert toy.finish(running) is False
