"""Kcompressd: what is queued, what protects it, who completes it, and what is counted where (K1 to K3, K5, K9, K10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.folio import live_folio
from refmodel.kernel.kcompressd_config import KcompressdOptions, KcompressdSystem, queues_of
from refmodel.kernel.kcompressd_queue import publish, submit, take, thread_work
from refmodel.kernel.kcompressd_state import KcompressdQueue
from refmodel.machine import ChoicePoint, run
from refmodel.profiles import preset, profile

if TYPE_CHECKING:
    from refmodel.kernel.table import KernelView

A, B, C = "kcompressd-a-zeroed", "kcompressd-b-reference", "kcompressd-c"
ALL = (A, B, C)


def system(name: str, *, capacity: int = 2, queues: int | None = None, zram: bool = True) -> KernelView:
    """Return a system with three pages written: on zram without zswap, or on a disk with zswap."""
    made = profile(name)
    v = made.system(
        made.config(
            preset("toy"),
            {"tokens": Symbolic("tokens", (1024,))},
            compressor="tokens",
            synchronous_device=zram,
            zswap_enabled=not zram,
            initial_pool=not zram,
            kcompressd=KcompressdSystem(queues, capacity),
        )
    )
    for page in range(3):
        run(v, v.ops.write_page(0, page, 2 + page))
    return v


def counts(v: KernelView, *names: str) -> tuple[int, ...]:
    """Return counters of kcompressd."""
    return tuple(v[getattr(v.at.kcompressd.count, name)] for name in names)


def fifo(v: KernelView, queue: int = 0) -> tuple[int, ...]:
    """Return the folios that wait."""
    return v[v.at.kcompressd.queue[queue]].fifo


def let_threads_run(v: KernelView) -> None:
    """Let threads run until all sleep."""
    while (work := thread_work(v)) is not None:
        run(v, work)


def fails_at(name: str) -> Any:
    """Return an environment in which one thing fails whenever it can."""

    def choose(point: ChoicePoint, options: Sequence[Any]) -> Any:
        return options[1] if point.name == name else options[0]

    return choose


@pytest.mark.parametrize(
    ("name", "locked", "writeback", "refs"), [(A, False, True, 0), (B, True, False, 1), (C, True, False, 1)]
)
def test_a_folio_waits_under_writeback_or_locked(name: str, locked: bool, writeback: bool, refs: int) -> None:
    v = system(name)
    run(v, v.ops.kswapd(1))

    folio = live_folio(v, 1)
    assert fifo(v) == (1,)
    assert (folio.locked, folio.writeback, folio.refs) == (locked, writeback, refs)


@pytest.mark.parametrize("name", ALL)
def test_the_thread_completes_it_and_a_later_scan_frees_it(name: str) -> None:
    v = system(name)
    run(v, v.ops.kswapd(1))
    let_threads_run(v)

    folio = live_folio(v, 1)
    assert (folio.locked, folio.writeback, folio.dirty, folio.refs) == (False, False, False, 0)
    assert counts(v, "submitted", "pending", "wakeups") == (1, 0, 1)
    run(v, v.ops.kswapd(1))
    assert v[v.at.folio[1]] is None
    assert run(v, v.ops.read_page(0, 0)) == 2


@pytest.mark.parametrize(
    ("name", "waiting", "counted"),
    [(A, (1,), (1, 0, 0)), (B, (1,), (1, 0, 0)), (C, (2,), (0, 1, 0))],
)
def test_a_full_queue_makes_kswapd_compress(
    name: str, waiting: tuple[int, ...], counted: tuple[int, ...]
) -> None:
    """The folio that comes, or in the descendants the one that waits longest."""
    v = system(name, capacity=1)
    run(v, v.ops.kswapd(1))
    run(v, v.ops.kswapd(2))

    assert fifo(v) == waiting
    assert counts(v, "inline_full", "helped", "inline_gate") == counted
    let_threads_run(v)
    assert [run(v, v.ops.read_page(0, page)) for page in range(3)] == [2, 3, 4]


def test_the_next_queue_gets_what_the_first_has_no_room_for() -> None:
    """First fit: the second thread has nothing to do until the first queue is full (A-X2)."""
    v = system(A, capacity=1, queues=2)
    for folio in (1, 2, 3):
        run(v, v.ops.kswapd(folio))

    assert [fifo(v, queue) for queue in (0, 1)] == [(1,), (2,)]
    assert counts(v, "submitted", "inline_full") == (2, 1)


@pytest.mark.parametrize("name", ALL)
def test_nobody_else_queues(name: str) -> None:
    """Direct reclaim and a process that asks for it compress in place (K10)."""
    v = system(name)
    run(v, v.ops.shrink_folio(1))
    run(v, v.ops.madvise_pageout(0, 1, 1))

    assert counts(v, "submitted") == (0,)
    assert v[v.at.folio[1]] is v[v.at.folio[2]] is None


@pytest.mark.parametrize(("name", "before"), [(A, 1), (B, 0), (C, 0)])
def test_a_waiting_folio_counts_as_swapped_out_once_it_was_handed_to_the_device(
    name: str, before: int
) -> None:
    """KC-25: in the queue of bios it has been."""
    v = system(name)
    run(v, v.ops.kswapd(1))
    waiting = v[v.at.vm.pswpout]
    let_threads_run(v)

    assert (waiting, v[v.at.vm.pswpout]) == (before, 1)


@pytest.mark.parametrize(("name", "rotated"), [(A, 1), (B, 0), (C, 0)])
def test_only_a_folio_that_waits_under_writeback_goes_to_the_cold_end(name: str, rotated: int) -> None:
    """K3: the mark for it is taken from a folio that comes back without writeback."""
    v = system(name)
    run(v, v.ops.kswapd(1))
    let_threads_run(v)

    assert counts(v, "rotated", "rotation_lost") == (rotated, 0)


@pytest.mark.parametrize("name", [B, C])
def test_what_zswap_refuses_the_thread_goes_to_the_disk(name: str) -> None:
    v = system(name, zram=False)
    run(v, v.ops.kswapd(1))
    v.choose = fails_at("alloc_entry")
    let_threads_run(v)

    assert live_folio(v, 1).writeback
    assert v[v.at.vm.pswpout] == 1


def test_without_a_discipline_that_takes_zswap_first_nothing_waits() -> None:
    """The queue of bios is zram's: zswap comes before it, and in place."""
    v = system(A, zram=False)
    run(v, v.ops.kswapd(1))

    assert counts(v, "submitted") == (0,)
    assert v[v.at.vm.zswpout] == 1


