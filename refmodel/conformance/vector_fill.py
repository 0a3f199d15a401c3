"""Filling vectors: programs that reach every step and failure that one program of commands can come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import attrs

from refmodel.conformance.boundary import Hello, Line, hello_of
from refmodel.conformance.conform_walk import NEVER_FAIL, CommandDraws
from refmodel.conformance.lockstep import comparable
from refmodel.conformance.served import SETTINGS, SLABS, ServedModel
from refmodel.conformance.vectors import (
    COMPRESSORS,
    VECTOR_SIZES,
    VERSION,
    Case,
    lacking,
    needs_of,
    reset_to,
    vector_of,
    write_vector,
)
from refmodel.engines.coverage import Goal, declared, reached
from refmodel.machine import run
from refmodel.profiles import Profile

MOST_ASKED = 6
"""How often the same failure is possible in a command, at most, for a vector to be looked for."""

_TEXT = {"op": "write", "w": 0, "page": 0, "kind": "text", "seed": 1}
_OUT = {"op": "out", "w": 0, "page": 0}
_FULL = (
    {"op": "set", "what": "zswap/max_pool_percent", "value": "0"},
    {**_TEXT, "page": 1},
    {**_OUT, "page": 1},
)

RARE: tuple[list[Line], ...] = (
    # A killed pool that still has an entry is taken into use again.
    [
        _TEXT,
        _OUT,
        {"op": "set", "what": "zswap/compressor", "value": "lz4"},
        {"op": "set", "what": "zswap/compressor", "value": "deflate"},
    ],
    # So is one with the other allocator.
    [
        _TEXT,
        _OUT,
        {"op": "set", "what": "zswap/zpool", "value": "zbud"},
        {"op": "set", "what": "zswap/zpool", "value": "zsmalloc"},
    ],
    # An allocator that can evict is full.
    [{"op": "set", "what": "zswap/zpool", "value": "zbud"}, _TEXT, _OUT, *_FULL],
    # It wants to evict what has been read in meanwhile.
    [
        {"op": "set", "what": "zswap/zpool", "value": "zbud"},
        _TEXT,
        _OUT,
        {"op": "willneed", "w": 0, "page": 0},
        *_FULL,
    ],
    # A folio that somebody holds stays beside its entry, is written again and refused.
    [
        _TEXT,
        {**_OUT, "fault": {"site": "folio_held", "nth": 1}},
        {"op": "touch", "w": 0, "page": 0},
        {"op": "dirty", "w": 0, "page": 0, "off": 0, "val": 1},
        {"op": "set", "what": "zswap/enabled", "value": "N"},
        _OUT,
    ],
    # Slots in a row are freed at once.
    [_TEXT, {**_TEXT, "page": 1}, {**_OUT, "n": 2}, {"op": "free", "w": 0, "page": 0, "n": 2}],
    # An entry that is to be written back does not decompress.
    [
        {"op": "set", "what": "zswap/shrinker_enabled", "value": "Y"},
        _TEXT,
        _OUT,
        {"op": "shrink", "w": 0, "nid": 0, "n": 1},
        {"op": "shrink", "w": 0, "nid": 0, "n": 1, "fault": {"site": "decompress", "nth": 1}},
    ],
    # There are no slots in a row for a large folio.
    [
        {"op": "set", "what": "thp/hugepages-16kB/enabled", "value": "always"},
        _TEXT,
        {**_OUT, "n": 4, "fault": {"site": "alloc_slot", "nth": 1}},
    ],
)
"""Programs of what random ones rarely come to."""

_RARELY_KNOWN = ("count", "offline", "swapoff", "swapon")
"""Commands that most implementations of a store do not have."""

_NOT_TRIED = ("settle", "peek")
"""Commands that vectors do without: their answers hold nothing that other commands' do not."""


_NO_BATCH = "6.1 frees slots one by one"
_NO_SIZE = "6.1 has no large folios smaller than 2 MiB"
_AT_BOOT = "6.1 sets zswap up at boot, whatever is written later"
_BETWEEN = "somebody else has to come between two steps of the command"
_TWICE = "two things have to fail in one command"

