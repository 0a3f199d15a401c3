"""Passes over LRU lists: who is taken, where he is put back, and when he goes to the cold end (K3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.folio import isolate_folio
from refmodel.kernel.kcompressd_config import KcompressdSystem
from refmodel.kernel.kcompressd_queue import thread_work
from refmodel.kernel.lru_lists import LISTS, Kind, LruLists
from refmodel.machine import evolve, run
from refmodel.profiles import preset, profile

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

A, B, C = "kcompressd-a-zeroed", "kcompressd-b-reference", "kcompressd-c"


def system(name: str, kind: Kind = "classic", *, batch: int = 1, zram: bool = True) -> KernelView:
    """Return a system with three pages written, the first of which is the coldest."""
    made = profile(name)
    v = made.system(
        made.config(
            preset("toy"),
            {"tokens": Symbolic("tokens", (1024,))},
            compressor="tokens",
            synchronous_device=zram,
            zswap_enabled=not zram,
            initial_pool=not zram,
            kcompressd=KcompressdSystem(capacity=2),
            lists=LruLists(kind, batch),
        )
    )
    for page in range(3):
        run(v, v.ops.write_page(0, page, 2 + page))
    return v


def lists(v: KernelView) -> tuple[tuple[int, ...], ...]:
    """Return what is on the lists, those that are scanned first before the others."""
    return tuple(v[place] for place in v.at.reclaim.list)


def scan(v: KernelView, who: str = "kswapd", nr: int = 1) -> None:
    """Go through the lists; threads do not run."""
    run(v, v.ops.shrink_lru_list(who, nr))


def let_threads_run(v: KernelView) -> None:
    """Let threads run until all sleep."""
    while (work := thread_work(v)) is not None:
        run(v, work)


@pytest.mark.parametrize(
    ("kind", "fresh"), [("classic", ((1, 2, 3), ())), ("generations", ((), (), (1, 2, 3)))]
)
def test_a_fresh_page_goes_to_the_hot_end(kind: Kind, fresh: tuple[tuple[int, ...], ...]) -> None:
    assert lists(system(A, kind)) == fresh


@pytest.mark.parametrize("who", ["direct", "proactive"])
@pytest.mark.parametrize("name", [A, B, C])
def test_who_reclaims_for_himself_takes_the_coldest_and_frees_them_at_once(name: str, who: str) -> None:
    v = system(name)
    scan(v, who, 2)

    assert lists(v) == ((3,), ())
    assert v[v.at.kcompressd.count.submitted] == 0


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        (A, "classic", ((2, 3, 1), ())),
        (B, "classic", ((2, 3, 1), ())),
        (A, "generations", ((), (1,), (2, 3))),
        (B, "generations", ((), (), (2, 3, 1))),
        (C, "generations", ((), (), (2, 3, 1))),
    ],
)
def test_where_a_page_waits(name: str, kind: Kind, kept: tuple[tuple[int, ...], ...]) -> None:
    """Under writeback it is the youngest but one of the generations; a locked one is taken for one in use."""
    v = system(name, kind)
    scan(v)

    assert lists(v) == kept


@pytest.mark.parametrize(
    ("name", "zram", "then"), [(A, True, (1, 2, 3)), (B, True, (2, 3, 1)), (B, False, (2, 3, 1))]
)
def test_only_who_waited_under_writeback_goes_to_the_cold_end(
    name: str, zram: bool, then: tuple[int, ...]
) -> None:
    v = system(name, zram=zram)
    scan(v)
    let_threads_run(v)

    assert lists(v) == (then, ())
    assert v[v.at.kcompressd.count.rotated] == int(name == A)


def test_a_page_met_under_writeback_is_marked_and_becomes_active() -> None:
    v = system(A)
    scan(v, nr=1)
    scan(v, "direct", 4)

    folio = v[v.at.folio[1]]
    assert folio is not None
    assert (folio.reclaim, folio.active, lists(v)) == (True, True, ((), (1,)))
    let_threads_run(v)
    assert lists(v) == ((1,), ())


@pytest.mark.parametrize(("name", "throttled"), [(A, 1), (B, 0), (C, 0)])
def test_only_writeback_holds_kswapd_back(name: str, throttled: int) -> None:
    """The second time that it meets nothing but pages under writeback, and one of them marked."""
    v = system(name)
    for page in (1, 2):
        run(v, v.ops.zap_pages(0, page, 1))
    for _ in range(4):
        scan(v)

    assert v[v.at.kcompressd.count.throttled] >= throttled
    assert bool(v[v.at.kcompressd.count.throttled]) == bool(throttled)


def test_generations_do_not_hold_kswapd_back() -> None:
    v = system(A, "generations")
    for _ in range(9):
        scan(v)

    assert v[v.at.kcompressd.count.throttled] == 0


def test_who_is_gathered_for_the_cold_end_cannot_be_freed_meanwhile() -> None:
    """The CPU that gathers has a reference, until its batch is full or drained."""
    v = system(A, batch=2)
    scan(v)
    let_threads_run(v)
    run(v, v.ops.shrink_folio(1))

    assert v[v.at.reclaim.rotating[0]] == (1,)
    assert lists(v) == ((2, 3, 1), ())
    run(v, v.ops.lru_add_drain())
    assert lists(v) == ((1, 2, 3), ())
    scan(v, "direct")
    assert v[v.at.folio[1]] is None


def test_who_is_off_his_list_when_the_batch_is_full_is_not_moved() -> None:
    v = system(A, batch=2)
    scan(v)
    let_threads_run(v)
    isolate_folio(v, 1)
    scan(v)
    let_threads_run(v)

    assert v[v.at.reclaim.rotating[0]] == ()
    assert (lists(v), v[v.at.kcompressd.count.rotated]) == (((2, 3), ()), 1)


def test_a_page_that_gets_no_slot_becomes_active() -> None:
    v = system(B)
    v[v.at.si] = evolve(v[v.at.si], on=False)
    scan(v, "direct")

    assert lists(v) == ((2, 3), (1,))


@pytest.mark.parametrize("kind", LISTS)
def test_lists_that_are_empty_are_left_alone(kind: Kind) -> None:
    v = system(A, kind)
    for page in range(3):
        run(v, v.ops.zap_pages(0, page, 1))
    scan(v, nr=4)

    assert not any(lists(v))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "clock"}, "lists 'clock': expected classic or generations"),
        ({"batch": 0}, "batch of 0 folios: expected 1 to 31"),
        ({"batch": 32}, "batch of 32 folios: expected 1 to 31"),
    ],
)
def test_lists_that_no_kernel_has_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        LruLists(**given)
