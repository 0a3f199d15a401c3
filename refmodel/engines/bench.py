"""Benchmarks: the figures that the engines and the model are to reach, measured in one run.

Seconds are CPU seconds of the process; each figure is the median of several turns.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import attrs

from refmodel.engines.commands import KINDS
from refmodel.engines.contents import SHAPES, page
from refmodel.engines.iaa_host_file import find_host
from refmodel.engines.minimise import minimise
from refmodel.engines.partial_failure import fail_everywhere
from refmodel.engines.portion import RULES, STEPS, Plan, Worker
from refmodel.engines.setting import TOKENS, Setting, codecs
from refmodel.engines.trial import Trial, broken_state
from refmodel.engines.walk import BYTES, walk
from refmodel.kernel.crypto import Symbolic
from refmodel.kernel.folio import alloc_folio, live_folio
from refmodel.kernel.iaa_engine import engine_work
from refmodel.kernel.kcompressd_queue import thread_work
from refmodel.kernel.state import ZswapEntry
from refmodel.kernel.zswap_store import ZswapStore61, ZswapStore612
from refmodel.machine import evolve, run
from refmodel.museum import exhibit, without_known_bugs
from refmodel.profiles import Profile, preset, profile
from refmodel.profiles.iaa import iaa_driver
from refmodel.properties import at_rest, in_history

if TYPE_CHECKING:
    from refmodel.engines.command import Move
    from refmodel.engines.violation import Violation
    from refmodel.kernel.table import KernelView
    from refmodel.machine import Operation
    from refmodel.properties import StateProperty

TURNS = 5
"""Turns of which a figure is the median."""

LARGE = 512
"""Pages of a 2 MiB folio."""

_EXHIBITS = ("S11", "G4", "Z02")
"""Bugs whose failures are minimised: broken by an answer of the environment, by a control, by a fault."""


@attrs.frozen
class _Failed:
    """A walk that broke something."""

    moves: tuple[Move, ...]
    violation: Violation


@attrs.frozen
class Figure:
    """A measured figure.

    name: what was measured.  goal: what it is to reach.  measured: the median.  unit: of both.
    at_most: whether smaller is better.
    """

    name: str
    goal: float
    measured: float
    unit: str
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Whether the goal is reached."""
        return self.measured <= self.goal if self.at_most else self.measured >= self.goal


def bench(name: str = "linux-7.3") -> Iterator[Figure]:
    """Measure one figure after the other for a profile; takes about half a minute.

    Raises UnknownProfile.
    """
    subject = without_known_bugs(profile(name))
    for measure in MEASURES:
        yield measure(subject)


def page_operations(subject: Profile) -> Figure:
    """Measure what zswap does for a page: it is stored, loaded, stored again and freed.

    The folio stays in the swap cache, as reclaim and faults hold it for these operations; afterwards it is at
    rest, and all properties of states are checked.  Compression is not counted: its results are remembered.
    """
    v, properties = Setting("zstd").system(subject, "toy"), at_rest(subject)
    run(v, v.ops.write_page(0, 0, page(2)))
    run(v, v.ops.madvise_pageout(0, 0, 1))
    run(v, v.ops.madvise_willneed(0, 0))
    slot = v[v.at.pte[0][0]].slot
    folio = v[v.at.swap_cache[slot]]

    def cycle() -> None:
        _lock(v, folio, locked=True)
        run(v, v.ops.zswap_store(folio=folio))
        run(v, v.ops.zswap_load(folio=folio))
        run(v, v.ops.zswap_store(folio=folio))
        run(v, _free(v, slot))
        _lock(v, folio, locked=False)
        _no_violation(v, properties)

    rate = 4e6 / _microseconds(cycle, 300)
    return Figure("zswap page operations (store, load, free)", 20_000, rate, "operations/s")