WHY = {
    "do_swap_page.relax": _BETWEEN,
    "zswap_decompress.pick_ctx": _BETWEEN,
    "zswap_writeback_entry.back_out": _BETWEEN,
    "zswap_writeback_entry.put_folio": _BETWEEN,
    "set_compressor.created: alloc_param fails": _TWICE,
    "set_zpool.created: alloc_param fails": _TWICE,
    "zswap_decompress.run_decompressor: decompress fails": "the kernel stops there (BUG_ON)",
    "zswap_load.decompress: bounce_buffer fails": "what is read then was never written (H-13, UNVERIFIED)",
    "swap_put_map.invalidate": _NO_BATCH,
    "madvise_pageout.unlock_split": _NO_SIZE,
    "shrink_folio.after_split": _NO_SIZE,
    "split_folio.split": _NO_SIZE,
    "split_folio.end": _NO_SIZE,
    "shrinker_count.count": "6.1 has no dynamic shrinker",
    "set_memcg.write_switch": "6.1 has no memory.zswap.writeback",
    "set_compressor.decide: alloc_param fails": _AT_BOOT,
    "set_zpool.decide: alloc_param fails": _AT_BOOT,
    "set_param.set_up": _AT_BOOT,
    "set_param.set_up: zswap_setup fails": _AT_BOOT,
    "set_param.fall_back": _AT_BOOT,
    "set_param.add_pool": _AT_BOOT,
}
"""Why no vector of a released kernel reaches a goal."""


