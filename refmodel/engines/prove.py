"""Proving contracts: every condition is put to CrossHair, in processes of their own.

A condition is confirmed when CrossHair has gone through all paths for all inputs within the bounds of its contract.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Literal

import attrs

from refmodel.engines.contract import Contract, Twin, chosen, load
from refmodel.engines.processes import processes
from refmodel.engines.symbolic import Answer, Verdict, ask, require_crosshair

SECONDS = 12.0
"""CPU seconds for a condition, if nothing else is asked for."""

OPEN_SHARE = 0.1
"""Share of that time for a condition whose contract says why it is open: nobody expects a decision."""

JOBS = 2
"""Processes, if nothing else is asked for."""


class TooShort(ValueError):
    """The time is too short for any condition."""


class NoTwins(LookupError):
    """Contracts have no wrong versions; says how to have some."""


@attrs.frozen
class Proof:
    """What became of contracts.

    contracts: in their order.  answers: one for each condition, in the order of the contracts.  wall: seconds.
    """

    contracts: tuple[Contract, ...]
    answers: tuple[Answer, ...]
    seconds: float
    wall: float

    def with_verdict(self, verdict: Verdict) -> tuple[Answer, ...]:
        """Return the answers of one kind."""
        return tuple(each for each in self.answers if each.verdict == verdict)

    @property
    def verdict(self) -> Literal["confirmed", "refuted", "could not run", "undecided"]:
        """What all answers come to; a condition whose contract says why it is open leaves nothing undecided."""
        if self.with_verdict("refuted"):
            return "refuted"
        if self.with_verdict("could not run"):
            return "could not run"
        is_open = {each.name for each in self.contracts if "Open" in each.facts}
        left = [each for each in self.with_verdict("no counterexample") if each.contract not in is_open]
        return "undecided" if left else "confirmed"


@attrs.frozen
class Progress:
    """How far a run has come: done of all, and how many of these are good, which ``word`` says."""

    done: int
    all: int
    good: int
    word: str


@attrs.frozen
class Tooth:
    """What became of one twin.

    answers: one for each condition.
    """

    contract: Contract
    twin: Twin
    answers: tuple[Answer, ...]

    @property
    def broken(self) -> tuple[Answer, ...]:
        """The conditions that refute it, each with its counterexample."""
        return tuple(each for each in self.answers if each.verdict == "refuted")

    @property
    def verdict(self) -> Literal["refuted", "confirmed", "undecided"]:
        """Refuted as it has to be; confirmed by all conditions, so that nobody notices; or neither in the time."""
        if self.broken:
            return "refuted"
        return "confirmed" if all(each.verdict == "confirmed" for each in self.answers) else "undecided"


def prove(
    names: Sequence[str] = (),
    *,
    seconds: float = SECONDS,
    jobs: int = JOBS,
    progress: Callable[[Progress], None] | None = None,
) -> Proof:
    """Put every condition of contracts to CrossHair.

    names: as for ``chosen``.  seconds: of CPU for each condition.
    Raises NoCrossHair, NoContract, BadContract, and TooShort if no condition was decided within the time.
    """
    contracts = chosen(names)
    require_crosshair()
    begin = time.perf_counter()
    total = sum(len(each.conditions) for each in contracts)
    found: dict[str, list[Answer]] = {}
    for contract, row in answers([(each, None) for each in contracts], seconds, jobs):
        found[contract.name] = row
        if progress is not None:
            known = [each for some in found.values() for each in some]
            progress(
                Progress(len(known), total, sum(each.verdict == "confirmed" for each in known), "confirmed")
            )
    all_ = tuple(each for contract in contracts for each in found[contract.name])
    if all(each.verdict == "no counterexample" for each in all_):
        raise TooShort(
            f"{seconds:g} s of CPU for a condition decided none of {len(all_)}; try --seconds {SECONDS:g}"
        )
    return Proof(contracts, all_, seconds, time.perf_counter() - begin)


def bite(
    names: Sequence[str] = (),
    *,
    seconds: float = SECONDS,
    jobs: int = JOBS,
    progress: Callable[[Progress], None] | None = None,
) -> tuple[Tooth, ...]:
    """Put every twin of contracts to CrossHair: in place of the decision, it has to break a condition.

    names, seconds: as for ``prove``.
    Raises NoCrossHair, NoContract, BadContract, NoTwins, and TooShort if nothing was decided within the time.
    """
    tasks = [(each, number) for each in chosen(names) for number in range(len(each.twins))]
    if not tasks:
        raise NoTwins(
            f"{', '.join(names)}: no wrong versions; write one and mark it with breaks(contract, decision)"
        )
    require_crosshair()
    found: dict[tuple[str, int], Tooth] = {}
    runs = answers(tasks, seconds, jobs)
    for (contract, number), (_, row) in zip(tasks, runs, strict=True):
        found[contract.name, number] = Tooth(contract, contract.twins[number], tuple(row))
        if progress is not None:
            refuted = sum(bool(each.broken) for each in found.values())
            progress(Progress(len(found), len(tasks), refuted, "wrong versions refuted"))
    if all(each.verdict == "undecided" for each in found.values()):
        raise TooShort(
            f"{seconds:g} s of CPU for a condition decided none of {len(found)} wrong versions; "
            f"try --seconds {SECONDS:g}"
        )
    return tuple(found.values())


def answers(
    tasks: Sequence[tuple[Contract, int | None]], seconds: float, jobs: int
) -> Iterator[tuple[Contract, list[Answer]]]:
    """Yield the answers for each task: a contract, and the number of the twin that stands in, or None."""
    with processes(jobs) as pool:
        waiting = [pool.submit(_answers, each.path, each.name, number, seconds) for each, number in tasks]
        for (contract, _), future in zip(tasks, waiting, strict=True):
            yield contract, _result(future, contract)


def _result(future: Future[list[Answer]], contract: Contract) -> list[Answer]:
    """Return the answers of a process, or that it has died."""
    try:
        return future.result()
    except BrokenProcessPool:
        reason = "the process ended before it answered; ask for this contract by itself"
        return [Answer(contract.name, each, "could not run", 0, reason) for each in contract.conditions]


def _answers(path: Path, name: str, twin: int | None, seconds: float) -> list[Answer]:
    """Ask for the conditions of one contract, in whatever process this is."""
    contract = next(each for each in load(path) if each.name == name)
    if twin is None:
        return list(ask(contract, seconds * OPEN_SHARE if "Open" in contract.facts else seconds))
    with contract.twins[twin].in_place():
        return list(ask(contract, seconds))