def large_folio(subject: Profile) -> Figure:
    """Measure what zswap does for a folio of 512 pages: it is stored whole and loaded page by page.

    Compression is not counted: its results are remembered.  A kernel that stores single pages only gets them one by
    one.
    """
    sizes = attrs.evolve(preset("real"), processes=1, pages=LARGE)
    device = subject.config(sizes, codecs("deflate-iaa", subject.kernel), compressor="deflate-iaa")
    v = subject.system(device)
    whole = not issubclass(subject.operations.zswap_store, (ZswapStore61, ZswapStore612))
    if whole:
        run(v, v.ops.set_thp(order=LARGE.bit_length() - 1, on=True))
    for number in range(LARGE):
        run(v, v.ops.write_page(0, number, page(2 + SHAPES * (number % 8))))
    folios = dict.fromkeys(v[v.at.pte[0][number]].folio for number in range(LARGE))
    for folio in folios:
        _lock(v, folio, locked=True)
        run(v, v.ops.add_to_swap(folio=folio))
    stored = [live_folio(v, folio) for folio in folios]
    readers = [_reader(v, folio.swap + page) for folio in stored for page in range(len(folio.contents))]

    def cycle() -> None:
        for folio in folios:
            run(v, v.ops.zswap_store(folio=folio))
        for reader in readers:
            if run(v, v.ops.zswap_load(folio=reader)):
                raise AssertionError(f"folio {reader} was not loaded: the benchmark itself is wrong")

    rate = LARGE * 1e6 / _microseconds(cycle, 2)
    return Figure("zswap pages of a 2 MiB folio (store whole, load each)", 15_000, rate, "pages/s")


def _reader(v: KernelView, slot: int) -> int:
    """Return a locked folio of one page in the swap cache that is to be loaded from a slot."""
    number = alloc_folio(v, (0,), 1, (0,), locked=True, uptodate=False)
    v[v.at.folio[number]] = evolve(live_folio(v, number), swap=slot, swapcache=True)
    return number


def failure_goals(_: Profile) -> Figure:
    """Measure running every declared failure of a store in batches, whatever the profile that is measured otherwise.

    The folio has 8 pages, the longest batch 3; all properties are checked after every step.
    """
    begin = time.process_time()
    result = fail_everywhere(without_known_bugs(profile("batching-v14")), "batches")
    seconds = time.process_time() - begin
    if not result.fine:
        raise AssertionError("a failure leaves something: the model itself is wrong; see refmodel failures")
    return Figure(f"all {len(result.outcomes)} failure goals of batching-v14", 60, seconds, "s", at_most=True)


def iaa_jobs(_: Profile) -> Figure:
    """Measure jobs of IAA from allocation over submission and completion to the poll, in batches of 8.

    Whatever the profile that is measured otherwise; compression is not counted: the compressor is one of tokens.
    """
    subject = without_known_bugs(profile("iaa-v14"))
    sizes = attrs.evolve(preset("toy"), cpus=1, nodes=1, max_batch=8)
    system = {TOKENS: Symbolic(TOKENS, fail=False)}
    v = subject.system(subject.config(sizes, system, compressor=TOKENS))
    pages = tuple(range(1, 9))

    def serve() -> bool:
        done = [run(v, work) for work in engine_work(v)]
        return bool(done)

    def cycle() -> None:
        found = run(v, v.ops.iaa_call_batch(0, "compress", pages), while_waiting=serve)
        if found[0]:
            raise AssertionError(f"the batch returned {found[0]}: the benchmark itself is wrong")

    return Figure(
        "jobs of IAA (allocate, submit, complete, poll)", 10_000, 8e6 / _microseconds(cycle, 50), "jobs/s"
    )


def iaa_tables(_: Profile) -> Figure:
    """Measure binding all queues of the largest host, 384 CPUs and 8 devices: tables are made anew for each."""
    host, driver = find_host("gnr-6-nodes").host, iaa_driver("batching-v14")
    milliseconds = _microseconds(lambda: driver.bind_all(attrs.evolve(host)), 3) / 1000
    return Figure("queue tables of IAA, 384 CPUs and 8 devices", 50, milliseconds, "ms", at_most=True)