class _Watched(ServedModel):
    """A served model that notes which goals it reaches."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(profile, VECTOR_SIZES, COMPRESSORS[0])
        self.reached: set[Any] = set()
        self.failed: set[Any] = set()
        self.pending = ""

    def run(self, operation: Any) -> Any:
        return run(self.view, operation, self.observe, self.serve)

    def choose(self, point: Any, options: Any) -> Any:
        before = self.fired
        answer = super().choose(point, options)
        if self.fired and not before:
            self.pending = point.name
        return answer

    def observe(self, step: Any) -> None:
        self.reached.add((type(step.__self__), step.__func__))
        if self.pending:
            self.failed.add((type(step.__self__), step.__func__, self.pending))
            self.pending = ""

    def goals(
        self, setting: Line, program: Sequence[Line], stop: frozenset[Goal] | None = None
    ) -> tuple[frozenset[Goal], int]:
        """Run a program; return the goals that it reaches, and after how many commands those of ``stop`` were."""
        self.reached.clear()
        self.failed.clear()
        self.answer(reset_to(setting))
        for number, command in enumerate(program, start=1):
            self.answer({"i": number, **command})
            if stop is not None and stop <= reached(self.profile.operations, [self]):
                return stop, number
        return reached(self.profile.operations, [self]), len(program)


@attrs.frozen
class Filled:
    """Vectors with the goals that each adds, and the goals that none reaches."""

    cases: tuple[tuple[Case, tuple[Goal, ...]], ...]
    unreached: tuple[Goal, ...]

    @property
    def goals(self) -> int:
        """How many goals are reached."""
        return sum(len(goals) for _, goals in self.cases)


def fill(
    profile: Profile, seed: int = 0, runs: int = 400, progress: Callable[[str], None] = lambda text: None
) -> Filled:
    """Return vectors that reach whatever random programs reach, and every failure on the way of one of them.

    Each is the shortest that was found for one goal, and counts for all others that it reaches.  The first half of the
    programs asks for what most implementations know, so that they have vectors, too.
    runs: random programs.  progress: is told now and then how far this is.
    """
    model, goals = _Watched(profile), declared(profile.operations)
    hello = _fillable(model, goals)
    plain = _without(comparable(hello), _RARELY_KNOWN)
    starts = ({}, {}, *(SETTINGS[name] for name in hello.settings))
    found = _Found(model)
    for number in range(runs):
        setting, known = ({}, plain) if number < runs // 2 else (starts[number % len(starts)], hello)
        program = _program(model, known, setting, Random(f"{seed}/{number}"))
        for goal in sorted(model.goals(setting, program)[0]):
            found.take(goal, setting, program)
        progress(f"program {number + 1} of {runs}: {len(found.known)} goals")
    for program in RARE:
        if not lacking(needs_of(program, {}), hello):
            for goal in sorted(model.goals({}, program)[0]):
                found.take(goal, {}, program)
    for goal in goals:
        progress(f"failures: {len(found.known)} of {len(goals)} goals")
        found.fail(goal, hello)
    return Filled(tuple(found.cases), tuple(goal for goal in goals if goal not in found.known))


class _Found:
    """The vectors that were found so far."""

    def __init__(self, model: _Watched) -> None:
        self.model = model
        self.known: set[Goal] = set()
        self.cases: list[tuple[Case, tuple[Goal, ...]]] = []
        self.programs: list[tuple[Line, list[Line], frozenset[Goal]]] = []

    def take(self, goal: Goal, setting: Line, program: list[Line]) -> None:
        """Make a vector for a goal that a program reaches, unless there is one."""
        if goal in self.known:
            return
        wanted = frozenset({goal})
        _, length = self.model.goals(setting, program, wanted)
        shortest = _shortened(self.model, setting, program[:length], wanted)
        reaches, _ = self.model.goals(setting, shortest)
        new = reaches - self.known
        self.known |= new
        case = vector_of(goal.text, self.model.profile, shortest, setting=setting)
        self.cases.append((case, (goal, *sorted(new - wanted))))
        self.programs.append((setting, shortest, reaches))

    def fail(self, goal: Goal, hello: Hello) -> None:
        """Look for a failure at a step in the programs that reach the step: in each command, the first few times."""
        site = next((site for site in hello.faults if SLABS.get(site, site) == goal.fault), "")
        step = attrs.evolve(goal, fault="")
        if goal in self.known or not site:
            return
        for setting, program in [(start, known) for start, known, goals in self.programs if step in goals]:
            able = [at for at, command in enumerate(program) if command["op"] not in NEVER_FAIL]
            for at, nth in product(able, range(1, MOST_ASKED + 1)):
                failing = {**program[at], "fault": {"site": site, "nth": nth}}
                tried = [*program[:at], failing, *program[at + 1 :]]
                if goal in self.model.goals(setting, tried)[0]:
                    self.take(goal, setting, tried)
                    return


def _fillable(model: ServedModel, goals: Sequence[Goal]) -> Hello:
    """Return what vectors are drawn from: failures at sites that steps of the profile ask for."""
    hello = _without(hello_of(model.hello()), _NOT_TRIED)
    asked = {goal.fault for goal in goals}
    sites = tuple(site for site in hello.faults if SLABS.get(site, site) in asked)
    return attrs.evolve(hello, faults=sites)


def _without(hello: Hello, commands: Sequence[str]) -> Hello:
    """Return what an implementation can do, some commands left out."""
    return attrs.evolve(hello, commands=tuple(op for op in hello.commands if op not in commands))


def _program(model: _Watched, hello: Hello, setting: Line, chance: Random) -> list[Line]:
    """Draw a program; it begins by saying whether the dynamic shrinker is on."""
    model.answer(reset_to(setting))
    program: list[Line] = []
    if "zswap/shrinker_enabled" in hello.controls:
        program.append({"op": "set", "what": "zswap/shrinker_enabled", "value": chance.choice("YN")})
    draws = CommandDraws(chance, hello, model.view)
    for _ in range(40):
        program.append(draws.draw())
        model.answer({"i": len(program), **program[-1]})
    return program


def _shortened(model: _Watched, setting: Line, program: list[Line], goals: frozenset[Goal]) -> list[Line]:
    """Return a program without the commands that it does not need to reach some goals."""
    index = 1 if program[0]["op"] == "set" else 0
    while index < len(program):
        shorter = program[:index] + program[index + 1 :]
        if shorter and goals <= model.goals(setting, shorter)[0]:
            program = shorter
        else:
            index += 1
    return program


def write_vectors(filled: Filled, profile: Profile, directory: Path, shards: int, seed: int) -> None:
    """Write vectors in shards, and their manifest."""
    entries = []
    for case, goals in filled.cases:
        shard = int(case.sha256[:8], 16) % shards
        path = write_vector(case, directory / str(shard))
        entries.append(
            {
                "file": f"{shard}/{path.name}",
                "sha256": case.sha256,
                "what": case.what,
                "shard": shard,
                "commands": len(case.steps),
                "needs": case.needs,
                "goals": [goal.text for goal in goals],
            }
        )
    entries.sort(key=lambda entry: str(entry["file"]))
    manifest = {
        "vectors": VERSION,
        "profile": profile.name,
        "seed": seed,
        "shards": shards,
        "cases": entries,
        "unreached": [{"goal": goal.text, "why": WHY.get(goal.text, "")} for goal in filled.unreached],
    }
    (directory / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
