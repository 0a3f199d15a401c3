"""Several processes, each with an implementation of its own, that share the programs of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import reduce
from multiprocessing import get_context
from operator import or_
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.conformance.boundary import BadTarget
from refmodel.conformance.conform import Conformance, Coverage, Progress, Share, conform, profile_for
from refmodel.conformance.target import opened
from refmodel.engines.processes import processes

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import SynchronizedArray
    from multiprocessing.synchronize import Event

    from refmodel.conformance.validator import Level

_LOOK = 1.0
"""Seconds between two looks at how far the others have come."""


def search(
    name: str,
    profile_name: str | None,
    timeout: float,
    jobs: int = 1,
    *,
    level: Level = "counters",
    seconds: float = 10.0,
    seed: int = 0,
    progress: Callable[[Progress], None],
) -> Conformance:
    """Start an implementation in each of ``jobs`` processes, and run programs against them.

    name: of the target.  profile_name: what it is held against, None for what it names itself.
    timeout: seconds that an answer may take.  seconds: how long to search once an implementation is up.
    The programs are those that one process would run, dealt out in turn; of several divergences that were met
    before all could stop, the one of the earliest program is told.
    Raises BadTarget and UnknownProfile.
    """
    given = (name, profile_name, timeout, level, seconds, seed)
    if jobs == 1:
        return _run(given, None, progress)
    context = get_context("spawn")
    over, told = context.Event(), context.Array("q", 2 * jobs)
    with processes(jobs, _start, (over, told)) as pool:
        parts = [pool.submit(_part, given, part, jobs) for part in range(jobs)]
        try:
            _watch(parts, told, progress)
        except BrokenProcessPool:
            raise BadTarget(f"target {name}: a process ended before its time; try fewer jobs") from None
        finally:
            over.set()
        return merged([each.result() for each in parts])


def merged(parts: Sequence[Conformance]) -> Conformance:
    """Return what searches have found together, in the order of their parts."""
    refuted = [part for part in range(len(parts)) if parts[part].shrunk]
    told = parts[min(refuted, key=lambda part: (parts[part].runs, part), default=0)]
    compared = sum(each.compared for each in parts)
    return attrs.evolve(
        told,
        verdict=told.verdict if refuted else "not refuted" if compared else "undecided",
        runs=sum(each.runs for each in parts),
        commands=sum(each.commands for each in parts),
        compared=compared,
        seconds=max(each.seconds for each in parts),
        coverage=_coverage([each.coverage for each in parts]),
    )


def _coverage(parts: Sequence[Coverage]) -> Coverage:
    """Add up what was exercised; what could be is the same everywhere."""
    return attrs.evolve(
        parts[0],
        commands=_sum(each.commands for each in parts),
        faults=_sum(each.faults for each in parts),
        states=dict(sorted(_sum(each.states for each in parts).items())),
        unknown=dict(sorted(_sum(each.unknown for each in parts).items())),
        steps=reduce(or_, (each.steps for each in parts)),
    )


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    found = Counter[str]()
    for each in counts:
        found.update(each)
    return dict(found)


def _watch(
    parts: Sequence[Future[Conformance]], told: SynchronizedArray[int], progress: Callable[[Progress], None]
) -> None:
    """Tell how far all have come until they are done; the first that fails ends the search for all."""
    left: set[Future[Conformance]] = set(parts)
    while left:
        done, left = wait(left, _LOOK)
        for each in done:
            each.result()
        progress(Progress(sum(told[0::2]), sum(told[1::2])))


def _run(given: Any, share: Share | None, progress: Callable[[Progress], None]) -> Conformance:
    name, profile_name, timeout, level, seconds, seed = given
    with opened(name, timeout, part=share.part if share else None) as target:
        against = profile_for(target, profile_name)
        return conform(
            target, name, against, level=level, seconds=seconds, seed=seed, progress=progress, share=share
        )


# --- in another process -----------------------------------------------------------------------------------

_over: Event
_told: SynchronizedArray[int]


def _start(over: Event, told: SynchronizedArray[int]) -> None:
    global _over, _told
    _over, _told = over, told


def _part(given: Any, part: int, of: int) -> Conformance:
    def tell(known: Progress) -> None:
        _told[2 * part], _told[2 * part + 1] = known.runs, known.commands

    return _run(given, Share(part, of, _over), tell)