@pytest.mark.parametrize("name", [A, B])
def test_a_thread_that_is_stopped_leaves_nothing_behind(name: str) -> None:
    v = system(name)
    run(v, v.ops.kswapd(1))

    def serve() -> bool:
        work = thread_work(v)
        if work is not None:
            run(v, work)
        return work is not None

    run(v, v.ops.kcompressd_stop(0), while_waiting=serve)
    assert fifo(v) == ()
    run(v, v.ops.kswapd(2))
    assert counts(v, "submitted", "pending", "inline_gate") == (1, 0, 1)


def test_a_queue_whose_thread_cannot_be_started_is_emptied_and_kept() -> None:
    v = system(A)
    v.choose = fails_at("start_thread")
    run(v, v.ops.kswapd(1))

    assert (fifo(v), counts(v, "submitted", "pending", "wakeups")) == ((), (1, 0, 0))
    v.choose = fails_at("")
    run(v, v.ops.kswapd(2))
    assert (fifo(v), counts(v, "wakeups")) == ((2,), (1,))


def test_a_thread_that_was_never_started_need_not_be_stopped() -> None:
    v = system(A)
    run(v, v.ops.kcompressd_stop(0))

    assert v[v.at.kcompressd.queue[0]].torn
    assert counts(v, "wakeups") == (0,)


@pytest.mark.parametrize(("value", "ret", "torn"), [(1, 0, False), (4, -22, False)])
def test_a_number_of_threads_is_taken_or_refused(value: int, ret: int, torn: bool) -> None:
    v = system(A)
    assert run(v, v.ops.kcompressd_param(value)) == ret
    assert v[v.at.kcompressd.queue[0]].torn is torn
    run(v, v.ops.kswapd(1))
    assert fifo(v) == (1,)


@pytest.mark.parametrize(("value", "ret"), [(1, -22), (4, 0)])
def test_as_written_a_good_number_is_refused_and_a_bad_one_taken(value: int, ret: int) -> None:
    """A-X4."""
    v = system("kcompressd-a")
    v[v.at.kcompressd.queue[0]] = KcompressdQueue(thread="sleeping")

    def serve() -> bool:
        work = thread_work(v)
        if work is not None:
            run(v, work)
        return work is not None

    assert run(v, v.ops.kcompressd_param(value), while_waiting=serve) == ret
    assert v[v.at.kcompressd.queue[0]].torn is (ret < 0)


