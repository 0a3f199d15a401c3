"""``conform``: random programs against an implementation until it leaves what the model allows, or time is up."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count, islice
from random import Random
from typing import TYPE_CHECKING, Any

import attrs

from refmodel.conformance.ahead import Ahead
from refmodel.conformance.blame import with_step
from refmodel.conformance.boundary import BadTarget, Line
from refmodel.conformance.conform_shrink import Shrunk, shrink
from refmodel.conformance.conform_walk import WEIGHTS, CommandDraws
from refmodel.conformance.drive import page_state
from refmodel.conformance.lockstep import Divergence, Lockstep
from refmodel.conformance.served import SLABS
from refmodel.conformance.target import Target
from refmodel.conformance.validator import Level
from refmodel.profiles import Profile, UnknownProfile, profile

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event

LENGTH = 40
"""Commands of a run."""


@attrs.frozen
class Coverage:
    """What of the boundary was exercised.

    commands, faults, states: how often.  counters: names that were compared.  unknown: fields that the
    implementation left open, how often.  missing: capabilities that it does not have, by kind.
    steps: operations and steps of the model that ran.
    """

    commands: dict[str, int]
    faults: dict[str, int]
    states: dict[str, int]
    counters: tuple[str, ...]
    unknown: dict[str, int]
    missing: dict[str, tuple[str, ...]]
    steps: frozenset[tuple[str, str]]


@attrs.frozen
class Conformance:
    """What ``conform`` found.

    verdict: ``not refuted``, ``refuted``, or ``undecided`` where nothing could be compared.
    found: the first divergence as it was met; shrunk: the shortest program with the same one.
    seconds: until the end; found_after: until the divergence was met.
    """

    target: str
    implementation: str
    profile: str
    level: Level
    seed: int
    verdict: str
    runs: int
    commands: int
    compared: int
    seconds: float
    coverage: Coverage
    header: Line
    found: Divergence | None = None
    found_after: float = 0.0
    shrunk: Shrunk | None = None


@attrs.frozen
class Progress:
    """How far a search has come: programs and commands that ran."""

    runs: int
    commands: int


@attrs.frozen
class Share:
    """What one of several searches does of a whole one.

    part, of: it runs every ``of``-th program from ``part`` on.  over: set by the first that finds a divergence.
    """

    part: int
    of: int
    over: Event


def profile_for(target: Target, name: str | None) -> Profile:
    """Return the profile that an implementation is held against.

    Raises UnknownProfile for a name given by the user, BadTarget for one that the implementation claims.
    """
    if name is not None:
        return profile(name)
    try:
        return profile(target.hello.profile)
    except UnknownProfile as error:
        raise BadTarget(f"command 0 (hello): profile: {error}; --profile overrides it") from None


def conform(
    target: Target,
    name: str,
    against: Profile,
    *,
    level: Level = "counters",
    seconds: float = 10.0,
    seed: int = 0,
    runs: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    share: Share | None = None,
) -> Conformance:
    """Run programs against an implementation.

    name: of the target, for the report.  seconds: how long; runs: how many programs at most.
    progress: called after each program.  share: where others run the rest of the programs.
    """
    return _Search(target, name, against, level, seed, share).run(seconds, runs, progress)


class _Search:
    """Programs in a row."""

    def __init__(
        self, target: Target, name: str, against: Profile, level: Level, seed: int, share: Share | None
    ) -> None:
        self.target, self.name, self.profile, self.level, self.seed = target, name, against, level, seed
        self.share = share
        self.lockstep = Lockstep(target, against, level)
        self.ahead = Ahead(self.lockstep, seed, self.numbers(), LENGTH) if target.runs_ahead else None
        self.started = time.perf_counter()
        self.seen = Counter[str]()
        self.faults = Counter[str]()
        self.states = Counter[str]()

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the programs that run here."""
        return count() if self.share is None else count(self.share.part, self.share.of)

    def run(
        self, seconds: float, runs: int | None, progress: Callable[[Progress], None] | None
    ) -> Conformance:
        """Run programs until one diverges, here or elsewhere, or the end is reached."""
        done = 0
        for number in islice(self.numbers(), runs):
            if (done and self.elapsed() >= seconds) or (self.share and self.share.over.is_set()):
                break
            found, program = self.one(number)
            done += 1
            if progress is not None:
                progress(Progress(done, self.lockstep.commands))
            if found is not None:
                if self.share is not None:
                    self.share.over.set()
                after = self.elapsed()
                commands = self.lockstep.commands
                shrunk = with_step(self.lockstep, shrink(self.lockstep, program, found))
                return self.result("refuted", done, commands, found=found, found_after=after, shrunk=shrunk)
        self.lockstep.recall()
        verdict = "not refuted" if self.lockstep.compared else "undecided"
        return self.result(verdict, done, self.lockstep.commands)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self.started

    def one(self, number: int) -> tuple[Divergence | None, list[Line]]:
        """Run one program; return its divergence and its commands up to there."""
        found = self.lockstep.reset()
        program: list[Line] = []
        commands = self.commands(number)
        while found is None and (command := next(commands, None)) is not None:
            program.append(command)
            found = self.lockstep.do(command)
            self.note(command)
        return found, program

    def commands(self, number: int) -> Iterator[Line]:
        """Yield the commands of a program, each drawn when the one before it has run, if not all ahead."""
        if self.ahead is not None:
            yield from self.ahead.take()
            return
        draws = CommandDraws(Random(f"{self.seed}/{number}"), self.lockstep.hello, self.lockstep.v)
        for _ in range(LENGTH):
            yield draws.draw()

    def note(self, command: Line) -> None:
        """Count a command for the coverage."""
        self.seen[command["op"]] += 1
        record = self.lockstep.answered[-1].record
        if record.get("fault", {}).get("fired"):
            self.faults[record["fault"]["site"]] += 1
        if "page" in command:
            self.states[_named(page_state(self.lockstep.v, command["w"], command["page"]))] += 1

    def result(self, verdict: str, runs: int, commands: int, **more: Any) -> Conformance:
        """Return what was found."""
        made = Conformance(
            target=self.name,
            implementation=" ".join((self.target.hello.name, self.target.hello.version)).strip(),
            profile=self.profile.name,
            level=self.level,
            seed=self.seed,
            verdict=verdict,
            runs=runs,
            commands=commands,
            compared=self.lockstep.compared,
            seconds=self.elapsed(),
            coverage=self.coverage(),
            header=self.lockstep.header,
        )
        return attrs.evolve(made, **more)

    def coverage(self) -> Coverage:
        """Return what was exercised and what is missing."""
        hello, compared = self.target.hello, self.lockstep.hello
        missing = {
            "commands": tuple(op for op in WEIGHTS if op not in hello.commands),
            "failures": tuple(site for site in SLABS if site not in hello.faults),
            "events": () if hello.events else ("all",),
            "counters": () if hello.counters else ("all",),
            "controls, because what they limit is not told": tuple(
                name for name in hello.controls if name not in compared.controls
            ),
        }
        return Coverage(
            commands={op: self.seen[op] for op in compared.commands},
            faults={site: self.faults[site] for site in compared.faults},
            states=dict(sorted(self.states.items())),
            counters=hello.counters if self.level != "data" else (),
            unknown=dict(sorted(self.lockstep.unknown.items())),
            missing={kind: names for kind, names in missing.items() if names},
            steps=frozenset(self.lockstep.reached),
        )


def _named(state: Line) -> str:
    """Return the state of a page in a few words, for example ``mem dirty swcache``."""
    return " ".join(key if key != "st" else state["st"] for key in state if key not in ("nid", "swp"))
