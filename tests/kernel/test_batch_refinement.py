"""Storing in batches refines storing page by page: what a folio leaves behind is the same (BT-11).

The same program of stores runs on a posting and on linux-6.18, which takes one page after the other.  After every
store both have the same tree, lengths, charges, counters and lists.  Up to v11 the postings keep no page raw, so
6.18 keeps none here either.  What may differ: after a failure which reject counters have moved, for a batch tries
more pages than one; once older entries were replaced how many pages the pool has, for a batch takes its objects
before it frees those; and as posted in v10 to v12 the nodes of the lists (HB-4).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from refmodel.engines import contents
from refmodel.kernel import choices
from refmodel.kernel.crypto import (
    Codec,
    Compressed,
    CompressError,
    DeflateIaa,
    Outcome,
    Packed,
    Symbolic,
    Zstd,
)
from refmodel.kernel.state import Content
from refmodel.kernel.table import KernelView
from refmodel.kernel.zswap_compress import ZswapCompress
from refmodel.kernel.zswap_entry import ZswapEntryFree, live_entry
from refmodel.kernel.zswap_store import lru_add
from refmodel.kernel.zswap_store_batch import ZswapStoreV14
from refmodel.kernel.zswap_store_pages import ZswapStorePagesV14
from refmodel.machine import ChoicePoint, Next, evolve, run, step
from refmodel.museum import without_known_bugs
from refmodel.profiles import Profile, profile
from tests.kernel.batches import MEMCG, NID, POSTINGS, V4, V13, V14, Stores, moved

FAULTS = (choices.ALLOC_ENTRY, choices.ALLOC_LRU, choices.ALLOC_OBJECT, choices.XA_STORE)
LENGTHS = (1024, 64, 1500, 3072, 3700)
ERRORS = {58: CompressError(22), 59: CompressError(28)}
"""What the compressor refuses of 60 tokens: one fails, one does not fit."""

FIND = settings(max_examples=40, deadline=None, database=None, derandomize=True)
ANY = settings(FIND, phases=(Phase.generate,), report_multiple_bugs=False)
"""Takes the first program that is found, as it is."""


# --- programs -----------------------------------------------------------------------------------------------------


@attrs.frozen
class Store:
    """One store: of which folio, with which pages, and what fails.

    pages: number of each page's content.  gone: positions whose older entries were dropped before.
    faults: what fails, and at which occurrence in this store, from 1.  writeback: whether the cgroup allows it.
    """

    folio: int
    pages: tuple[int, ...]
    gone: tuple[int, ...] = ()
    faults: tuple[tuple[ChoicePoint, int], ...] = ()
    writeback: bool = True


@attrs.frozen
class Program:
    """Stores of folios.

    orders: of the folios.  batch: pages that the compressor takes in a call.  max_batch: that a store takes.
    short: whether allocations in bulk fail.  nodes: where entries come from that are allocated in bulk.
    """

    orders: tuple[int, ...]
    stores: tuple[Store, ...]
    batch: int = 8
    max_batch: int = 8
    short: bool = False
    nodes: tuple[int, ...] = ()


@st.composite
def a_store(draw: st.DrawFn, orders: Sequence[int], points: Sequence[ChoicePoint]) -> Store:
    """Draw a store of one of the folios."""
    folio = draw(st.integers(0, len(orders) - 1))
    nr = 1 << orders[folio]
    faults = st.lists(
        st.tuples(st.sampled_from(points), st.integers(1, nr)), max_size=2, unique_by=lambda f: f[0].name
    )
    return Store(
        folio,
        pages=tuple(draw(st.lists(st.integers(0, 59), min_size=nr, max_size=nr))),
        gone=tuple(draw(st.lists(st.integers(0, nr - 1), max_size=2))),
        faults=tuple(draw(st.just([]) | faults)),
        writeback=draw(st.booleans()),
    )


@st.composite
def programs(draw: st.DrawFn, points: Sequence[ChoicePoint] = FAULTS) -> Program:
    """Draw a program of up to five stores of up to three folios."""
    orders = tuple(draw(st.lists(st.integers(0, 4), min_size=1, max_size=3)))
    return Program(
        orders,
        stores=tuple(draw(st.lists(a_store(orders, points), min_size=1, max_size=5))),
        batch=draw(st.integers(1, 8)),
        max_batch=draw(st.integers(1, 8)),
        short=draw(st.booleans()) and choices.ALLOC_ENTRY in points,
        nodes=tuple(draw(st.lists(st.integers(0, 1), max_size=8))),
    )


# --- one side -------------------------------------------------------------------------------------------------------


def result(page: int) -> Outcome:
    """Return what becomes of a token."""
    return ERRORS.get(page) or Compressed(LENGTHS[page % len(LENGTHS)], Packed(page))


class Side:
    """A system that runs a program.  replaced: whether any store has found older entries."""

    def __init__(self, kernel: Profile, program: Program, codec: Codec | None) -> None:
        """Build the system with its folios; without a codec contents are tokens."""
        tokens = Symbolic("tokens", LENGTHS, batch_size=program.batch)
        self.toy = Stores(kernel, max_batch=program.max_batch, room=80, codec=codec or tokens)
        self.toy.nodes = list(program.nodes)
        self.page: Callable[[int], Content] = contents.page if codec else int
        self.short, self.replaced = program.short, False
        self.folios = [self.toy.cached([0] * (1 << order)) for order in program.orders]

    def store(self, work: Store) -> dict[str, Any]:
        """Run a store; return how it ended, what it has counted, and everything that is there now."""
        toy, v, number = self.toy, self.toy.v, self.folios[work.folio]
        folio = toy.folio(number)
        for position in work.gone:
            run(v, toy.ops.zswap_invalidate(slot=folio.swap + position))
        self.replaced |= any(v[v.at.tree[folio.swap + k]] for k in range(len(work.pages)))
        v[v.at.folio[number]] = evolve(folio, contents=tuple(map(self.page, work.pages)))
        v[v.at.memcg[MEMCG]] = evolve(v[v.at.memcg[MEMCG]], zswap_writeback=work.writeback)
        toy.results = {page: result(page) for page in work.pages}
        toy.failing = dict(work.faults)
        toy.always = (choices.ALLOC_BULK,) if self.short or choices.ALLOC_ENTRY in toy.failing else ()
        before = toy.counters()
        stored = toy.store(number)
        return {"stored": stored, "moved": moved(before, toy.counters()), **self.seen()}

    def seen(self) -> dict[str, Any]:
        """Return everything that is there, by slots and not by the numbers of entries and objects."""
        v, at = self.toy.v, self.toy.v.at
        return {
            "tree": {slot: kept(v, v[place]) for slot, place in enumerate(at.tree) if v[place]},
            "lists": self.toy.listed(),
            "ready": [v[place] for place in at.lru_ready],
            "pool ref": v[at.pool_ref[1]],
            "pool pages": v[at.pool_pages[1]],
            "used": (v[at.entries_used].bit_count(), v[at.objects_used].bit_count()),
            "locked": [v[place] for place in at.ctx_locked[1]],
        }


def kept(v: KernelView, number: int) -> tuple[Any, ...]:
    """Return what an entry says, and what it leads to."""
    entry = live_entry(v, number)
    stored = v[v.at.zs_object[entry.handle]]
    assert stored is not None
    said = (entry.swpentry, entry.length, entry.pool, entry.objcg, entry.referenced)
    return (*said, stored.size, stored.data, stored.nid)


# --- both -----------------------------------------------------------------------------------------------------------

LINUX = profile("linux-6.18")
NO_RAW_PAGES = attrs.evolve(
    LINUX.with_operations("plain", "", zswap_compress=ZswapCompress, zswap_entry_free=ZswapEntryFree),
    options=attrs.evolve(LINUX.options, raw_pages=False),
)
INTENDED = [pytest.param(without_known_bugs(profile(name)), id=name) for name in POSTINGS]


def check_refinement(
    kernel: Profile, program: Program, codec: Codec | None = None, *, nodes: bool = True
) -> None:
    """Run a program in batches and page by page, and compare after each store.

    nodes: whether the lists have to be those of the right nodes.
    """
    plain = LINUX if kernel.options.raw_pages else NO_RAW_PAGES
    batched, single = Side(kernel, program, codec), Side(plain, program, codec)
    for work in program.stores:
        found, expected = batched.store(work), single.store(work)
        for each in (found, expected):
            leave_out(each, rejects=not expected["stored"], pages=batched.replaced)
        if not nodes:
            whole = expected["lists"][NID]
            found["lists"] = {0: [], NID: whole} if splits(found["lists"], whole) else found["lists"]
        assert found == expected


def leave_out(of: dict[str, Any], *, rejects: bool, pages: bool) -> None:
    """Take out what may differ: counters of rejections, pages of the pool."""
    for name in [*of["moved"]]:
        if (rejects and name.startswith("zs.reject")) or (pages and name == "vm.nr_zspages"):
            del of["moved"][name]
    if pages:
        del of["pool pages"]


def splits(lists: dict[int, list[int]], whole: list[int]) -> bool:
    """Whether lists have what another one has, each in its order."""
    return sorted(lists[0] + lists[1]) == sorted(whole) and all(
        each == [slot for slot in whole if slot in each] for each in lists.values()
    )


def search(
    kernel: Profile,
    codec: Codec | None = None,
    *,
    points: Sequence[ChoicePoint] = FAULTS,
    nodes: bool = True,
    how: settings = FIND,
) -> None:
    """Look for a program in which batches leave something else."""

    @settings(how, max_examples=how.max_examples // (5 if codec else 1))
    @given(programs(points))
    def find(program: Program) -> None:
        check_refinement(kernel, program, codec, nodes=nodes)

    find()


@pytest.mark.parametrize("kernel", INTENDED)
def test_batches_of_tokens_leave_what_pages_leave(kernel: Profile) -> None:
    search(kernel)


@pytest.mark.parametrize("kernel", INTENDED)
@pytest.mark.parametrize("codec", [Zstd("6.18"), DeflateIaa()], ids=lambda codec: codec.name)
def test_batches_of_real_pages_leave_what_pages_leave(kernel: Profile, codec: Codec) -> None:
    search(kernel, codec)


@pytest.mark.parametrize("name", POSTINGS[1:])
def test_as_posted_only_the_nodes_of_lists_differ(name: str) -> None:
    """Without the failure that v10 to v13 do not survive (HB-3); the nodes differ in v10 to v12 (HB-4)."""
    search(profile(name), points=FAULTS[1:], nodes=name not in POSTINGS[4:7])


def test_a_folio_that_is_stored_again_may_have_other_pages_of_the_pool() -> None:
    """A batch needs room for its new objects while the old ones are there; page by page they fill the gaps."""
    again = Store(0, 16 * (3,))
    program = Program((4,), (again, again))
    pages = [Side(kernel, program, None) for kernel in (profile(V14), LINUX)]

    assert [[side.store(work)["pool pages"] for work in program.stores] for side in pages] == [
        [14, 21],
        [14, 14],
    ]


# --- planted bugs ---------------------------------------------------------------------------------------------------


@attrs.define
class ListsBackwards(ZswapStorePagesV14):
    """Lists the pages of a batch when all are in the tree, the last one first."""

    @step
    def lru_add(self, v: KernelView) -> Next:
        """Put off the list."""
        self.done += 1
        return self.publish if self.done < len(self.entries) else self.list_all

    @step
    def list_all(self, v: KernelView) -> Next:
        """List all of them."""
        for number in reversed(self.entries):
            entry = live_entry(v, number)
            lru_add(v, number, entry, self.lru_node(v, entry))
        return self.all_stored


@attrs.define
class UnwindsTheBatch(ZswapStoreV14):
    """Unwinds a folio from the batch that failed on."""

    @step
    def reject(self, v: KernelView) -> Next:
        """Forget the batches before."""
        start = max(self.index - self.batch_length(v), 0)
        following = ZswapStoreV14.reject(self, v)
        self.index = start
        return following


@pytest.mark.parametrize(
    "planted",
    [{"zswap_store_pages": ListsBackwards}, {"zswap_store": UnwindsTheBatch}],
    ids=lambda p: next(iter(p)),
)
def test_a_planted_bug_is_found(planted: dict[str, type[Any]]) -> None:
    kernel = without_known_bugs(profile(V14)).with_operations("planted", "", **planted)

    with pytest.raises(AssertionError):
        search(kernel, how=ANY)


@pytest.mark.parametrize(("name", "error"), [(V4, (AssertionError, LookupError)), (V13, LookupError)])
def test_a_known_bug_is_found(name: str, error: type[Exception] | tuple[type[Exception], ...]) -> None:
    """v4 charges a batch as one page (HB-2), v13 frees handles that were never set (HB-3)."""
    with pytest.raises(error):
        search(profile(name), how=ANY)
