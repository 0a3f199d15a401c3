"""Reclaim that stores folios of mixed sizes in common batches: what they share, and that failures do not (B14)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from refmodel.kernel import choices
from refmodel.kernel.config import PAGE_SIZE
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.state import AcompCtx
from refmodel.kernel.zswap_load import KernelBug
from refmodel.machine import ChoicePoint, evolve
from refmodel.machine.run import Execution
from refmodel.profiles import profile
from refmodel.properties import at_rest, first_broken, first_broken_history, in_history
from tests.kernel.wide_toy import PAGES, WideToy

KERNEL = "batching-reclaim"
CONTENTS = tuple(range(2, 2 + PAGES))


def written(
    kernel: str = KERNEL, *, large: bool = True, codec: Symbolic | None = None, batch: int = 8
) -> WideToy:
    """Return a system with 8 pages in memory: a folio of four and four single ones, or eight single ones."""
    toy = WideToy(kernel, codecs=None if codec is None else {codec.name: codec}, batch=batch)
    toy.run(toy.ops.set_thp(order=2, on=large))
    toy.write(0, CONTENTS[0])
    toy.run(toy.ops.set_thp(order=2, on=False))
    for page, content in enumerate(CONTENTS):
        toy.write(page, content)
    return toy


def nothing_is_wrong(toy: WideToy) -> bool:
    """Whether every property of states at rest, and of the last command, holds."""
    made = profile(KERNEL)
    state, history = first_broken(toy.v, at_rest(made)), in_history(made)
    return state is None and first_broken_history(toy.events, toy.v, history) is None


def stored(toy: WideToy) -> list[bool]:
    """Return for each page whether zswap has it."""
    return [bool(toy.v[toy.v.at.tree[toy.slot(page)]]) for page in range(PAGES)]


# --- what is shared ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "large", "calls"),
    [
        ("batching-v14", False, [1] * 8),
        (KERNEL, False, [8]),
        ("batching-v14", True, [4, 1, 1, 1, 1]),
        (KERNEL, True, [8]),
    ],
)
def test_pages_of_several_folios_fill_one_call(kernel: str, large: bool, calls: list[int]) -> None:
    """Single pages gain most: v14 has no batches for them."""
    toy = written(kernel, large=large)
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=PAGES))

    assert toy.calls() == calls
    assert all(stored(toy))


@pytest.mark.parametrize(("batch", "calls"), [(1, [1] * 8), (3, [3, 3, 2]), (5, [5, 3])])
def test_batches_are_as_long_as_the_compressor_takes(batch: int, calls: list[int]) -> None:
    """Three pages of the large folio, then its last with two single ones; a page at a time where it takes one."""
    toy = written(batch=batch)
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=PAGES))

    assert toy.calls() == calls
    assert nothing_is_wrong(toy)


def test_a_folio_counts_as_stored_whole() -> None:
    """Page counts and the statistics of its size are those of a store of each folio alone."""
    alone, together = written("batching-v14"), written()
    for toy in (alone, together):
        toy.out(0, PAGES)
    assert together.zswap_holds() == alone.zswap_holds()
    assert together.v[together.v.at.mthp[2].zswpout] == 1
    assert tuple(together.read(page) for page in range(PAGES)) == CONTENTS
    assert nothing_is_wrong(together)


def test_pages_of_zeroes_are_not_offered() -> None:
    """They become bits; the batch is that much shorter."""
    toy = written(large=False)
    toy.write(2, 0)
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=PAGES))
    assert toy.calls() == [7]
    assert toy.read(2) == bytes(PAGE_SIZE)


def test_a_page_that_saves_nothing_is_kept_raw() -> None:
    """Its success with a length of a page counts as an error, unlike in v14 (HB-5)."""
    toy = written(codec=Symbolic("poor", (PAGE_SIZE,), batch_size=8))
    toy.out(0, PAGES)
    assert toy.v[toy.v.at.zs.stored_incompressible_pages] == PAGES
    assert nothing_is_wrong(toy)
    assert tuple(toy.read(page) for page in range(PAGES)) == CONTENTS


def test_a_pool_without_a_context_stops_the_kernel() -> None:
    toy = written()
    for place in toy.v.at.acomp_ctx[1]:
        toy.v[place] = AcompCtx()
    with pytest.raises(KernelBug, match="zswap_store_span: pool 1 has no context for CPU 0"):
        toy.out(0, PAGES)


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nth", range(1, PAGES + 1))
@pytest.mark.parametrize("point", [choices.ALLOC_ENTRY, choices.XA_STORE])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_folio_fails_alone_and_whole(point: ChoicePoint, nth: int, batch: int) -> None:
    """Something fails for one page: its folio goes to the device, the others are stored."""
    toy = written(batch=batch)
    toy.fail(point, nth)
    toy.out(0, PAGES)

    failed = range(4) if nth <= 4 else range(nth - 1, nth)
    assert stored(toy) == [page not in failed for page in range(PAGES)]
    assert toy.v[toy.v.at.vm.zswpout] == PAGES - len(failed)
    assert toy.v[toy.v.at.vm.pswpout] == len(failed)
    assert nothing_is_wrong(toy)
    assert tuple(toy.read(page) for page in range(PAGES)) == CONTENTS


def test_a_page_that_cannot_leave_again_fails_its_folio_only() -> None:
    """The compressor refuses the sixth page, and its cgroup forbids writeback: it stays in memory."""
    toy = written()
    toy.run(toy.ops.set_memcg(memcg=1, control="zswap.writeback", value="0"))
    toy.fail(choices.COMPRESS, 6)
    toy.out(0, PAGES)
    assert [toy.v[toy.v.at.pte[0][page]].slot > 0 for page in range(PAGES)] == [True] * PAGES
    assert stored(toy) == [page != 5 for page in range(PAGES)]
    assert toy.v[toy.v.at.zs.reject_compress_fail] == 1
    assert tuple(toy.read(page) for page in range(PAGES)) == CONTENTS


def without_memory_for_objects(toy: WideToy) -> None:
    toy.fail(choices.ALLOC_OBJECT)


def disabled(toy: WideToy) -> None:
    toy.run(toy.ops.set_param(name="enabled", value="0"))


def over_its_limit(toy: WideToy) -> None:
    toy.run(toy.ops.set_memcg(memcg=1, control="zswap.max", value="0"))


def full(toy: WideToy) -> None:
    toy.run(toy.ops.set_param(name="max_pool_percent", value="0"))


def without_a_pool(toy: WideToy) -> None:
    toy.v[toy.v.at.pool_list] = ()


def without_lists(toy: WideToy) -> None:
    toy.fail(choices.ALLOC_LRU)


@pytest.mark.parametrize("refusal", [disabled, over_its_limit, full, without_a_pool])
def test_all_folios_can_be_refused(refusal: Callable[[WideToy], None]) -> None:
    """They go to the device, and no slot has an entry."""
    toy = written()
    refusal(toy)
    toy.out(0, PAGES)

    assert stored(toy) == [False] * PAGES
    assert toy.v[toy.v.at.zs.stored_pages] == 0
    assert tuple(toy.read(page) for page in range(PAGES)) == CONTENTS


@pytest.mark.parametrize("refusal", [without_memory_for_objects, without_lists])
def test_the_first_folio_can_be_refused(refusal: Callable[[WideToy], None]) -> None:
    toy = written()
    refusal(toy)
    toy.out(0, PAGES)
    assert stored(toy) == [page >= 4 for page in range(PAGES)]
    assert nothing_is_wrong(toy)


def test_a_refusal_while_the_pool_is_full_queues_the_shrinker() -> None:
    toy = written()
    full(toy)
    toy.out(0, PAGES)
    assert toy.v[toy.v.at.shrink_work].pending


# --- others meanwhile -----------------------------------------------------------------------------------------------


def test_folios_stay_locked_until_their_batch_is_stored() -> None:
    """Whoever wants one of them waits; reclaim of somebody else passes them by."""
    toy = written()
    running = Execution(toy.ops.madvise_pageout(mm=0, page=0, nr=PAGES))
    toy.until(running, "check_enabled")
    locked = [number for number, place in enumerate(toy.v.at.folio) if (f := toy.v[place]) and f.locked]
    assert len(locked) == 5
    for number in locked:
        assert toy.run(toy.ops.shrink_folio(folio=number)) == ()
    toy.finish(running)
    assert all(stored(toy))


def test_a_folio_that_is_split_on_the_way_goes_on_as_pages() -> None:
    """Without four slots side by side the large folio is split; its pages are in the batch one by one."""
    toy = written()
    slots = toy.v.at.slot
    for slot in range(1, len(slots)):
        if slot % 4 == 0:
            toy.v[slots[slot]] = evolve(toy.v[slots[slot]], cache=True)
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=PAGES))
    assert toy.calls() == [8]
    assert toy.v[toy.v.at.mthp[2].swpout_fallback] == 1
    assert tuple(toy.read(page) for page in range(PAGES)) == CONTENTS


def test_a_folio_of_somebody_else_is_left_alone() -> None:
    """A reference forbids it; the others are stored."""
    toy = written(large=False)
    place = toy.v.at.folio[toy.v[toy.v.at.pte[0][3]].folio]
    folio = toy.v[place]
    assert folio is not None
    toy.v[place] = evolve(folio, refs=1)
    toy.run(toy.ops.madvise_pageout(mm=0, page=0, nr=PAGES))
    assert toy.calls() == [7]