def test_a_lower_limit_is_reached_folio_by_folio() -> None:
    """I-17: each submission takes one folio out, so a queue that was longer stays so until its thread runs."""
    v = system(C, capacity=2)
    run(v, v.ops.kswapd(1))
    run(v, v.ops.kswapd(2))
    assert run(v, v.ops.kcompressd_limit(1)) == 0
    run(v, v.ops.kswapd(3))

    assert (fifo(v), counts(v, "helped")) == ((2, 3), (1,))


def test_without_a_limit_nothing_waits_and_a_limit_fits_into_the_ring() -> None:
    v = system(C)
    assert [run(v, v.ops.kcompressd_limit(value)) for value in (-1, 3, 0)] == [-22, -22, 0]
    run(v, v.ops.kswapd(1))

    assert (fifo(v), counts(v, "inline_gate")) == ((), (1,))


@pytest.mark.parametrize("name", ["kcompressd-a", "kcompressd-b"])
def test_without_a_lock_the_slower_of_two_producers_overwrites_the_other(name: str) -> None:
    """A-X3, I-9: both have found the same end, and the queue ends behind the slower one."""
    made = profile(name)
    sizes = attrs.evolve(preset("toy"), nodes=2)
    v = made.system(made.config(sizes, kcompressd=KcompressdSystem(capacity=2, kswapds=2)))
    for page in (0, 1):
        run(v, v.ops.write_page(0, page, bytes([2 + page]) * 4096))
    assert not submit(v, 0, 1)
    assert not submit(v, 0, 2)
    publish(v, 0, 1)
    publish(v, 0, 2)

    assert fifo(v) == (2,)


def test_what_a_thread_takes_between_the_halves_of_an_append_moves_its_end() -> None:
    made = profile("kcompressd-b")
    sizes = attrs.evolve(preset("toy"), nodes=2)
    v = made.system(made.config(sizes, kcompressd=KcompressdSystem(capacity=2, kswapds=2)))
    for page in (0, 1):
        run(v, v.ops.write_page(0, page, bytes([2 + page]) * 4096))
    submit(v, 0, 1)
    publish(v, 0, 1)
    submit(v, 0, 2)
    assert take(v, 0) == 1
    publish(v, 0, 2)

    assert fifo(v) == (2,)


@pytest.mark.parametrize(("name", "reclaims"), [("kcompressd-b", True), (B, False)])
def test_a_thread_that_may_not_use_the_reserves_reclaims_with_a_folio_locked(
    name: str, reclaims: bool
) -> None:
    """KC-16: while it has one folio locked it frees another."""
    v = system(name, zram=False)
    run(v, v.ops.kswapd(2))
    v.choose = fails_at("reclaim")
    let_threads_run(v)

    assert (v[v.at.folio[1]] is None) == reclaims


PER_NODE = KcompressdOptions(protects="lock", per_node=True, most=256)
POOL = KcompressdOptions(protects="writeback", per_node=False, most=5461)


@pytest.mark.parametrize(
    ("options", "given", "nodes", "queues"),
    [
        (PER_NODE, KcompressdSystem(), 2, 2),
        (PER_NODE, KcompressdSystem(1), 1, 1),
        (POOL, KcompressdSystem(), 2, 1),
        (POOL, KcompressdSystem(4, 5461), 1, 4),
    ],
)
def test_how_many_queues_there_are(
    options: KcompressdOptions, given: KcompressdSystem, nodes: int, queues: int
) -> None:
    assert queues_of(options, given, nodes) == queues


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        (PER_NODE, KcompressdSystem(capacity=257), "queue of 257 folios: expected 1 to 256"),
        (PER_NODE, KcompressdSystem(capacity=0), "queue of 0 folios"),
        (POOL, KcompressdSystem(capacity=5462), "expected 1 to 5461"),
        (PER_NODE, KcompressdSystem(4), "4 queues: expected 1, for this discipline has one for each node"),
        (POOL, KcompressdSystem(5), "5 queues: expected 1 to 4"),
    ],
)
def test_queues_that_a_discipline_cannot_have_are_refused(
    options: KcompressdOptions, given: KcompressdSystem, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        queues_of(options, given, 1)