def kcompressd_folios(_: Profile) -> Figure:
    """Measure folios on their way through a queue of kcompressd: kswapd submits one, the thread completes it on zram.

    Whatever the profile that is measured otherwise.  Two operations a folio; there is no compression.
    """
    subject = without_known_bugs(profile("kcompressd-c"))
    v = Setting(TOKENS, synchronous=True, enabled=False).system(subject, "toy")
    run(v, v.ops.write_page(0, 0, 2))
    run(v, v.ops.madvise_pageout(0, 0, 1))
    run(v, v.ops.madvise_willneed(0, 0))
    folio = v[v.at.swap_cache[v[v.at.pte[0][0]].slot]]

    def cycle() -> None:
        _lock(v, folio, locked=True)
        run(v, v.ops.kswapd_writepage(folio=folio))
        while (work := thread_work(v)) is not None:
            run(v, work)

    rate = 2e6 / _microseconds(cycle, 300)
    if v[v.at.kcompressd.count.pending] or not v[v.at.kcompressd.count.submitted]:
        raise AssertionError("folios were not queued and completed: the benchmark itself is wrong")
    return Figure("folios through kcompressd (submit, complete)", 15_000, rate, "operations/s")


def _free(v: KernelView, slot: int) -> Operation:
    """Return what frees the zswap entry of a slot; under virtual swap that is freeing whatever backs it."""
    if v.ops.vswap_release_backing is not None:
        return v.ops.vswap_release_backing(slot=slot, nr=1)
    return v.ops.zswap_invalidate(slot=slot)


def _lock(v: KernelView, number: int, *, locked: bool) -> None:
    folio = live_folio(v, number)
    v[v.at.folio[number]] = evolve(folio, locked=locked)


def _no_violation(v: KernelView, properties: Sequence[StateProperty]) -> None:
    broken = broken_state(v, properties)
    if broken is not None:
        raise AssertionError(f"{broken.property} is broken by the benchmark itself: {broken.found}")


def whole_page_operations(subject: Profile) -> Figure:
    """Measure what a process asks for: MADV_PAGEOUT of a page, a read of it, MADV_DONTNEED.

    Reclaim, swap cache, slots and page tables take part, and all properties are checked after each.  Writing the
    page before is not counted.
    """
    v, properties = Setting("zstd").system(subject, "toy"), at_rest(subject)
    initial = v.snapshot()

    def seconds(operation: Operation) -> float:
        begin = time.process_time()
        run(v, operation)
        _no_violation(v, properties)
        return time.process_time() - begin

    def cycle() -> float:
        v.restore(initial)
        run(v, v.ops.write_page(0, 0, page(2)))
        stored, loaded = seconds(v.ops.madvise_pageout(0, 0, 1)), seconds(v.ops.read_page(0, 0))
        return stored + loaded + seconds(v.ops.zap_pages(0, 0, 1))

    cycle()
    rate = median(3 * 200 / sum(cycle() for _ in range(200)) for _ in range(TURNS))
    return Figure("page operations of a process (pageout, fault, zap)", 20_000, rate, "operations/s")


def walk_steps(subject: Profile) -> Figure:
    """Measure model steps in random walks over all settings, properties at rest and of events checked."""
    worker = _worker(subject)
    for number in range(len(worker.plan.settings)):
        worker.run(number)
    reports = [worker.run(number) for number in range(RULES) if number % RULES != RULES - 1]
    rate = median(report.steps / report.cpu for report in reports)
    return Figure("random walks, properties at rest", 25_000, rate, "steps/s")


def rule_steps(subject: Profile) -> Figure:
    """Measure model steps in rule-based runs of Hypothesis, properties at rest and of events checked."""
    worker = _worker(subject)
    worker.run(RULES - 1)
    reports = [worker.run(RULES * turn - 1) for turn in range(1, TURNS + 1)]
    rate = median(report.steps / report.cpu for report in reports)
    return Figure("rule-based machine, properties at rest", 4_000, rate, "steps/s")


def _worker(subject: Profile) -> Worker:
    return Worker(
        Plan(subject, "toy", (Setting("zstd"), Setting(TOKENS)), 0, frozenset(), STEPS, races=False)
    )


def minimiser(subject: Profile) -> Figure:
    """Measure minimising failures of 40 to 50 commands, as walks find them in exhibits of the museum."""
    times = []
    for bug in (exhibit(id).profile for id in _EXHIBITS):
        trial = Trial(Setting(TOKENS).system(bug, "toy"), (*at_rest(bug), *in_history(bug)))
        for failed in _failures(trial):
            begin = time.process_time()
            minimise(trial, failed.moves, failed.violation)
            times.append(time.process_time() - begin)
    return Figure("minimising 40 to 50 commands", 50, 1000 * median(times), "ms", at_most=True)


def _failures(trial: Trial) -> Iterator[_Failed]:
    """Yield long failing walks, as many as there are turns."""
    chance, kinds = random.Random(0), KINDS.of(trial.v.ops)
    found = 0
    while found < TURNS:
        walked = walk(trial, kinds, chance.randbytes(2 * BYTES), length=50)
        if walked.violation is not None and len(walked.moves) >= 40:
            found += 1
            yield _Failed(walked.moves, walked.violation)


def snapshot(subject: Profile) -> Figure:
    """Measure taking a snapshot of a toy system and going back to it."""
    v = Setting(TOKENS).system(subject, "toy")
    run(v, v.ops.write_page(0, 0, 1))

    def turn() -> None:
        v.restore(v.snapshot())

    return Figure("snapshot and restore, toy", 15, _microseconds(turn), "us", at_most=True)


def view_cost(subject: Profile) -> Figure:
    """Measure a step on the view against the same code on plain attributes.

    The step is a second chance on an LRU list: the head goes to the tail, its mark is taken away, a counter counts.
    """
    v, plain = Setting(TOKENS).system(subject, "toy"), _Plain()
    v[v.at.lru[1][0]], v[v.at.entry[1]] = (1, 2, 3), ZswapEntry(slab_nid=0, referenced=True)
    on_view, on_plain = (
        _microseconds(partial(_rotate_view, v, 1, 0)),
        _microseconds(partial(_rotate, plain, 1, 0)),
    )
    return Figure("a step on the view against plain attributes", 2, on_view / on_plain, "times", at_most=True)


class _Plain:
    """A system of plain attributes, as large as the step needs."""

    def __init__(self) -> None:
        self.lru = [[(1, 2, 3), ()], [(1, 2, 3), ()]]
        self.entry = [None, ZswapEntry(slab_nid=0, referenced=True)]
        self.written_back_pages = 0


def _rotate_view(v: KernelView, memcg: int, nid: int) -> None:
    place = v.at.lru[memcg][nid]
    entries = v[place]
    v[place] = (*entries[1:], entries[0])
    entry = v[v.at.entry[1]]
    assert entry is not None
    v[v.at.entry[1]] = evolve(entry, referenced=not entry.referenced)
    v[v.at.zs.written_back_pages] += 1


def _rotate(plain: _Plain, memcg: int, nid: int) -> None:
    entries = plain.lru[memcg][nid]
    plain.lru[memcg][nid] = (*entries[1:], entries[0])
    entry = plain.entry[1]
    assert entry is not None
    plain.entry[1] = evolve(entry, referenced=not entry.referenced)
    plain.written_back_pages += 1


def _microseconds(turn: Callable[[], object], times: int = 2000) -> float:
    """Return what one turn costs: the median of several rows of them."""
    rows = []
    for _ in range(TURNS):
        begin = time.process_time()
        for _ in range(times):
            turn()
        rows.append((time.process_time() - begin) / times)
    return 1e6 * median(rows)


MEASURES: tuple[Callable[[Profile], Figure], ...] = (
    page_operations,
    whole_page_operations,
    large_folio,
    failure_goals,
    walk_steps,
    rule_steps,
    minimiser,
    snapshot,
    view_cost,
    iaa_jobs,
    iaa_tables,
    kcompressd_folios,
)
"""What ``bench`` measures, in this order."""
